"""What an engine does: opens a tab for each agent, acts on items of the last reading, reads again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from remalis_envs.web.pages.items import Reading
from remalis_envs.web.sites.protocol import World

DEEDS = ("click", "fill", "choose", "toggle", "submit", "back", "visit")
"""``click`` a control; ``fill`` a text, number or date field, replacing what it holds (dates as ``YYYY-MM-DD``);
``choose`` an option of a select by its text; ``toggle`` a checkbox or radio button; ``submit`` presses Enter in a
field; ``back`` goes back; ``visit`` opens ``host/path`` of a site of the world, for bookmarks and tests only: agents
have no free address bar."""


@dataclass(slots=True, frozen=True)
class Deed:
    """What is done in a tab.

    Attributes:
        kind: one of :data:`DEEDS`.
        item: place of the item in the tab's last reading; -1 where none is meant.
        value: text to fill in, option to choose, address to visit.
    """

    kind: str
    item: int = -1
    value: str = ""


@dataclass(slots=True, frozen=True)
class Done:
    """What became of a deed.

    Attributes:
        status: ``done``; ``refused`` (disabled, not visible, wrong kind of control, no such option, nothing to go back
            to); ``unsettled`` (still loading after the limit).
        requested: ``"METHOD host/path"`` of what the tab asked its site for because of it, redirects left out.
    """

    status: str
    requested: tuple[str, ...] = ()


class EngineError(RuntimeError):
    """The machinery failed (a browser died, a page hangs); the words say what."""


class Engine(Protocol):
    """Tabs over a world. Calls are synchronous; deeds take effect in the order in which they are given."""

    def reset(self, world: World, tabs: int, episode_seed: int = 0) -> None:
        """Begins an episode: ``tabs`` empty tabs that open ``world.start`` when first acted in or read."""

    def expect(self, deeds: Mapping[int, Deed]) -> None:
        """By tab, deeds that :meth:`act` is about to be given; an engine may make all ready at once, or do nothing."""

    def act(self, tab: int, deed: Deed) -> Done:
        """Does a deed; returns once what it wrote is committed. A page that only loads may still be loading."""

    def read(self, tabs: list[int]) -> list[Reading]:
        """Reads tabs, after all has settled."""

    def save(self) -> Any:
        """Tabs, their drafts, open widgets and history, beside ``world.save()``."""

    def restore(self, saved: Any) -> None:
        """Puts back what :meth:`save` gave; the world is restored before."""

    def close(self) -> None:
        """Ends everything; safe to repeat."""
