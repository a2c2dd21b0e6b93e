"""Episode figures: what the environment measured and what agents were paid, into Ray's metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.callbacks.callbacks import RLlibCallback

METRICS = "metrics"
"""Key under ``env_runners`` in a training result where the environment's own figures stand."""

WINDOW_EPISODES = 8
"""Figures are means over so many finished episodes of each runner: traffic's vary between episodes by a tenth."""


class TeamCallbacks(RLlibCallback):
    """Logs each episode's ``metrics`` and counts the faults of the machinery."""

    def on_episode_end(self, *, episode: Any, metrics_logger: Any, **kwargs: Any) -> None:
        info = episode.get_infos(-1)
        for name, value in info.get("metrics", {}).items():
            if isinstance(value, int | float | np.number) and np.isfinite(value):
                metrics_logger.log_value((METRICS, name), float(value), window=WINDOW_EPISODES)
        metrics_logger.log_value("infra_errors", 1 if "infra_error" in info else 0, reduce="sum", clear_on_reduce=False)
