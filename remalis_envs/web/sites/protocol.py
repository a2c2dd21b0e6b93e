"""What goes in and out of a world of sites; both engines speak this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from remalis_envs.web.pages.elements import Element, Page

Fields = tuple[tuple[str, str], ...]
"""Names and values in the order in which a form sends them."""


@dataclass(slots=True, frozen=True)
class Request:
    """What a tab asks a site.

    Attributes:
        host: name of the site within its world.
        path: begins with a slash.
        method: ``GET`` or ``POST``.
        query: of the address.
        form: what a ``POST`` carries.
        tab: number of the tab, which is that of the agent.
    """

    host: str
    path: str
    method: str = "GET"
    query: Fields = ()
    form: Fields = ()
    tab: int = 0


@dataclass(slots=True, frozen=True)
class Response:
    """What a site answers: one of a page, a redirect and a fragment.

    Attributes:
        page: a whole page.
        redirect: ``host/path?query`` or ``/path?query`` to go to (303).
        fragment: a piece of a page, for what a page fetches by itself.
        status: HTTP's.
    """

    page: Page | None = None
    redirect: str = ""
    fragment: Element | None = None
    status: int = 200


class World(Protocol):
    """Sites that share one login, one clock and one database.

    A world is deterministic: the same requests in the same order give the same answers, byte for byte.
    """

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of its sites; the first is where tabs begin."""

    @property
    def start(self) -> str:
        """``host/path`` at which every tab opens."""

    @property
    def now(self) -> float:
        """The world's own time, seconds since 1970, for the pages' clocks; it does not move with the wall clock."""

    def handle(self, request: Request) -> Response:
        """Answers a request; never raises for what a browser may send: it answers 400 or 404 with a page."""

    def save(self) -> bytes:
        """All that lasts, as one blob."""

    def load(self, saved: bytes) -> None:
        """Puts back what :meth:`save` gave."""


@runtime_checkable
class ScriptedWorld(Protocol):
    """A world whose pages are others' and keep their state in scripts, which the engine runs and asks out of band.

    Attributes:
        page_script: runs in each page before any script of its own.
        reader_script: puts the reader for such pages in place, in a world that pages cannot touch; safe to repeat.
        begin_script: expression that begins the episode in the page; its value is what the team is told.
        watch_script: expression whose value tells how the page stands.
        instruction: what the team is told, once the episode has begun.
    """

    page_script: str
    reader_script: str
    begin_script: str
    watch_script: str
    instruction: str

    def begun(self, said: Any) -> None:
        """Takes note of the value of ``begin_script``."""

    def hear(self, said: Mapping[str, Any]) -> None:
        """Takes note of the value of ``watch_script``."""

    def figures(self) -> dict[str, float]:
        """What the episode's metrics have beside the suite's own."""
