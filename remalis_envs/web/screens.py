"""What a tab shows, as a picture: the browser's own, or the words of the page where there is no browser."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from remalis_envs.web.episode import Episode

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in a picture, in pixels."""


@dataclass(frozen=True, repr=False)
class Screen:
    """A picture of a tab.

    Attributes:
        png: the file.
        box: where the item stands that was asked for; None where there is none, or it is not to be seen.
    """

    png: bytes
    box: Box | None = None


@runtime_checkable
class Pictured(Protocol):
    """An engine that has pictures of its pages."""

    def screenshot(self, tab: int) -> bytes:
        """What a tab shows, as PNG."""

    def show(self, tab: int, item: int) -> tuple[Box | None, bool]:
        """Brings an item of the last reading into sight; where it is, and whether the page was scrolled for it."""


def screen(episode: Episode, agent: int, place: int = -1, kept: Screen | None = None) -> Screen:
    """What an agent's tab shows.

    Args:
        episode: that is played.
        agent: its number.
        place: of an item of its last reading that is to be in sight; -1 for none. A page may be scrolled for it.
        kept: the last picture of the tab, in which nothing was done since; taken where it still holds.

    Raises:
        EngineError: the browser failed.
    """
    engine = episode.engine
    if isinstance(engine, Pictured):
        box, scrolled = engine.show(agent, place) if place >= 0 else (None, False)
        return Screen(kept.png if kept is not None and not scrolled else engine.screenshot(agent), box)
    from remalis_envs.web.picture import draw_page

    image, box = draw_page(episode.desks[agent].reading, place)
    file = io.BytesIO()
    image.save(file, "PNG")
    return Screen(file.getvalue(), box)
