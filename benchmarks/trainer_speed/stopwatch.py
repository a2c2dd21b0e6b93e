"""Stopwatches inside functions that are called for long: how much of the time each part takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Seconds spent in functions by part; a part's time leaves out that of parts called inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    def watch(self, holder: Any, name: str, part: str) -> None:
        """Counts the calls of ``holder.name`` as ``part`` from now on."""
        setattr(holder, name, self.timed(getattr(holder, name), part))

    def timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """``function``, whose time is counted as ``part``."""
        self.seconds.setdefault(part, 0.0)

        def run(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.perf_counter() - begun
                self.seconds[part] += whole - self._inner.pop()
                self._inner[-1] += whole

        return run

    def clear(self) -> None:
        """Begins to count anew."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)
