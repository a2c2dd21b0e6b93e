"""A small event loop that runs in the caller's own thread, and only while the caller waits for something.

With no loop of asyncio and no thread of its own it works inside Jupyter's running loop, in any worker of Ray, several
times in one process; and a site's database is touched only by the thread that made it, only while an engine is called.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from typing import Any

Handler = Callable[[int], None]
"""Called with the ready events of a file (``selectors.EVENT_READ``, ``EVENT_WRITE``)."""


class Loop:
    """Files to watch, and handlers to call."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, file: Any, handler: Handler, events: int = selectors.EVENT_READ) -> None:
        """Begins to watch a file, or changes what is watched for."""
        if file in self._selector.get_map():
            self._selector.modify(file, events, handler)
        else:
            self._selector.register(file, events, handler)

    def forget(self, file: Any) -> None:
        """Stops watching a file; safe to repeat."""
        if file in self._selector.get_map():
            self._selector.unregister(file)

    def once(self, timeout_s: float) -> None:
        """Handles what is ready, waiting for it at most that long."""
        for key, events in self._selector.select(max(timeout_s, 0.0)):
            key.data(events)

    def until(self, done: Callable[[], bool], limit_s: float) -> bool:
        """Runs until ``done()``; False when the time is up before."""
        end = time.monotonic() + limit_s
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.once(left)
        return True

    def close(self) -> None:
        """Forgets all files, without closing them."""
        self._selector.close()
