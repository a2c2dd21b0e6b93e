"""The one door to RLlib: policy, distribution, advantages, learner, algorithm."""

from __future__ import annotations

from ray.tune.registry import register_trainable

from remalis_agents.registration import register_with_ray
from remalis_agents.rllib.algorithm import TRAINABLES, TeamPPO, TeamPPOConfig
from remalis_agents.rllib.distribution import TeamCategorical
from remalis_agents.rllib.learner import TeamPPOLearner
from remalis_agents.rllib.multi_agent_env import KeepTruncation, ParallelMultiAgentEnv
from remalis_agents.rllib.replay import TeamReplay, TeamReplayConfig
from remalis_agents.rllib.team_module import CheckpointError, RemalisPolicy

register_with_ray()
for _name, _trainable in TRAINABLES.items():
    register_trainable(_name, _trainable)

__all__ = [
    "TRAINABLES",
    "CheckpointError",
    "KeepTruncation",
    "ParallelMultiAgentEnv",
    "RemalisPolicy",
    "TeamCategorical",
    "TeamPPO",
    "TeamPPOConfig",
    "TeamPPOLearner",
    "TeamReplay",
    "TeamReplayConfig",
]
