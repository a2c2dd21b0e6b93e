"""The value-based learner: a buffer of whole team steps, per-agent targets, and the algorithm around them."""

from __future__ import annotations

from remalis_agents.rllib.replay.algorithm import TeamReplay
from remalis_agents.rllib.replay.buffer import TeamReplayBuffer
from remalis_agents.rllib.replay.config import TeamReplayConfig
from remalis_agents.rllib.replay.learner import TeamReplayLearner

__all__ = ["TeamReplay", "TeamReplayBuffer", "TeamReplayConfig", "TeamReplayLearner"]
