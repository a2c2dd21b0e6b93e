"""What a traffic world is made from, and the arrays that it yields; both travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.cache import private_folders
from remalis_envs.traffic.engine.programs import Control, with_programs
from remalis_envs.traffic.network.model import MAX_PHASES
from remalis_envs.traffic.observations import LAYOUT
from remalis_envs.traffic.rewards import RewardSpec
from remalis_envs.traffic.scenarios import Scenario
from remalis_envs.traffic.sources import Tables

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class CoreConfig:
    """What a world is made from; it travels to worker processes."""

    scenario: Scenario
    split: str = "train"
    reward: RewardSpec = "delay"
    reward_scope: str = "individual"
    emissions: bool = False
    control: Control = "agents"
    """Whose signals are whose: where SUMO runs a program, actions do nothing."""
    observation: str = "default"


@dataclass
class Arrays:
    """What a step yields; with a worker these lie in memory that both processes share."""

    observations: npt.NDArray[np.float32]
    masks: npt.NDArray[np.int8]
    rewards: npt.NDArray[np.float64]
    subgoals: npt.NDArray[np.int64]
    concepts: npt.NDArray[np.int64]
    misaligned: npt.NDArray[np.float32]
    carried: npt.NDArray[np.int64]
    masked: npt.NDArray[np.bool_]
    online: npt.NDArray[np.bool_]

    @classmethod
    def empty(cls, n_agents: int) -> Arrays:
        """Zeros for ``n_agents`` agents."""
        return cls(
            np.zeros((n_agents, LAYOUT.size), np.float32),
            np.zeros((n_agents, MAX_PHASES), np.int8),
            np.zeros(n_agents),
            np.zeros(n_agents, np.int64),
            np.zeros(n_agents, np.int64),
            np.full(n_agents, -1.0, np.float32),
            np.zeros(n_agents, np.int64),
            np.zeros(n_agents, bool),
            np.ones(n_agents, bool),
        )


def prepare_cache(config: CoreConfig) -> dict[str, Path]:
    """Build what a world of ``config`` reads, here; returns the folders that only this process knows of.

    A worker ends without clean-up, so what it would build beside an unwritable cache would stay behind.
    """
    Tables.of(config.scenario)
    if not isinstance(config.control, str):
        with_programs(config.scenario.files, config.control)
    return private_folders()
