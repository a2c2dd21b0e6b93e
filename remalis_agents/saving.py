"""When a run is saved besides its regular checkpoints: at once, and whenever a minute has passed without."""

from __future__ import annotations

import time
from typing import Any

from ray.tune import Callback
from ray.tune.result import SHOULD_CHECKPOINT

EVERY_S = 60.0
"""Seconds of work that a run may lose at most, where an iteration is shorter than that."""


class EarlySaves(Callback):
    """Asks for a checkpoint after the first iteration, so that a run which is ended early can be looked at and go on.

    Args:
        every_s: seconds after the last checkpoint at which the next one is made, whatever the iteration.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._saved_at: float | None = None

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Called before Tune looks whether it should save."""
        if self._saved_at is None or time.monotonic() - self._saved_at >= self._every_s:
            result[SHOULD_CHECKPOINT] = True

    def on_checkpoint(self, iteration: int, trials: list[Any], trial: Any, checkpoint: Any, **info: Any) -> None:
        """Called when one was made, for whatever reason."""
        self._saved_at = time.monotonic()
