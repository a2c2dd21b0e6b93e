"""Episode figures: what the environment measured and what agents were paid, into Ray's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ray.rllib.callbacks.callbacks import RLlibCallback

from remalis_agents.mixtures import SCENARIO
from remalis_agents.rllib.states import keep_chunk_states

METRICS = "metrics"
"""Key under ``env_runners`` in a training result where the environment's own figures stand."""
BY_SCENARIO = "scenarios"
"""Key under ``env_runners`` where each scenario of a mixture has its figures under its name, its return among them."""
SCENARIO_RETURN = "episode_return_mean"

WINDOW_EPISODES = 8
"""Figures are means over so many finished episodes of each runner: traffic's vary between episodes by a tenth."""


class TeamCallbacks(RLlibCallback):
    """Logs each episode's ``metrics``, counts the faults of the machinery, and packs what goes to the learner.

    In a training on several scenarios ``metrics`` are means over episodes of all of them; the same figures stand under
    ``scenarios`` for each of them alone.
    """

    def on_sample_end(self, *, env_runner: Any, samples: Any, **kwargs: Any) -> None:
        # RLlib's learner groups cut episodes anew for several learners, and chunks then begin elsewhere.
        if env_runner.module is not None and env_runner.module.is_stateful() and env_runner.config.num_learners <= 1:
            for episode in samples:
                keep_chunk_states(episode, env_runner.module)

    def on_episode_end(self, *, episode: Any, metrics_logger: Any, **kwargs: Any) -> None:
        info = episode.get_infos(-1)
        figures = dict(info.get("metrics", {}))
        _log(metrics_logger, (METRICS,), figures)
        if SCENARIO in info and "infra_error" not in info:
            own = {SCENARIO_RETURN: episode.get_return(), **figures}
            _log(metrics_logger, (BY_SCENARIO, info[SCENARIO]), own)
        metrics_logger.log_value("infra_errors", 1 if "infra_error" in info else 0, reduce="sum", clear_on_reduce=False)


def _log(metrics_logger: Any, place: tuple[str, ...], figures: Mapping[str, Any]) -> None:
    """Logs figures of an episode that are finite numbers, under their names at a place."""
    for name, value in figures.items():
        if isinstance(value, int | float | np.number) and np.isfinite(value):
            metrics_logger.log_value((*place, name), float(value), window=WINDOW_EPISODES)
