"""The constructor of the traffic environment; the package's docstring is its documentation page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

import numpy as np

from remalis_envs.arguments import with_known_options
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.traffic.core_config import SPLITS, CoreConfig
from remalis_envs.traffic.demand import DemandProfile
from remalis_envs.traffic.engine.programs import Control, check_control
from remalis_envs.traffic.engine.simulation import LONGEST_S
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.network.read import PhaseSource
from remalis_envs.traffic.own_files import Routes
from remalis_envs.traffic.protocols import with_option
from remalis_envs.traffic.resolve import for_sumo_rl, resolve_scenario
from remalis_envs.traffic.rewards import RewardSpec, check_reward
from remalis_envs.traffic.scenarios import FIDELITIES, Scenario, mesoscopic

SUMO_RL = {
    "net_file": "scenario, a network's path, with its trips in routes",
    "route_file": "routes, beside a scenario that is a network",
    "num_seconds": "horizon_s",
    "delta_time": "decision_s",
    "reward_fn": "reward, with sumo-rl's own under names such as 'sumo_rl/diff-waiting-time'",
    "observation_class": "observation, with observation='sumo_rl' for sumo-rl's own",
    "fixed_ts": "control='own'",
    "sumo_seed": "the seed that reset() takes",
    "use_gui": "render_mode='rgb_array', and remalis play for a film",
    "single_agent": "remalis_envs.team.TeamEnv, a gymnasium.Env over all intersections",
}
"""Keywords of sumo-rl's constructors, and what does it here."""


