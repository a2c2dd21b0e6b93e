"""Pages with the features of what they offer, and the part of it that an agent with given rights sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from remalis_envs.web.actions import WINDOW
from remalis_envs.web.candidates import Candidate, Offer
from remalis_envs.web.feature_names import F
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.roles import RIGHTS
from remalis_envs.web.static_features import Row

ALWAYS = -1
"""Version of what offers no values, and is the same whatever the notebook holds."""
RIGHT_NUMBER = {name: number for number, name in enumerate(RIGHTS)}
_PLACES = (np.arange(8 * WINDOW) % WINDOW / WINDOW).astype(np.float32)


@dataclass(slots=True, eq=False)
class Known:
    """What is known of an item: its offers and their rows, under one state of the notebook.

    Attributes:
        item: the object last met; equal ones share what is known.
        version: of the offering, where values are offered; else :data:`ALWAYS`.
        offers: what it offers, to whoever has which rights.
        rows: of the table, one an offer.
        plain: where values are offered, the offers to who has the right to them.
    """

    item: Item
    version: int
    offers: tuple[Offer, ...]
    rows: range
    plain: tuple[Offer, ...] = ()


@dataclass(slots=True)
class Page:
    """A reading with the features of everything that it offers, to whoever has which rights.

    Attributes:
        reading: of a tab.
        version: of the offering, where values are offered; else :data:`ALWAYS`.
        covered: share of the instruction's words that stand on the page or in its fields.
        says: whether it holds a status, and an alert, that says something.
        valued: the items that offer values, as they were known when the page was made.
        places: of the items in the reading, by candidate, int64 ``(n,)``: candidates stand in page order; where an item
            takes a right, what it offers to who has it stands before what it offers to who has not.
        offers: by row of the table.
        rows: of the table, by candidate, int64 ``(n,)``: the same for the same item and offer.
        block: features, float32 ``(n, F)``.
        legal: int8 ``(n,)``.
        right: by candidate, the number of the right that it takes; ``len(RIGHTS)`` more where it is for who has not.
        views: by rights.
    """

    reading: Reading
    version: int
    covered: float
    says: tuple[bool, bool]
    valued: list[Known]
    places: npt.NDArray[np.int64]
    offers: list[Offer]
    rows: npt.NDArray[np.int64]
    block: Row
    legal: npt.NDArray[np.int8]
    right: npt.NDArray[np.int64]
    views: dict[frozenset[str], PageView] = field(default_factory=dict)


@dataclass(slots=True)
class PageView:
    """A page as an agent with given rights sees it.

    It names no page, for pages name their views: what goes in circles stays until the collector finds it.

    Attributes:
        reading: of the tab.
        covered: share of the instruction's words that stand on the page or in its fields.
        says: whether the page holds a status, and an alert, that says something.
        offers: by row of the table.
        places: of the items in the reading, by candidate, int64 ``(n,)``.
        rows: of the table, int64 ``(n,)``.
        block: features, float32 ``(n, F)``.
        legal: int8 ``(n,)``.
        regions: windows that the page has, at least 1.
        peaks: the largest weight in each region.
        noted: the state of the notebook that the features speak of.
    """

    reading: Reading
    covered: float
    says: tuple[bool, bool]
    offers: list[Offer]
    places: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    block: Row
    legal: npt.NDArray[np.int8]
    regions: int
    peaks: list[float]
    noted: int = 0

    @property
    def size(self) -> int:
        """Candidates that there are."""
        return len(self.rows)

    def candidate(self, number: int) -> Candidate:
        """One of them, in page order."""
        return Candidate(int(self.places[number]), self.offers[self.rows[number]])


@lru_cache(maxsize=256)
def _shown(rights: frozenset[str]) -> npt.NDArray[np.bool_]:
    """By number of a right, as pages have it: whether who has these rights sees what takes it."""
    shown = np.ones(2 * len(RIGHTS), bool)
    for right, number in RIGHT_NUMBER.items():
        shown[number], shown[number + len(RIGHTS)] = right in rights, right not in rights
    return shown


def select(page: Page, rights: frozenset[str]) -> PageView:
    """What of a page an agent with given rights sees; ``place`` and ``peaks`` are worked out here."""
    chosen = _shown(rights).take(page.right).nonzero()[0]
    block = page.block.take(chosen, axis=0)
    count = len(chosen)
    block[:, F["place"]] = _PLACES[:count] if count <= len(_PLACES) else np.arange(count) % WINDOW / WINDOW
    begins = range(0, count, WINDOW)
    peaks = np.maximum.reduceat(block[:, F["weight"]], begins).tolist() if count else [0.0]
    return PageView(
        page.reading,
        page.covered,
        page.says,
        page.offers,
        page.places.take(chosen),
        page.rows.take(chosen),
        block,
        page.legal.take(chosen),
        len(peaks),
        peaks,
    )
