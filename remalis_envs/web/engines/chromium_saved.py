"""Saves tabs of Chromium and puts them back: the page as it was served, then as it stood, then where it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from remalis_envs.web.engines.base import EngineError
from remalis_envs.web.engines.chromium_tab import Place, Tab
from remalis_envs.web.sandbox.server import SiteServer

_SUFFIX = ".the-tab.the-episode.test"
"""Stands for the suffix of tab and episode, so that a tab can be put back in another episode."""


@dataclass(frozen=True)
class SavedTab:
    """A tab as it stood.

    Attributes:
        target: ``host/path?query``.
        source: its document as it was served.
        status: HTTP's.
        state: what ``hands.js`` captured of the document as it stood.
        history: places that it can go back to, the oldest first.
        posted: places where a page was the answer to a POST.
    """

    target: str
    source: str
    status: int
    state: dict[str, Any]
    history: tuple[Place, ...]
    posted: frozenset[str] = frozenset()


def save_tab(tab: Tab, server: SiteServer) -> SavedTab:
    """Saves a tab that has settled."""
    document = server.documents.get(tab.number)
    if document is None:
        raise EngineError(f"Tab {tab.number} was served no page that could be saved.")
    suffix = server.suffix(tab.number)
    state = tab.hands("__remalisHands.capture()")
    state["body"] = state["body"].replace(suffix, _SUFFIX)
    history = tab.ask("Page.getNavigationHistory")
    before = history["entries"][: history["currentIndex"]]
    places = [*tab.older, *((place_of(entry["url"]), tab.left.get(entry["id"], [])) for entry in before)]
    source = document.html.replace(suffix, _SUFFIX)
    posted = server.posted.get(tab.number, frozenset())
    return SavedTab(document.target, source, document.status, state, tuple(places), posted)


def load_saved(tab: Tab, saved: SavedTab, server: SiteServer) -> None:
    """Begins to load a page as it was served; the world is not asked."""
    source = saved.source.replace(_SUFFIX, server.suffix(tab.number))
    tab.navigate(server.prepare_source(saved.target, tab.number, source, saved.status))


def put_back(tab: Tab, saved: SavedTab, server: SiteServer) -> None:
    """Makes a page that has loaded what it was."""
    state = {**saved.state, "body": saved.state["body"].replace(_SUFFIX, server.suffix(tab.number))}
    if "refused" in tab.hands(f"__remalisHands.putBack({json.dumps(state)})"):
        raise EngineError(f"Tab {tab.number} could not be put back.")
    tab.forget_history()
    tab.older, tab.left = list(saved.history), {}
    server.posted[tab.number] = saved.posted


def place_of(url: str) -> str:
    """``host/path?query`` of a full address."""
    parts = urlsplit(url)
    return parts.netloc.partition(".")[0] + parts.path + (f"?{parts.query}" if parts.query else "")
