"""BrowserGym in a virtual environment of its own that the benchmark makes, in a process that takes turns with ours."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import venv
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from remalis_envs.web.sandbox.find import find_chromium

from .pages import write_site

PACKAGE = "browsergym-core==0.14.3"
INSTALL_S, TURN_S = 600.0, 120.0
_HERE = Path(__file__).parent


class UnavailableError(RuntimeError):
    """BrowserGym cannot be had or does not start here; the words say why."""


def environment(package: str = PACKAGE) -> Path:
    """Python of the environment, which is made once for a package and kept in the user's cache.

    Raises:
        UnavailableError: it could not be installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "remalis" / f"benchmark-{package}-{sys.version_info[0]}.{sys.version_info[1]}"
    python, whole = folder / "bin" / "python", folder / "installed"
    if whole.exists():
        return python
    try:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", package], check=True, timeout=INSTALL_S,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise UnavailableError(f"{package} could not be installed: {said[-1] if said else error}") from error
    whole.touch()
    return python


class Peer(ABC):
    """A process in BrowserGym's environment that answers a line of JSON with another.

    Started with the ``with`` block, and killed with its browsers at the end.

    Args:
        script: that it runs; it is given a folder of files to serve and the path of Chromium.
        package: of its environment.

    Raises:
        UnavailableError: it cannot be installed.
    """

    def __init__(self, script: Path, package: str = PACKAGE) -> None:
        self._script, self._package = script, package

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Writes what it is to serve."""

    def __enter__(self) -> Self:
        python = environment(self._package)
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remalis-web-peer-")))
            self.write(folder / "site")
            self._errors = folder / "stderr.txt"
            errors = stack.enter_context(self._errors.open("wb"))
            self._process = subprocess.Popen(
                [python, self._script, folder / "site", find_chromium()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, cwd=folder, text=True, bufsize=1, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(_HERE)},
            )  # fmt: skip
            stack.callback(self._kill)
            self._undo = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._undo.close()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Its answer.

        Raises:
            UnavailableError: it failed.
        """
        self.tell(question)
        return self.hear()

    def tell(self, question: dict[str, Any]) -> None:
        """Asks it, without waiting for the answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # hear() says why
            self._process.stdin.write(json.dumps(question) + "\n")

    def hear(self, limit_s: float = TURN_S) -> dict[str, Any]:
        """What it answers to the question before.

        Raises:
            UnavailableError: it failed.
        """
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], limit_s)
        said = self._process.stdout.readline() if ready else ""
        if not said:
            words = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise UnavailableError(f"BrowserGym failed: {words[-1] if words else 'no answer'}")
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class BrowserGym(Peer):
    """Clicks on the pages of the speed benchmark.

    Attributes:
        missed: clicks that BrowserGym gave up at its limit of 500 ms, and that were tried again.
    """

    def __init__(self) -> None:
        super().__init__(_HERE / "peer_side.py")
        self.missed = 0

    def write(self, folder: Path) -> None:
        """Writes the pages."""
        write_site(folder)

    def ms(self, do: str, way: str, elements: int) -> float:
        """Milliseconds of one ``change``, ``load`` or ``reset``; the first of a way on a page is a reset anyway.

        Raises:
            UnavailableError: it failed.
        """
        answer = self.ask({"do": do, "as": way, "elements": elements})
        self.missed = answer["missed"]
        return float(answer["ms"])
