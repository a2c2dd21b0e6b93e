"""A browser with some layers of its sandbox taken away, to see what each of them keeps in."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from remalis_envs.web.engines import chromium_navigation
from remalis_envs.web.engines.chromium_tab import Tab, page_script
from remalis_envs.web.sandbox import server as server_module
from remalis_envs.web.sandbox.browser import Browser
from remalis_envs.web.sandbox.launch import Sandbox
from remalis_envs.web.sandbox.loop import Loop
from remalis_envs.web.sandbox.server import SiteServer
from tests.web.sandbox.files_world import FilesWorld

LAYERS = ("namespace", "names", "content", "documents", "script")
"""A network of its own; the rules for names; the content policy; the check of documents; the page script."""
OPEN_FLAGS = (
    "--host-resolver-rules=MAP *.test 127.0.0.1:{port}",
    "--force-webrtc-ip-handling-policy=default",
    "--allow-loopback-in-peer-connection",
)


class Everything:
    """Has everything in it."""

    def __contains__(self, one: object) -> bool:
        return True


class Canary:
    """Listens outside of the sandbox on all addresses; who comes is remembered by what it asked for."""

    def __init__(self) -> None:
        self.caught: set[str] = set()
        self._tcp = socket.create_server(("0.0.0.0", 0))
        self.port = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("0.0.0.0", self.port))
        for loop in (self._take_tcp, self._take_udp):
            threading.Thread(target=loop, daemon=True).start()

    def _take_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._tcp.accept()
                threading.Thread(target=self._hear, args=(sock,), daemon=True).start()

    def _hear(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            sock.settimeout(5.0)
            first = sock.recv(4096).split(b" ")
            self.caught.add(first[1].decode()[1:] if len(first) > 1 else "connection")
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _take_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._udp.recvfrom(2048)
                self.caught.add("udp")

    def close(self) -> None:
        for sock in (self._tcp, self._udp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class Stage:
    """One tab on a page of the test's own.

    Args:
        layers: of the sandbox that are there.
        monkeypatch: takes the others away.
    """

    def __init__(self, layers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
        flags = () if "names" in layers else OPEN_FLAGS
        if "content" not in layers:
            monkeypatch.setattr(server_module, "content_policy", lambda *_: "default-src * 'unsafe-inline' blob:")
        if "documents" not in layers:
            monkeypatch.setattr(Tab, "may_load", lambda *_: True)
            monkeypatch.setattr(chromium_navigation, "SCHEMES", Everything())
        self.world = FilesWorld(**files)
        self.loop = Loop()
        self.sandbox = Sandbox(namespace="namespace" in layers, flags=flags)
        self.browser = Browser(self.loop, self.sandbox)
        self.server = SiteServer(self.loop, self.sandbox.listener)
        self.server.begin(self.world, 1)
        self.tab = Tab(self.browser, 0, 60.0)
        self.tab.begin(self.server.suffix(0), page_script(0.0, 1) if "script" in layers else "")

    def open(self, path: str = "") -> None:
        self.tab.navigate(self.server.address("main/" + path, 0))
        assert self.loop.until(lambda: not self.tab.loading, 60.0)

    def goto(self, url: str) -> None:
        """As an agent with a free address bar would."""
        call = self.tab.send("Page.navigate", url=url)
        self.loop.until(lambda: call.done, 20.0)
        self.wait(0.3)

    def evaluate(self, expression: str, by_hand: bool = False) -> object:
        """What an expression gives; ``by_hand``: as if a person had clicked, which opens doors."""
        call = self.tab.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=by_hand
        )
        return call["result"].get("value")

    def wait(self, seconds: float) -> None:
        self.loop.until(lambda: False, seconds)

    def wait_for(self, expression: str, limit_s: float = 60.0) -> None:
        end = time.monotonic() + limit_s
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"{expression} did not come about"
            self.wait(0.1)

    def close(self) -> None:
        self.server.close()
        self.browser.close()
        self.loop.close()


@contextlib.contextmanager
def staged(layers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, **files: str) -> Iterator[Stage]:
    with monkeypatch.context() as patch:
        stage = Stage(layers, patch, **files)
        try:
            yield stage
        finally:
            stage.close()
