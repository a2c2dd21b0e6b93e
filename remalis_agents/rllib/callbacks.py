"""Episode figures: what the environment measured and what agents were paid, into Ray's metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.callbacks.callbacks import RLlibCallback

from remalis_agents.rllib.states import keep_chunk_states

METRICS = "metrics"
"""Key under ``env_runners`` in a training result where the environment's own figures stand."""

WINDOW_EPISODES = 8
"""Figures are means over so many finished episodes of each runner: traffic's vary between episodes by a tenth."""


class TeamCallbacks(RLlibCallback):
    """Logs each episode's ``metrics``, counts the faults of the machinery, and packs what goes to the learner."""

    def on_sample_end(self, *, env_runner: Any, samples: Any, **kwargs: Any) -> None:
        # RLlib's learner groups cut episodes anew for several learners, and chunks then begin elsewhere.
        if env_runner.module is not None and env_runner.module.is_stateful() and env_runner.config.num_learners <= 1:
            for episode in samples:
                keep_chunk_states(episode, env_runner.module)

    def on_episode_end(self, *, episode: Any, metrics_logger: Any, **kwargs: Any) -> None:
        info = episode.get_infos(-1)
        for name, value in info.get("metrics", {}).items():
            if isinstance(value, int | float | np.number) and np.isfinite(value):
                metrics_logger.log_value((METRICS, name), float(value), window=WINDOW_EPISODES)
        metrics_logger.log_value("infra_errors", 1 if "infra_error" in info else 0, reduce="sum", clear_on_reduce=False)
