"""The page that all contenders click on: two tabs that swap a panel, a link to the page itself, and many elements."""

from __future__ import annotations

from pathlib import Path

from remalis_envs.web.pages import building as b
from remalis_envs.web.pages.elements import Page, e
from remalis_envs.web.pages.html import ASSETS, asset, to_html
from remalis_envs.web.sites.protocol import Request, Response

SMALL, LARGE = 14, 2400
"""Elements of a page: about as many as the smallest of MiniWoB has, and as a dense page has."""
_FRAME = 12
"""Elements that the page has beside its list."""


def page(elements: int) -> Page:
    """The page with about so many elements; every other line of its list holds a button."""
    lines = []
    for k in range(max(elements - _FRAME, 2) * 2 // 3):
        lines.append(e("li", e("button", f"Entry {k}", type="button") if k % 2 else f"Line {k}"))
    panels = b.tabs("when", [("By day", e("p", "Pick a day.")), ("By week", e("p", "Pick a week."))])
    return Page("Speed", e("body", e("main", e("h1", "Speed"), panels, e("a", "Again", href="/"), e("ul", lines))))


class SpeedWorld:
    """One site of one page."""

    hosts = ("main",)
    start = "main/"
    now = 1_777_593_600.0

    def __init__(self, elements: int) -> None:
        self._page = page(elements)

    def save(self) -> bytes:
        return b""

    def load(self, saved: bytes) -> None:
        """Nothing lasts."""

    def handle(self, request: Request) -> Response:
        return Response(page=self._page)


def write_site(folder: Path) -> None:
    """Writes the pages and their static files, for a server that is not ours."""
    (folder / "static").mkdir(parents=True)
    for elements in (SMALL, LARGE):
        (folder / f"{elements}.html").write_text(
            to_html(page(elements)).replace('href="/"', f'href="/{elements}.html"'), encoding="utf-8"
        )
    for name in ASSETS:
        (folder / "static" / name).write_bytes(asset(name)[0])
