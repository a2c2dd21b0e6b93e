"""From the names a user gives (level, scenario, protocol, times) to the scenario that is simulated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.traffic.demand import DemandProfile
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.levels import level_scenario
from remalis_envs.traffic.network.read import PhaseSource
from remalis_envs.traffic.observations import OBSERVATION_SIZE
from remalis_envs.traffic.own_files import DEFAULT_HORIZON_S, Routes, file_scenario, find_files, profile_of
from remalis_envs.traffic.protocols import find_protocol, under_protocol, with_option
from remalis_envs.traffic.resco import is_resco, resco_sumocfg
from remalis_envs.traffic.rewards import RewardSpec, names_of
from remalis_envs.traffic.scenarios import Scenario
from remalis_envs.traffic.sumo_rl_view import SUMO_RL_REWARDS, WAITING_TIME_MEMORY_S, observation_sizes

OBSERVATIONS = ("default", "sumo_rl")


def resolve_scenario(
    level: str,
    scenario: str | Path | None,
    times: dict[str, float | None],
    *,
    network_seed: int = 0,
    split: str = "train",
    protocol: str | None = None,
    routes: Routes = None,
    demand: str | DemandProfile | None = None,
    phases: PhaseSource | None = None,
    begin_s: float | None = None,
    horizon_s: float | None = None,
) -> Scenario:
    """The scenario that the arguments of ``traffic_v0`` of the same names describe.

    Args:
        level: what is played where ``scenario`` is None.
        scenario: ``resco/<map>``, a path of a ``.sumocfg`` or ``.net.xml``, or None.
        times: fields of :class:`SignalTiming`; None stands for the protocol's own, or else our default.
        network_seed: of a level's network.
        split: of a level's network.
        protocol: ``resco``, ``sumo_rl`` or None.
        routes: route files, for a scenario that is a network or in place of a configuration's own.
        demand: profile or level whose trips are drawn, in place of route files.
        phases: ``generated`` or ``program``; by default the program's for RESCO's maps and under a protocol.
        begin_s: first second of a scenario from files.
        horizon_s: length of an episode.

    Raises:
        RemalisError: for whatever is wrong with them, see :mod:`.own_files`, :mod:`.resco` and :mod:`.levels`.
    """
    name = "" if scenario is None else str(scenario)
    preset = find_protocol(protocol, name) if protocol is not None else None
    given: dict[str, Any] = {name: value for name, value in times.items() if value is not None}
    timing = replace(preset.timing if preset else SignalTiming(), **given)
    if phases not in (None, "generated", "program"):
        raise unknown("source of phases", phases, ("generated", "program"))
    if not name:
        for option, value in (("routes", routes), ("demand", demand), ("phases", phases), ("begin_s", begin_s)):
            if value is not None:
                raise RemalisError(f"{option}={value!r} belongs to a scenario from files: pass scenario= as well.")
        timing.check()
        found = level_scenario(level, network_seed, split, timing, horizon_s or DEFAULT_HORIZON_S)
    else:
        path = resco_sumocfg(name) if is_resco(name) else name
        profile, files = profile_of(demand), find_files(path, routes)
        timing.check(files.step_length_s)
        source = phases or ("program" if preset or is_resco(name) else "generated")
        found = file_scenario(name, files, phases=source, demand=profile, begin_s=begin_s, horizon_s=horizon_s)
    if preset is not None:
        found = under_protocol(found, preset)
    return replace(found, timing=timing)


def for_sumo_rl(scenario: Scenario, observation: str, reward: RewardSpec, fidelity: str) -> Scenario:
    """``scenario`` as sumo-rl's observation and rewards need it; itself where neither is asked for.

    Raises:
        UnknownNameError: there is no such observation.
        RemalisError: the mesoscopic model, which has no readings of lanes; a signal with too many lanes.
    """
    if observation not in OBSERVATIONS:
        raise unknown("observation", observation, OBSERVATIONS)
    named = set(names_of(reward)) & SUMO_RL_REWARDS.keys()
    if observation == "default" and not named:
        return scenario
    if fidelity != "micro":
        raise RemalisError("sumo-rl's observation and rewards read lanes, which need fidelity='micro'.")
    if observation == "sumo_rl" and not scenario.detectors.perfect:
        raise RemalisError(
            f"observation='sumo_rl' reads the whole road, but the detectors of {scenario.name!r} do not see "
            "it all; use the default observation."
        )
    if observation == "sumo_rl" and max(observation_sizes(scenario.network)) > OBSERVATION_SIZE:
        raise RemalisError(
            f"A signal of {scenario.name!r} has so many lanes that its sumo-rl vector exceeds {OBSERVATION_SIZE} "
            "numbers; use the default observation."
        )
    if "sumo_rl/diff-waiting-time" in named:
        return replace(scenario, files=with_option(scenario.files, "waiting-time-memory", str(WAITING_TIME_MEMORY_S)))
    return scenario
