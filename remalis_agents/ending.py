"""Ends a training early as its user asks: after the iteration that runs, with a checkpoint; asked again, at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from ray.tune import Callback
from ray.tune.result import SHOULD_CHECKPOINT

ASKED = threading.Event()
"""Set while the training of this process has been asked to end; see :class:`.progress.AtTarget`."""


class SoftInterrupt(Callback):
    """Makes the first Ctrl-C, once there is something to save, a stop like any other; the next is Tune's own.

    Args:
        say: shows a line to the user.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._before: Any = None
        ASKED.clear()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Takes the place of Tune's handler, which drops what was learnt since the last checkpoint."""
        if self._before is None and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        if ASKED.is_set():  # whatever the experiment saves by itself
            result[SHOULD_CHECKPOINT] = True

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if ASKED.is_set():
            self._restore()
            signal.raise_signal(number)
            return
        ASKED.set()
        self._say("stopping after this iteration, with a checkpoint; once more stops at once, without")

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Puts Tune's handler back, which Tune then takes away."""
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune stores its callbacks beside the experiment; a handler cannot be stored

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(print)  # type: ignore[misc]
