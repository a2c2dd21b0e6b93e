"""A world of sites that share one login, one clock and one database: requests in, pages out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from remalis_envs.web.sites import account, catalogue, details, frame, tools
from remalis_envs.web.sites.concepts import concept_of_request
from remalis_envs.web.sites.database import connect
from remalis_envs.web.sites.domain import Domain, Service
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.mechanics import MECHANICS, Mechanic, drafts, routes
from remalis_envs.web.sites.protocol import Request, Response

HOSTS = ("main", "calculator", "calendar", "map", "mail", "manual")
MOST_PAGES = 200
"""Pages kept of one task; queries could make any number of them."""
FINAL = ("confirm", "pay", "submit")
"""First parts of paths whose first accepted POST ends the episode."""


class SiteWorld:
    """The sites of one task.

    Attributes:
        site: the data that never changes during an episode.
        level: of the task: pages of ``hard`` are denser.
        db: everything that changes, and the data once more for those who judge.
        hosts: names of the sites.
        start: where every tab opens.
    """

    def __init__(
        self, site: Site, level: str, blob: bytes, start: str = "main/", pages: dict[object, tools.Seen] | None = None
    ) -> None:
        """Builds it.

        Args:
            site: its data.
            level: one of ``tasks.model.LEVELS``.
            blob: the database, as :func:`~remalis_envs.web.sites.database.site_blob` gives it, with what the task adds.
            start: ``host/path``.
            pages: pages that depend on ``site`` and ``level`` alone; worlds of the same task may share them.
        """
        self.site, self.level = site, level
        self.hosts: tuple[str, ...] = HOSTS
        self.start = start
        self.db: sqlite3.Connection = connect(blob)
        self._lasting: dict[object, tools.Seen] = {} if pages is None else pages
        self._passing: dict[object, tools.Seen] = {}
        self._watched = self._watch()
        self._ended = (-1, False)

    @property
    def domain(self) -> Domain:
        """What the main site is about."""
        return self.site.domain

    @property
    def now(self) -> float:
        """Nine in the morning of the site's today, seconds since 1970."""
        return (self.site.today.toordinal() - 719163) * 86400.0 + 9 * 3600.0

    def concept_of(self, requested: str) -> str:
        """What a request, ``"METHOD host/path?query"``, really does: one of ``vocabulary.CONCEPTS``."""
        return concept_of_request(self.domain, requested)

    @property
    def ended(self) -> bool:
        """Whether something final was done."""
        changes = self.db.total_changes
        if self._ended[0] != changes:  # asked after every action, and told by no action that changes nothing
            self._ended = (changes, bool(self.db.execute("SELECT ended FROM episode").fetchone()[0]))
        return self._ended[1]

    def _watch(self) -> set[str]:
        return {what for (what,) in self.db.execute("SELECT what FROM seen WHERE seen = 0")}

    def saw(self, what: str) -> None:
        """Notes that a page that the task watches was shown."""
        if what in self._watched:
            self._watched.discard(what)
            self.db.execute("UPDATE seen SET seen = 1 WHERE what = ?", (what,))

    def write(
        self, tab: int, what: str, statements: Iterable[tuple[str, tuple[object, ...]]], detail: str = ""
    ) -> None:
        """Changes the database as a whole or not at all, and says so in the log."""
        self.db.execute("BEGIN")
        for statement, values in statements:
            self.db.execute(statement, values)
        self.db.execute("INSERT INTO log (tab, what, detail) VALUES (?, ?, ?)", (tab, what, detail))
        self.db.execute("COMMIT")
        self._passing.clear()

    def mechanic(self, service: Service) -> Mechanic:
        """How a service goes."""
        return MECHANICS[service.mechanic]

    def row(self, entity: str, text: str) -> Row | None:
        """A row by its id as an address has it."""
        return self.site.row(entity, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else None

    def lacking(self) -> list[str]:
        """Labels of what the open draft's form asks for and does not hold; empty where no draft is open."""
        draft = drafts.open_draft(self)
        return [] if draft is None else drafts.missing(draft)

    def save(self) -> bytes:
        """The database."""
        return self.db.serialize()

    def load(self, saved: bytes) -> None:
        """Puts back what :meth:`save` gave."""
        self.db.deserialize(saved)
        self._ended = (-1, False)
        self._passing.clear()
        self._watched = self._watch()

    def handle(self, request: Request) -> Response:
        """Answers a request."""
        if request.host in tools.TOOLS:
            return self._tool(request)
        if request.host != "main":
            return frame.not_found(self.site)
        parts = [part for part in request.path.split("/") if part]
        if request.method == "POST":
            return self._post(parts, request)
        key = (request.path, request.query)
        self._make_room()
        kept = self._lasting.get(key) or self._passing.get(key)
        if kept is None:
            page, lasting = self._get(parts, request)
            kept = (self._lasting if lasting else self._passing)[key] = (page, "")
        if self._watched:
            self.saw("/".join(parts))
            if parts and parts[0] == "search" and len(parts) == 2:
                for number in catalogue.found_on_page(self, parts[1], dict(request.query)):
                    self.saw(f"found/{parts[1]}/{number}")
        return kept[0]

    def _make_room(self) -> None:
        for pages in (self._lasting, self._passing):
            if len(pages) > MOST_PAGES:
                pages.clear()

    def _tool(self, request: Request) -> Response:
        """A page of a tool site, of which the calendar's alone change during an episode."""
        if request.method == "POST":
            return tools.handle(self, request)[0]
        pages = self._passing if request.host == "calendar" else self._lasting
        key = (request.host, request.path, request.query)
        self._make_room()
        kept = pages.get(key)
        if kept is None:
            kept = pages[key] = tools.handle(self, request)
        page, watched = kept
        if watched:
            self.saw(watched)
        return page

    def _get(self, parts: list[str], request: Request) -> tuple[Response, bool]:
        """A page, and whether it will be the same for the whole episode."""
        query = dict(request.query)
        match parts:
            case []:
                return catalogue.home(self), True
            case ["list", entity] if entity in self.domain.entities:
                return catalogue.listing(self, entity, query), True
            case ["search"]:
                return catalogue.search_page(self), True
            case ["search", entity] if entity in self.domain.entities:
                return catalogue.search(self, entity, query), True
            case ["more", entity] if entity in self.domain.entities:
                return catalogue.more_items(self, entity, query), True
            case ["suggest", entity] if entity in self.domain.entities:
                return catalogue.suggest(self, entity, query), True
            case ["item", entity, number, *rest] if entity in self.domain.entities:
                services = [one for one in self.domain.services.values() if one.entity == entity]
                fixed = bool(rest) or not any(self.mechanic(one).slots for one in services)
                return details.item(self, entity, number, rest), fixed
            case ["account", *rest]:
                return account.account(self, rest), False
            case ["messages", *rest]:
                return account.messages(self, rest), True
            case ["help", *rest]:
                return account.help_pages(self, rest), True
            case ["draft" | "review" | "basket" | "done" | "desk" as name, *rest]:
                return routes.get(self, name, rest), False
        return frame.not_found(self.site), True

    def _post(self, parts: list[str], request: Request) -> Response:
        if self.ended:
            return frame.refused(self.site, "Your request is complete; nothing more can be changed.", ("Home", "/"))
        return routes.post(self, parts, request)
