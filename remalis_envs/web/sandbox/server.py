"""Serves a world of sites to the browser: a small HTTP/1.1 server on the listener that the sandbox handed over.

It runs in the caller's loop, so that a world is asked by one thread, one request after another, in the order in which
they arrive; a world needs no lock and no thread of its own.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from remalis_envs.errors import RemalisError
from remalis_envs.web.pages.addresses import parse, parse_fields, request_of
from remalis_envs.web.pages.html import asset, fragment_to_html, to_html
from remalis_envs.web.sandbox.http_messages import BadRequestError, Incoming, Parser, answer, content_policy
from remalis_envs.web.sandbox.loop import Loop
from remalis_envs.web.sites.protocol import Request, Response, World

HOST = re.compile(r"([a-z0-9][a-z0-9_-]*)\.t(\d{1,4})\.e(\d{1,9})\.test(?::\d+)?")
"""``main.t3.e7.test``: site main, seen by tab 3, in episode 7."""
REDIRECTS = 20
"""As many as Chromium follows."""
IDLE_S = 60.0
"""A connection that stood idle for longer is closed when the next one comes."""
STALLED_S = 10.0
"""A request that took longer to arrive is given up."""
HTML = "text/html; charset=utf-8"


class Seen(NamedTuple):
    """A request that a world was asked.

    Attributes:
        tab: that asked.
        words: ``"METHOD host/path"``.
        redirected: whether the tab was sent there by the answer before.
    """

    tab: int
    words: str
    redirected: bool


class Raw(NamedTuple):
    """A file as it is, of a world that serves the pages of others.

    Attributes:
        body: its content.
        kind: content type.
        inline: whether scripts and styles may stand in it.
    """

    body: bytes
    kind: str
    inline: bool = False


@runtime_checkable
class ServesFiles(Protocol):
    """A world that has files beside its pages."""

    def file(self, request: Request) -> Raw | None:
        """The file that a request asks for, if there is one."""


@dataclass(slots=True)
class Document:
    """A page as it was served.

    Attributes:
        target: ``host/path?query``.
        html: its source.
        status: HTTP's.
    """

    target: str
    html: str
    status: int


class SiteServer:
    """Serves one episode at a time.

    Args:
        loop: that watches its connections.
        listener: bound and listening.

    Attributes:
        seen: requests that the world answered, in order; the caller empties it.
        failure: what the world raised, if it did.
        documents: tab -> the page that it was served last.
        posted: tab -> places where a page was the answer to a POST.
        canned: tab -> answers that are given once in the world's stead, by the ``host/path?query`` that they are for.
    """

    def __init__(self, loop: Loop, listener: socket.socket) -> None:
        self._loop, self._listener = loop, listener
        self._connections: dict[int, _Connection] = {}
        self._world: World | None = None
        self._episode = -1
        self._expected: dict[int, str] = {}
        self.seen: list[Seen] = []
        self.failure: Exception | None = None
        self.documents: dict[int, Document] = {}
        self.posted: dict[int, frozenset[str]] = {}
        self.canned: dict[int, dict[str, bytes]] = {}
        self._answered: dict[int, int] = {}
        listener.setblocking(False)
        loop.watch(listener, self._accept)

    def begin(self, world: World, episode: int) -> None:
        """From now on serves this world, under the hosts of this episode alone."""
        self._world, self._episode = world, episode
        for connection in list(self._connections.values()):
            connection.close()  # of hosts that are not there any more; a browser would keep hundreds
        self._expected.clear()
        self.seen.clear()
        self.documents.clear()
        self.posted.clear()
        self.canned.clear()
        self._answered.clear()
        self.failure = None

    def suffix(self, tab: int) -> str:
        """What follows a site's name in the addresses of a tab."""
        return f".t{tab}.e{self._episode}.test"

    def place_of(self, host: str) -> tuple[str, int] | None:
        """Site and tab that a request's ``Host`` names; None for one of another episode, or of none."""
        match = HOST.fullmatch(host)
        return (match[1], int(match[2])) if match and int(match[3]) == self._episode else None

    def address(self, url: str, tab: int) -> str:
        """The full address of ``host/path?query`` in a tab.

        Raises:
            RemalisError: the world has no such host.
        """
        place = parse(url)
        if self._world is None or place.host not in self._world.hosts:
            known = ", ".join(self._world.hosts) if self._world else "none"
            raise RemalisError(f"{url!r} names no site of this world, which has: {known}.")
        return f"http://{place.host}{self.suffix(tab)}{place.target}"

    def mark(self, tab: int) -> int:
        """How many documents a tab has been answered in this episode, redirects left out."""
        return self._answered.get(tab, 0)

    def prepare(self, url: str, tab: int) -> str:
        """Asks the world for a page at once, to answer the tab when it comes for it.

        Args:
            url: ``host/path?query``.
            tab: that will ask.

        Returns:
            The full address.
        """
        address = self.address(url, tab)
        place, suffix = parse(url), self.suffix(tab)
        answers: dict[str, bytes] = {}
        for _ in range(REDIRECTS):
            target = place.url
            answers[target] = self._page(place.request(tab=tab), target, suffix)
            self.seen.pop()
            there = self._expected.get(tab)
            if there is None or there in answers:
                break
            place = parse(there)
        self._expected.pop(tab, None)
        self.canned[tab] = answers
        return address

    def prepare_source(self, url: str, tab: int, source: str, status: int) -> str:
        """Answers a tab's next request for a page with a source at hand; returns the full address."""
        address, target = self.address(url, tab), parse(url).url
        self.documents[tab] = Document(target, source, status)
        self.canned[tab] = {target: answer(status, source.encode(), HTML, self.suffix(tab))}
        return address

    def close(self) -> None:
        """Closes all connections; safe to repeat."""
        self._loop.forget(self._listener)
        for connection in list(self._connections.values()):
            connection.close()

    def _accept(self, _: int) -> None:
        try:
            sock, _address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        now = time.monotonic()
        for connection in list(self._connections.values()):
            if now - connection.since > (STALLED_S if connection.parser.begun else IDLE_S):
                connection.close()
        connection = _Connection(self, self._loop, sock)
        self._connections[sock.fileno()] = connection

    def respond(self, incoming: Incoming) -> bytes:
        """The whole answer to a request, headers and all."""
        place = self.place_of(incoming.host)
        if place is None or self._world is None or place[0] not in self._world.hosts:
            return answer(404, b"There is no such site.\n", "text/plain", "")
        host, tab = place
        suffix = self.suffix(tab)
        if incoming.target.startswith("/static/"):
            return _static(incoming.target, suffix)
        if incoming.target == "/favicon.ico":  # a browser asks for it by itself; it is no matter of the world
            return answer(404, b"", "text/plain", suffix)
        if incoming.method not in ("GET", "POST"):
            return answer(405, b"Only GET and POST are answered.\n", "text/plain", suffix)
        form = parse_fields(incoming.body.decode("utf-8", "replace")) if incoming.method == "POST" else ()
        request = request_of(host, incoming.target, incoming.method, form, tab)
        target = host + incoming.target
        canned = self.canned.get(tab, {}).pop(target, None) if incoming.method == "GET" else None
        return canned or self._page(request, target, suffix)

    def _page(self, request: Request, target: str, suffix: str) -> bytes:
        tab = request.tab
        expected = self._expected.pop(tab, None) == target and request.method == "GET"
        words = f"{request.method} {request.host}{request.path}"
        self.seen.append(Seen(tab, words, expected))
        assert self._world is not None
        try:
            raw = self._world.file(request) if isinstance(self._world, ServesFiles) else None
            if raw is not None:
                return self._file(raw, tab, suffix)
            response = self._world.handle(request)
        except Exception as error:
            self.failure = error
            return answer(500, b"The site failed.\n", "text/plain", suffix)
        return self._written(response, request, target, suffix)

    def _file(self, raw: Raw, tab: int, suffix: str) -> bytes:
        if raw.kind.startswith("text/html"):
            self._answered[tab] = self._answered.get(tab, 0) + 1
        policy = content_policy(suffix, raw.inline)
        return answer(200, raw.body, raw.kind, suffix, (("Content-Security-Policy", policy),))

    def _written(self, response: Response, request: Request, target: str, suffix: str) -> bytes:
        if response.redirect:
            there = response.redirect
            place = parse(request.host + there if there[0] == "/" and there[:2] != "//" else there.removeprefix("//"))
            self._expected[request.tab] = place.url
            return answer(303, b"", HTML, suffix, (("Location", f"http://{place.host}{suffix}{place.target}"),))
        if response.fragment is not None:
            return answer(response.status, fragment_to_html(response.fragment, suffix).encode(), HTML, suffix)
        if response.page is None:
            return answer(response.status, b"", HTML, suffix)
        html = to_html(response.page, suffix)
        self.documents[request.tab] = Document(target, html, response.status)
        if request.method == "POST":
            self.posted[request.tab] = self.posted.get(request.tab, frozenset()) | {target}
        self._answered[request.tab] = self._answered.get(request.tab, 0) + 1
        return answer(response.status, html.encode(), HTML, suffix)


