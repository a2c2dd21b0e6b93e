"""City traffic lights as a cooperative team, on real SUMO."""

from __future__ import annotations

from typing import Any

from remalis_envs.traffic.core import CoreConfig
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.levels import level_scenario
from remalis_envs.traffic.rewards import RewardSpec, check_reward


def traffic_v0(
    level: str = "easy",
    *,
    network_seed: int = 0,
    split: str = "train",
    reward: RewardSpec = "delay",
    reward_scope: str = "individual",
    decision_s: float = 5.0,
    yellow_s: float = 3.0,
    all_red_s: float = 2.0,
    min_green_s: float = 5.0,
    max_green_s: float = 60.0,
    horizon_s: float = 3600.0,
    backend: str = "auto",
    strict: bool = False,
    render_mode: str | None = None,
    emissions: bool = False,
    seed: int | None = None,
) -> TrafficEnv:
    check_reward(reward, with_emissions=emissions)
    timing = SignalTiming(decision_s, yellow_s, all_red_s, min_green_s, max_green_s)
    scenario = level_scenario(level, network_seed, split, timing, horizon_s)
    config = CoreConfig(scenario, split, reward, reward_scope, emissions)
    return TrafficEnv(config, backend=backend, strict=strict, render_mode=render_mode, seed=seed)


def make(**kwargs: Any) -> TrafficEnv:
    """Entry point for registries."""
    return traffic_v0(**kwargs)