@with_known_options(SUMO_RL)
def traffic_v0(
    level: str | None = None,
    *,
    scenario: str | Path | None = None,
    protocol: str | None = None,
    routes: Routes = None,
    demand: str | DemandProfile | None = None,
    phases: PhaseSource | None = None,
    network_seed: int = 0,
    split: str = "train",
    reward: RewardSpec = "delay",
    reward_scope: str = "individual",
    observation: str = "default",
    decision_s: float | None = None,
    yellow_s: float | None = None,
    all_red_s: float | None = None,
    min_green_s: float | None = None,
    max_green_s: float | None = None,
    begin_s: float | None = None,
    horizon_s: float | None = None,
    fidelity: str = "micro",
    blocker_patience_s: float | None = None,
    neighbours: str = "roads",
    control: Control | Callable[[Scenario], Control] = "agents",
    backend: str = "auto",
    strict: bool = False,
    render_mode: str | None = None,
    emissions: bool = False,
    seed: int | None = None,
) -> TrafficEnv:
    """Build the traffic environment.

    Args:
        level: ``easy`` (the default), ``medium``, ``hard`` or ``hell``.
        scenario: instead of a level, ``resco/<map>`` (one of RESCO's eight maps, read from the installed sumo-rl), or
            the path of a ``.sumocfg`` or ``.net.xml``.
        protocol: ``resco`` or ``sumo_rl``: step lengths, yellow and options as those suites use them.
        routes: route files for a scenario that is a network.
        demand: a level's name or a ``DemandProfile`` to draw trips from, for a scenario from files.
        phases: for a scenario from files, ``generated`` by us or those of its ``program``.
        network_seed: which of a level's networks. The network is built once and cached.
        split: ``train``, ``validation`` or ``test``; the same seeds draw other networks and demand in each.
        reward: name, weights by name, or function.
        reward_scope: ``individual``, ``neighbourhood`` (mean over an intersection and its road neighbours), ``team``.
        observation: ``default`` or ``sumo_rl``.
        decision_s: seconds from decision to decision, 5 by default; all times are multiples of SUMO's step.
        yellow_s: least yellow, 3 by default.
        all_red_s: least all-red, 2 by default.
        min_green_s: least green, 5 by default.
        max_green_s: most green, 60 by default.
        begin_s: first second of a scenario from files.
        horizon_s: length of an episode, 3600 by default.
        fidelity: ``micro``, or ``meso`` for SUMO's mesoscopic model: several times faster, without pedestrians and
            incidents, for pre-training.
        blocker_patience_s: seconds after which drivers pass a car that stands inside a junction, by default never
            (SUMO's ``--ignore-junction-blocker``). Under protocols that clear no junction between phases, three
            left-turners can face each other for good where phases follow each other in any order.
        neighbours: who may talk to whom: ``roads`` joins road neighbours, ``all`` everyone (up to 25 agents).
        control: ``agents``; ``own`` leaves the network's signal programs running; or programs by signal.
        backend: ``inline`` runs SUMO in this process, which holds one at most; ``worker`` in its own; ``auto``
            inline where the process is free.
        strict: make a masked action an error.
        render_mode: ``rgb_array`` or None.
        emissions: measure CO2 and fuel.
        seed: of the environment's own generator, which seeds ``reset()`` without a seed.

    Raises:
        UnknownNameError: a name that does not exist; the message has the nearest that does.
        RemalisError: an option that no environment can be built with, or files that SUMO does not accept.
    """
    check_reward(reward, reward_scope, with_emissions=emissions)
    check_options(network_seed=network_seed, split=split, fidelity=fidelity)
    check_switches(strict=strict, emissions=emissions)
    check_seconds(horizon_s=horizon_s, blocker_patience_s=blocker_patience_s)
    check_begin(begin_s)
    if scenario is not None and (not isinstance(scenario, str | Path) or str(scenario) in ("", ".")):
        raise RemalisError(f"scenario is 'resco/<map>' or the path of a .sumocfg or .net.xml, not {scenario!r}")
    if level is not None and scenario is not None:
        raise RemalisError(
            f"level={level!r} and scenario={str(scenario)!r} exclude each other: give one of "
            "them (in an experiment's YAML, `level: null` takes an inherited level away)."
        )
    times = {
        "decision_s": decision_s,
        "yellow_s": yellow_s,
        "all_red_s": all_red_s,
        "min_green_s": min_green_s,
        "max_green_s": max_green_s,
    }
    times = {name: value.item() if isinstance(value, np.number) else value for name, value in times.items()}
    world = resolve_scenario(
        "easy" if level is None else level,
        scenario,
        times,
        network_seed=int(network_seed),
        split=split,
        protocol=protocol,
        routes=routes,
        demand=demand,
        phases=phases,
        begin_s=begin_s,
        horizon_s=horizon_s,
    )
    world = for_sumo_rl(world, observation, reward, fidelity)
    if fidelity == "meso":
        world = mesoscopic(world)
    if blocker_patience_s is not None:
        files = with_option(world.files, "ignore-junction-blocker", f"{blocker_patience_s:g}")
        world = replace(world, files=files)
    control = control(world) if callable(control) else control
    check_control(control, world.network)
    config = CoreConfig(world, split, reward, reward_scope, emissions, control, observation)
    return TrafficEnv(config, backend=backend, strict=strict, neighbours=neighbours, render_mode=render_mode, seed=seed)


def check_options(*, network_seed: object, split: str, fidelity: str) -> None:
    """Raise for what no environment could be built from, before anything is built."""
    if not isinstance(network_seed, int | np.integer) or isinstance(network_seed, bool) or network_seed < 0:
        raise RemalisError(f"network_seed must be an integer of at least 0, not {network_seed!r}")
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if fidelity not in FIDELITIES:
        raise unknown("fidelity", fidelity, FIDELITIES)


def check_switches(**switches: object) -> None:
    """Raise for options, by name, that are to be true or false and are neither."""
    for name, given in switches.items():
        if not isinstance(given, bool | np.bool_):
            raise RemalisError(f"{name} must be True or False, not {given!r}")


def check_seconds(**lengths: object) -> None:
    """Raise for lengths of time, by name, that are none, or longer than anybody simulates; None is a default."""
    for name, given in lengths.items():
        length = 1.0 if given is None else given
        if not _is_number(length) or not 0 < length < LONGEST_S:
            raise RemalisError(f"{name} must be a positive number of seconds, below {LONGEST_S:g}, not {given!r}")


def check_begin(begin_s: object) -> None:
    """Raise for a first second that SUMO cannot begin at; None is the default."""
    begin = 0.0 if begin_s is None else begin_s
    if not _is_number(begin) or not 0 <= begin < LONGEST_S:
        raise RemalisError(f"begin_s must be a number of seconds, at least 0 and below {LONGEST_S:g}, not {begin_s!r}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
