"""A world of files as they are, whose pages keep their state in scripts and are asked for it out of band."""

from __future__ import annotations

import mimetypes
import sqlite3
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from remalis_envs.errors import RemalisError
from remalis_envs.web.pages.elements import Page, e
from remalis_envs.web.sandbox.server import Raw
from remalis_envs.web.sites.protocol import Request, Response

NOW_S = 1_700_000_000.0
"""The clock of such pages, the same for all."""
HOST = "pages"
_KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css"}


@lru_cache(maxsize=8)
def asset(name: str) -> str:
    """A script of this package."""
    return files("remalis_envs.web.others").joinpath("assets", name).read_text(encoding="utf-8")


class FilesWorld:
    """Files served as they are, and what their page says of how it stands.

    Args:
        read: gives the content of a path such as ``/miniwob/click-test.html``, None where there is none.
        start: path at which the tab opens.
        begin: expression that begins the episode in the page; its value is what the team is told, "" for nothing.
        watch: expression whose value tells how the page stands: ``{"done": ..., "reward": ..., ...}``.

    Attributes:
        db: one row in the table ``page``: ``done`` and ``won``, 0 or 1.
        instruction: what the page told the team when the episode began.
        reward: the page's own, raw: without what it takes off for time.
        ended: whether the page says that it is over.
        reason: for it, in the page's words.
    """

    hosts = (HOST,)
    now = NOW_S

    def __init__(self, read: Callable[[str], bytes | None], start: str, begin: str, watch: str) -> None:
        self._read, self.begin_script, self.watch_script = read, begin, watch
        self.start = HOST + start
        self.page_script, self.reader_script = asset("listen.js"), asset("reader.js")
        self.instruction, self.reason, self.reward, self.ended = "", "", 0.0, False
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        with self.db:
            self.db.execute("CREATE TABLE page (done INTEGER, won INTEGER)")
            self.db.execute("INSERT INTO page VALUES (0, 0)")

    def begun(self, said: Any) -> None:
        """The episode has begun in the page, which said what the team is told."""
        self.instruction = " ".join(str(said or "").split())

    def hear(self, said: Mapping[str, Any]) -> None:
        """Takes note of how the page says that it stands."""
        if self.ended or not said.get("done"):
            return
        self.ended, self.reward, self.reason = True, float(said.get("reward") or 0.0), str(said.get("reason") or "")
        with self.db:
            self.db.execute("UPDATE page SET done = 1, won = ?", (int(self.reward > 0),))

    def figures(self) -> dict[str, float]:
        """What the episode's metrics have beside the suite's own: ``page_reward``, the page's own raw reward."""
        return {"page_reward": self.reward}

    def file(self, request: Request) -> Raw | None:
        """The file that a request asks for; see :class:`~remalis_envs.web.sandbox.server.ServesFiles`."""
        body = self._read(request.path) if request.method == "GET" else None
        if body is None:
            return None
        suffix = "." + request.path.rpartition(".")[2]
        kind = _KINDS.get(suffix) or mimetypes.guess_type(request.path)[0] or "application/octet-stream"
        return Raw(body, kind, inline=True)

    def handle(self, request: Request) -> Response:
        """What is no file is not there."""
        return Response(page=Page("Not found", e("body", e("p", "There is no such page."))), status=404)

    def concept_of(self, requested: str) -> str:
        """Nothing is known of what others' pages mean by a request."""
        return "navigation"

    def save(self) -> bytes:
        """Refuses.

        Raises:
            RemalisError: always.
        """
        raise RemalisError(
            "pages of others keep their state in scripts, which cannot be branched: snapshot() is for the suite's "
            "own sites"
        )

    def load(self, saved: bytes) -> None:
        """Refuses; see :meth:`save`."""
        self.save()
