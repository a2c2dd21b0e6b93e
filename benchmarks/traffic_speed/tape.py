"""The policy that all contenders follow, and for the bare harness the signal states that come of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.signals import SignalControl
from remalis_envs.traffic.scenarios import Scenario

SWITCH_EVERY = 4
"""Decisions between two switches."""

States = list[tuple[str, str]]


def phase_plan(n_phases: npt.NDArray[np.int64], decisions: int) -> list[list[int]]:
    """For each decision the phase that every agent asks for: the next one, every fourth decision."""
    return [((t // SWITCH_EVERY) % n_phases).tolist() for t in range(decisions)]


def actions_of(network_agents: tuple[str, ...] | list[str], plan: list[list[int]]) -> list[dict[str, int]]:
    """The plan as PettingZoo actions."""
    return [dict(zip(network_agents, phases, strict=True)) for phases in plan]


def signal_tape(scenario: Scenario, plan: list[list[int]]) -> list[list[tuple[float, States]]]:
    """What the environment's own signal control shows under ``plan``, worked out without a simulation.

    Returns:
        For each decision the moments (simulation seconds) to advance to and the states to set on arrival. The states
        of the beginning are those of a first entry before all decisions.
    """
    control = SignalControl(NetworkIndex(scenario.network), scenario.timing)
    now = scenario.files.begin_s
    begun: States = []
    control.reset(now, lambda signal, state: begun.append((signal, state)))
    tape: list[list[tuple[float, States]]] = [[(now, begun)]]
    for phases in plan:
        control.decide(np.array(phases, dtype=np.int64), now)
        until, moments = now + scenario.timing.decision_s, []
        while (event := control.next_event_s(until)) is not None:
            moments.append((event, _shown(control, event)))
        moments.append((until, _shown(control, until)))
        tape.append(moments)
        now = until
    return tape


def _shown(control: SignalControl, now_s: float) -> States:
    states: States = []
    control.apply(now_s, lambda signal, state: states.append((signal, state)))
    return states
