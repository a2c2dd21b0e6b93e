"""The DevTools protocol over the browser's two pipes: commands, their answers, and events."""

from __future__ import annotations

import json
import os
import selectors
from collections.abc import Callable
from typing import Any

from remalis_envs.web.sandbox.loop import Loop

Event = Callable[[str, str, dict[str, Any]], None]
"""Called with a session's id ("" for the browser's own), the method and its parameters."""


class DevtoolsError(RuntimeError):
    """The browser refused a command, did not answer in time, or is gone."""


class Call:
    """A command that was sent: its answer, once ``done``, and how many answers had come then, in ``turn``."""

    __slots__ = ("done", "error", "method", "result", "turn")

    def __init__(self, method: str) -> None:
        self.method, self.done, self.turn = method, False, 0
        self.result: dict[str, Any] = {}
        self.error = ""


class Devtools:
    """One connection.

    Args:
        loop: that watches the pipes.
        read_fd: pipe from the browser.
        write_fd: pipe to the browser.
        on_event: called for each event, in order.
    """

    def __init__(self, loop: Loop, read_fd: int, write_fd: int, on_event: Event) -> None:
        self._loop, self._read_fd, self._write_fd, self._on_event = loop, read_fd, write_fd, on_event
        self._calls: dict[int, Call] = {}
        self._last = self._answers = 0
        self._coming, self._going = bytearray(), bytearray()
        self.gone = False
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        loop.watch(read_fd, self._readable)

    def send(self, method: str, session: str = "", **parameters: Any) -> Call:
        """Sends a command without waiting for its answer."""
        call = Call(method)
        if self.gone:
            call.done, call.error = True, "the browser is gone"
            return call
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._calls[self._last] = call
        self._going += json.dumps(message).encode() + b"\0"
        self._writable(selectors.EVENT_WRITE)
        return call

    def answer(self, call: Call, limit_s: float) -> dict[str, Any]:
        """Waits for a command's answer.

        Raises:
            DevtoolsError: an error came back, or nothing in time.
        """
        if not self._loop.until(lambda: call.done, limit_s):
            raise DevtoolsError(f"{call.method} had no answer within {limit_s:g} s")
        if call.error:
            raise DevtoolsError(f"{call.method}: {call.error}")
        return call.result

    def ask(self, method: str, session: str = "", limit_s: float = 10.0, **parameters: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        return self.answer(self.send(method, session, **parameters), limit_s)

    def close(self) -> None:
        """Stops watching the pipes and fails what is still open; safe to repeat."""
        if self.gone:
            return
        self.gone = True
        self._loop.forget(self._read_fd)
        self._loop.forget(self._write_fd)
        for call in self._calls.values():
            call.done, call.error = True, "the browser is gone"
        self._calls.clear()

    def _writable(self, _: int) -> None:
        try:
            while self._going:
                del self._going[: os.write(self._write_fd, self._going)]
        except BlockingIOError:
            self._loop.watch(self._write_fd, self._writable, selectors.EVENT_WRITE)
        except OSError:
            self.close()
        else:
            self._loop.forget(self._write_fd)

    def _readable(self, _: int) -> None:
        try:
            chunk = os.read(self._read_fd, 1 << 20)
        except BlockingIOError:
            return
        if not chunk:
            self.close()
            return
        self._coming += chunk
        if b"\0" not in chunk:
            return
        *messages, rest = self._coming.split(b"\0")
        self._coming = rest
        for message in messages:
            self._receive(json.loads(message))

    def _receive(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self._on_event(message.get("sessionId", ""), message["method"], message.get("params", {}))
            return
        call = self._calls.pop(message["id"], None)
        if call is not None:
            self._answers += 1
            call.done, call.turn = True, self._answers
            call.result = message.get("result", {})
            call.error = message.get("error", {}).get("message", "")
