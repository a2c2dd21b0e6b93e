"""A measurement in a process of its own, which is told when to work and never outlives the one that started it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LIMIT_S = 600.0
"""For loading and warming up, and for a measurement that takes no turns."""
TURN_LIMIT_S = 120.0


@dataclass(frozen=True)
class Cell:
    """A measurement to be made: a name in :mod:`.cell`, its arguments, and variables of its environment."""

    name: str
    arguments: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)


class Process:
    """Starts with the ``with`` block and is killed, with all that it started, at its end.

    The two sides send lines over a socket. From here any line means: go on for one turn. From there come ``ready``
    after the warm-up, ``done`` after a turn, ``result`` at last. A process whose line is cut ends by itself, so that
    none stays behind even where this one is killed.
    """

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def __enter__(self) -> Process:
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="remalis-speed-"))
            self._stderr = Path(folder) / "stderr.txt"
            self._line, theirs = socket.socketpair()
            stack.enter_context(self._line)
            with theirs, self._stderr.open("wb") as stderr:
                self._process = self._start(folder, theirs.fileno(), stderr)
            stack.callback(self._kill)
            self._received = b""
            self._undo = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._undo.close()

    def _start(self, folder: str, line: int, stderr: Any) -> subprocess.Popen[bytes]:
        # What a user's shell happens to hold must not turn sumo-rl's sockets into libsumo.
        inherited = {k: v for k, v in os.environ.items() if k != "LIBSUMO_AS_TRACI"}
        paths = [str(_FOLDER), str(_FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH", "")])]
        environment = {**inherited, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths), **self._cell.environment}
        name, arguments = self._cell.name, json.dumps(self._cell.arguments)
        return subprocess.Popen(
            [sys.executable, "-m", "traffic_speed.cell", name, arguments, str(line)], env=environment, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, pass_fds=(line,),
            start_new_session=True,
        )  # fmt: skip

    def _kill(self) -> None:
        # The session and not only its leader: on sockets the simulator is a process of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        """Its number, which is its session's too."""
        return self._process.pid

    def go(self) -> None:
        """Let it work for a turn."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: whoever hears it next is told
            self._line.sendall(b"go\n")

    def hear(self, what: str, limit_s: float) -> Any:
        """Wait until it says ``what``.

        Returns:
            What it said about it.

        Raises:
            RuntimeError: it died, said nothing for ``limit_s`` or said something else; the message quotes the end of
                its error output.
        """
        self._line.settimeout(limit_s)
        while b"\n" not in self._received:
            try:
                more = self._line.recv(65536)
            except TimeoutError:
                raise self._failure(f"did not answer within {limit_s:g} s") from None
            except ConnectionResetError:
                more = b""
            if not more:
                raise self._failure(f"failed ({self._exit_status()})")
            self._received += more
        said, self._received = self._received.split(b"\n", 1)
        message: dict[str, Any] = json.loads(said)
        if what not in message:
            raise self._failure(f"said {', '.join(message)!r} where {what!r} was expected")
        return message[what]

    def result(self) -> Any:
        """Wait for the result of its measurement, and until it has ended by itself.

        Raises:
            RuntimeError: as :meth:`hear`, or it did not end well.
        """
        found = self.hear("result", LIMIT_S)
        if (status := self._exit_status()) != "0":
            raise self._failure(f"failed after its result ({status})")
        return found

    def _exit_status(self) -> str:
        try:
            return str(self._process.wait(timeout=10.0))
        except subprocess.TimeoutExpired:
            return "it does not end"

    def _failure(self, how: str) -> RuntimeError:
        said = "\n".join(self._stderr.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:])
        return RuntimeError(f"the measurement {self._cell.name} {self._cell.arguments} {how}:\n{said}")
