"""Starts Chromium in its sandbox, behind a guardian, and hands over its pipes and the listener that it can reach."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from remalis_envs.errors import RemalisError
from remalis_envs.web.sandbox.find import find_chromium, is_shell
from remalis_envs.web.sandbox.flags import POLICY, command_line

NOBODY = 65534
MEMORY_BYTES = 1 << 30
"""A process of the browser that holds more than this is ended."""
START_S = 20.0
"""Within this the guardian has opened its listener and started the browser, however busy the machine."""
_warned: set[str] = set()


class SandboxError(RemalisError, RuntimeError):
    """The browser could not be started; the words say what it said."""


class Sandbox:
    """A running browser in its sandbox.

    Args:
        memory_bytes: what a process of the browser may hold of its own.
        namespace: whether to ask for a network namespace; only the tests of the other layers do not.
        flags: more of the browser's own, for tests.

    Attributes:
        read_fd: what the browser says (messages of the DevTools protocol, each ended by a zero byte).
        write_fd: what is said to it.
        listener: the one socket that it can reach.
        control: to the guardian; closed by it when the browser has ended.
        pid: of the browser.
        policies: whether an administrator's policies are in force, too; a headless shell knows none.
        namespace: ``"root"`` or ``"user"`` by whose right it has a network of its own, or why it has none.

    Raises:
        BrowserMissingError: there is no Chromium.
        SandboxError: it could not be started.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES, namespace: bool = True, flags: tuple[str, ...] = ()) -> None:
        program = find_chromium()
        self.home = home = _home()
        reachable = ""
        if os.getuid() == 0 and not _open_to_all(Path(program)):
            reachable = f"{home}/browser"
            os.mkdir(reachable)
            program_seen = f"{reachable}/{Path(program).name}"
        else:
            program_seen = program
        self.control, theirs = socket.socketpair()
        to_browser, self.write_fd = os.pipe()
        self.read_fd, from_browser = os.pipe()
        handed = (theirs.fileno(), to_browser, from_browser)
        settings = {
            "control_fd": theirs.fileno(),
            "read_fd": to_browser,
            "write_fd": from_browser,
            "namespace": namespace,
            "memory_bytes": memory_bytes,
            "uid": NOBODY,
            "gid": NOBODY,
            "home": home,
            "command": command_line(program_seen, home, flags),
            "program": program,
            "reachable": reachable,
            "policy": POLICY,
            "environment": _environment(home),
        }
        guardian = str(Path(__file__).with_name("guardian.py"))
        try:
            self.guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian, json.dumps(settings)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=handed,
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(to_browser)
            os.close(from_browser)
        self._closed = False
        hello, self.listener = self._hello()
        self.pid, self.namespace, self.port = hello["pid"], hello["namespace"], hello["port"]
        self.policies = hello["policies"] and not is_shell(program)
        if namespace and self.namespace not in ("root", "user"):
            _warn_once(
                f"The browser shares this machine's network, because {self.namespace}. Its own sandbox and its name "
                "rules still keep pages from every other host and port; on Linux, root or user namespaces give proof."
            )

    def _hello(self) -> tuple[dict[str, Any], socket.socket]:
        self.control.settimeout(START_S)
        try:
            message, fds, _, _ = socket.recv_fds(self.control, 65536, 1)
        except TimeoutError:
            message, fds = b"", []
        if not fds:
            said = self._last_words()
            self.close()
            raise SandboxError(f"The browser's guardian did not start within {START_S:g} s. {said}")
        self.control.setblocking(False)
        return json.loads(message.partition(b"\n")[0]), socket.socket(fileno=fds[0])

    def _last_words(self) -> str:
        """What guardian and browser wrote before they ended."""
        self.guardian.kill()
        _, said = self.guardian.communicate()
        return said.decode(errors="replace")[-800:]

    @property
    def alive(self) -> bool:
        """Whether the guardian stands; it ends with the browser."""
        return self.guardian.poll() is None

    def close(self) -> None:
        """Ends the browser and all its processes; safe to repeat."""
        if self._closed:
            return
        self._closed = True
        self.control.close()  # the guardian ends everything when it sees this
        for fd in (self.read_fd, self.write_fd):
            os.close(fd)
        if hasattr(self, "listener"):
            self.listener.close()
        try:
            self.guardian.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self.guardian.kill()  # the kernel then ends the browser
            self.guardian.wait()
        if self.guardian.stderr is not None:
            self.guardian.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)


def _home() -> str:
    """A folder for the browser, owned by who it runs as, in a place that this user can reach."""
    root = os.getuid() == 0
    folder = Path(tempfile.gettempdir())
    if root and not _open_to_all(folder):
        folder = Path("/tmp")
    home = tempfile.mkdtemp(prefix="remalis-browser-", dir=folder)
    profile = Path(home) / "profile" / "Default"
    profile.mkdir(parents=True)
    # Suggestions of the browser's own would take the keys that are meant for the page.
    nothing = {
        "autofill": {"profile_enabled": False, "credit_card_enabled": False},
        "credentials_enable_service": False,
    }
    (profile / "Preferences").write_text(json.dumps(nothing))
    if root:
        for path in (Path(home), *Path(home).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    return home


def _open_to_all(path: Path) -> bool:
    """Whether every user can reach a path."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _environment(home: str) -> dict[str, str]:
    """What the browser sees of our environment: nothing but where things are."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZ") if name in os.environ}
    return {**kept, "HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "LANG": "C.UTF-8"}


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=4)
