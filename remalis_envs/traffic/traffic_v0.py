"""City traffic lights as a cooperative team, on real SUMO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.traffic.core import SPLITS, CoreConfig
from remalis_envs.traffic.demand import DemandProfile
from remalis_envs.traffic.engine.programs import Control, check_control
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.network.read import PhaseSource
from remalis_envs.traffic.own_files import Routes
from remalis_envs.traffic.resolve import for_sumo_rl, resolve_scenario
from remalis_envs.traffic.rewards import RewardSpec, check_reward
from remalis_envs.traffic.scenarios import FIDELITIES, Scenario, mesoscopic


def traffic_v0(
    level: str = "easy",
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
    neighbours: str = "roads",
    control: Control | Callable[[Scenario], Control] = "agents",
    backend: str = "auto",
    strict: bool = False,
    render_mode: str | None = None,
    emissions: bool = False,
    seed: int | None = None,
) -> TrafficEnv:
    check_reward(reward, with_emissions=emissions)
    check_options(network_seed=network_seed, horizon_s=horizon_s, split=split, fidelity=fidelity)
    times = {
        "decision_s": decision_s,
        "yellow_s": yellow_s,
        "all_red_s": all_red_s,
        "min_green_s": min_green_s,
        "max_green_s": max_green_s,
    }
    world = resolve_scenario(
        level,
        scenario,
        times,
        network_seed=network_seed,
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
    control = control(world) if callable(control) else control
    check_control(control, world.network)
    config = CoreConfig(world, split, reward, reward_scope, emissions, control, observation)
    return TrafficEnv(config, backend=backend, strict=strict, neighbours=neighbours, render_mode=render_mode, seed=seed)


def check_options(*, network_seed: object, horizon_s: object, split: str, fidelity: str) -> None:
    """Raise for what no environment could be built from, before anything is built."""
    if not isinstance(network_seed, int) or isinstance(network_seed, bool) or network_seed < 0:
        raise RemalisError(f"network_seed must be an integer of at least 0, not {network_seed!r}")
    length = 1.0 if horizon_s is None else horizon_s
    if isinstance(length, bool) or not isinstance(length, int | float) or not 0 < length < float("inf"):
        raise RemalisError(f"horizon_s must be a positive number of seconds, not {horizon_s!r}")
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if fidelity not in FIDELITIES:
        raise unknown("fidelity", fidelity, FIDELITIES)


def make(**kwargs: Any) -> TrafficEnv:
    """Entry point for registries."""
    return traffic_v0(**kwargs)