class _Connection:
    """One connection of the browser: reads requests and writes their answers, in order."""

    def __init__(self, server: SiteServer, loop: Loop, sock: socket.socket) -> None:
        self._server, self._loop, self._sock = server, loop, sock
        self._fd = sock.fileno()
        self._going = bytearray()
        self._ending = False
        self.parser = Parser()
        self.since = time.monotonic()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.watch(sock, self._ready)

    def close(self) -> None:
        """Closes it; safe to repeat."""
        if self._server._connections.pop(self._fd, None) is not None:
            self._loop.forget(self._sock)
            self._sock.close()

    def _ready(self, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                self._read()
            self._write()
        except OSError:  # the browser closed it; what it asked has been answered or is not wanted any more
            self.close()

    def _read(self) -> None:
        try:
            chunk = self._sock.recv(65536)
        except BlockingIOError:
            return
        if not chunk:
            self.close()
            return
        self.since = time.monotonic()
        try:
            for incoming in self.parser.feed(chunk):
                self._going += self._server.respond(incoming)
        except BadRequestError as error:
            self._going += answer(error.status, f"{error}\n".encode(), "text/plain", "", (("Connection", "close"),))
            self._ending = True

    def _write(self) -> None:
        if self._fd not in self._server._connections:
            return
        try:
            while self._going:
                del self._going[: self._sock.send(self._going)]
        except BlockingIOError:
            self._loop.watch(self._sock, self._ready, selectors.EVENT_READ | selectors.EVENT_WRITE)
            return
        self._loop.watch(self._sock, self._ready, selectors.EVENT_READ)
        if self._ending:
            self.close()


def _static(target: str, suffix: str) -> bytes:
    name = target.removeprefix("/static/").partition("?")[0]
    try:
        content, kind = asset(name)
    except RemalisError:
        return answer(404, b"There is no such file.\n", "text/plain", suffix)
    return answer(200, content, kind, suffix, (("Cache-Control", "public, max-age=31536000, immutable"),))
