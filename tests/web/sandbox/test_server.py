"""The server answers the hosts of one episode, one request after another, and nothing else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from remalis_envs.errors import RemalisError
from remalis_envs.web.sandbox.loop import Loop
from remalis_envs.web.sandbox.server import Seen, SiteServer
from tests.web.toy_world import ToyWorld


class Client:
    """A connection of a browser, in the same thread."""

    def __init__(self, loop: Loop, listener: socket.socket) -> None:
        self.loop = loop
        self.sock = socket.create_connection(listener.getsockname())
        self.sock.setblocking(False)

    def send(self, target: str, host: str = "main.t0.e7.test", form: str | None = None) -> None:
        head = f"{'GET' if form is None else 'POST'} {target} HTTP/1.1\r\nHost: {host}\r\n"
        if form is not None:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
        self.sock.sendall((head + "\r\n" + (form or "")).encode())

    def receive(self, answers: int = 1) -> bytes:
        got = bytearray()

        def whole() -> bool:
            with contextlib.suppress(BlockingIOError):
                got.extend(self.sock.recv(1 << 20))
            return got.count(b"HTTP/1.1 ") == answers and b"\r\n\r\n" in got

        for _ in range(200):
            if whole():
                return bytes(got)
            self.loop.once(0.02)
        raise AssertionError(f"no answer: {bytes(got)!r}")

    def ask(self, target: str, **how: str) -> str:
        self.send(target, **how)
        return self.receive().decode()


@pytest.fixture
def served() -> Iterator[tuple[SiteServer, Client, ToyWorld]]:
    loop, world = Loop(), ToyWorld()
    listener = socket.create_server(("127.0.0.1", 0))
    server = SiteServer(loop, listener)
    server.begin(world, 7)
    client = Client(loop, listener)
    yield server, client, world
    client.sock.close()
    server.close()
    listener.close()
    loop.close()


def test_pages_redirects_and_forms(served):
    server, client, world = served
    page = client.ask("/search?q=la")
    assert page.startswith("HTTP/1.1 200 OK") and "/goods/Lamp" in page and "no-store" in page
    assert "//calculator.t0.e7.test/" in page
    answer = client.ask("/draft/note", form="note=a+b%26c", host="main.t3.e7.test:4711")
    assert answer.startswith("HTTP/1.1 303 See Other") and "Location: http://main.t3.e7.test/\r\n" in answer
    assert world.note == "a b&c" and world.log[0].startswith("3 ")
    client.ask("/", host="main.t3.e7.test")
    client.ask("/", host="main.t3.e7.test")
    seen = [Seen(0, "GET main/search", False), Seen(3, "POST main/draft/note", False)]
    assert server.seen == [*seen, Seen(3, "GET main/", True), Seen(3, "GET main/", False)]
    assert (server.mark(0), server.mark(3)) == (1, 2)


def test_several_requests_at_once_keep_their_order(served):
    _, client, world = served
    for name in ("one", "two", "three"):
        client.send("/draft/note", form=f"note={name}")
    assert client.receive(3).count(b"303") == 3
    assert [line.split("'")[-2] for line in world.log] == ["one", "two", "three"]


@pytest.mark.parametrize(
    "host", ("main.t0.e8.test", "bank.t0.e7.test", "main.t0.e7.test.evil", "127.0.0.1", "", "main.tx.e7.test")
)
def test_other_hosts_are_not_there(served, host: str):
    server, client, world = served
    assert client.ask("/draft/note", host=host, form="note=x").startswith("HTTP/1.1 404")
    assert world.log == [] and server.seen == []


def test_files_and_methods(served):
    _, client, _ = served
    assert "immutable" in client.ask("/static/widgets.js")
    assert client.ask("/static/../secret").startswith("HTTP/1.1 404")
    assert client.ask("/favicon.ico").startswith("HTTP/1.1 404")
    client.sock.sendall(b"DELETE / HTTP/1.1\r\nHost: main.t0.e7.test\r\n\r\n")
    assert client.receive().startswith(b"HTTP/1.1 405")
    client.sock.sendall(b"nonsense\r\n\r\n")
    assert client.receive().startswith(b"HTTP/1.1 400")
    client.loop.once(0.01)
    assert client.sock.recv(10) == b""  # and the connection is closed


def test_a_page_prepared_is_given_once(served):
    server, client, world = served
    assert server.prepare("main/old", 2) == "http://main.t2.e7.test/old"
    assert server.seen == []
    world.basket.append("Lamp")
    answer = client.ask("/old", host="main.t2.e7.test")
    assert "303" in answer and "holds <strong>0" in client.ask("/", host="main.t2.e7.test")
    assert "holds <strong>1" in client.ask("/", host="main.t2.e7.test")
    with pytest.raises(RemalisError, match="no site of this world"):
        server.address("bank/", 0)


def test_what_a_world_raises_is_kept(served):
    server, client, world = served
    world.handle = lambda request: 1 / 0
    assert client.ask("/").startswith("HTTP/1.1 500")
    assert isinstance(server.failure, ZeroDivisionError)
