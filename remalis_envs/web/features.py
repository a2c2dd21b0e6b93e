"""Features of what a page offers: one row a candidate, from its own words, states and likeness to the instruction."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from remalis_envs.web.actions import OPERATIONS, WINDOW
from remalis_envs.web.candidates import Candidate, Offer, Offering, bare, host_of
from remalis_envs.web.notebook import Note
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.roles import OPEN, RIGHTS
from remalis_envs.web.words import word_hash, word_set, words

Row = npt.NDArray[np.float32]

_ROLE_GROUPS = {
    "link": ("link",),
    "button": ("button",),
    "field": ("textbox", "searchbox"),
    "combobox": ("combobox",),
    "number": ("spinbutton",),
    "check": ("checkbox", "radio"),
    "opener": ("tab", "summary"),
    "date": ("date",),
    "heading": ("heading", "columnheader", "legend", "term"),
    "entry": ("cell", "listitem", "definition"),
    "text": ("text",),
    "status": ("status", "alert"),
}
_GROUP_OF = {role: number for number, roles in enumerate(_ROLE_GROUPS.values()) for role in roles}
LABEL_HASH, CONTEXT_HASH = 16, 5
"""Columns into which the words of labels and of what surrounds them are hashed, with signs."""

ACTION_FEATURES = (
    "exists",
    *(f"operation_{name.replace(' ', '_')}" for name in OPERATIONS),
    *(f"role_{name}" for name in _ROLE_GROUPS),
    *(f"right_{name}" for name in RIGHTS),
    "checked",
    "expanded",
    "selected",
    "filled",
    "submits",
    "asks",
    "sends",
    "label_share",
    "context_share",
    "value_share",
    "exact",
    "value_exact",
    "value_near",
    "value_noted",
    "held_share",
    "value_taken",
    "label_weight",
    "context_weight",
    "weight",
    "relative_weight",
    "best",
    "in_notes",
    "done_by_me",
    "done_by_others",
    "done_just_now",
    "place",
    *(f"label_{k}" for k in range(LABEL_HASH)),
    *(f"context_{k}" for k in range(CONTEXT_HASH)),
)
"""Of each action. ``share``: of the words of the label (the context, the value), those that the instruction has;
``exact``: they stand in it as they are; ``held``: of what a field holds; ``taken``: another field holds it already;
``weight``: of the instruction's words, those that it has, rare ones on this
page counting more; ``relative`` to the best of the page."""
F = {name: column for column, name in enumerate(ACTION_FEATURES)}
_OPERATION = {name: F[f"operation_{name.replace(' ', '_')}"] for name in OPERATIONS}
_RIGHT = {name: F[f"right_{name}"] for name in RIGHTS}
Key = tuple[Item, str, str]
"""An item, an operation and a value: what was done, whoever did it."""
_STATIC: OrderedDict[Item, Row] = OrderedDict()
"""Rows of what depends on no instruction, for all environments of the process."""
_STATIC_SIZE = 60_000
KEPT_PAGES = 64
ALWAYS = -1
"""Version of a page that offers no values, and is the same whatever the notebook holds."""
WEIGHT_SCALE = 4.0
"""Weight of something that has all words of the instruction."""
_LIKENESS = slice(F["label_share"], F["held_share"] + 1)
_VALUED = ("fill", "choose")
_RIGHT_NUMBER = {name: number for number, name in enumerate(RIGHTS)}
_PLACES = (np.arange(8 * WINDOW) % WINDOW / WINDOW).astype(np.float32)
MAX_WORDS = 32
"""Different words of an instruction that count."""
_BITS = np.arange(MAX_WORDS, dtype=np.uint32)
_ONE = np.uint32(1)


def hashed(text: str, size: int) -> Row:
    """Words of a text as a signed hash, float32 ``(size,)`` within [-1, 1]."""
    return np.array(_hash_list(text, size), np.float32)


def _hash_list(text: str, size: int) -> list[float]:
    out = [0.0] * size
    for word in words(text):
        code = word_hash(word)
        place = code % size
        out[place] = max(-1.0, min(1.0, out[place] + (0.5 if code & 0x10000 else -0.5)))
    return out


def sketch(found: frozenset[str]) -> int:
    """A set of words as 64 bits, by hash."""
    bits = 0
    for word in found:
        bits |= 1 << (word_hash(word) & 63)
    return bits


@dataclass(slots=True)
class Page:
    """A reading with the features of everything that it offers, to whoever has which rights.

    Attributes:
        reading: of a tab.
        version: of the offering, where values are offered; else :data:`ALWAYS`.
        covered: share of the instruction's words that stand on the page or in its fields.
        says: whether it holds a status, and an alert, that says something.
        candidates: in page order; where an item takes a right, what it offers to who has it stands before what it
            offers to who has not.
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
    candidates: list[Candidate]
    rows: npt.NDArray[np.int64]
    block: Row
    legal: npt.NDArray[np.int8]
    right: npt.NDArray[np.int64]
    views: dict[frozenset[str], PageView] = field(default_factory=dict)


@dataclass(slots=True)
class PageView:
    """A page as an agent with given rights sees it.

    Attributes:
        page: that it shows.
        chosen: the candidates of the page that it has, int64 ``(n,)``.
        rows: of the table, int64 ``(n,)``.
        block: features, float32 ``(n, F)``.
        legal: int8 ``(n,)``.
        regions: windows that the page has, at least 1.
        peaks: the largest weight in each region.
        noted: the state of the notebook that the features speak of.
    """

    page: Page
    chosen: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    block: Row
    legal: npt.NDArray[np.int8]
    regions: int
    peaks: list[float]
    noted: int = 0

    @property
    def reading(self) -> Reading:
        """Of the tab."""
        return self.page.reading

    @property
    def size(self) -> int:
        """Candidates that there are."""
        return len(self.rows)

    def candidate(self, number: int) -> Candidate:
        """One of them, in page order."""
        return self.page.candidates[self.chosen[number]]


@dataclass(slots=True)
class _Known:
    """What is known of an item: its offers and their rows, under one state of the notebook."""

    version: int
    offers: tuple[Offer, ...]
    rows: tuple[int, ...]
    rights: tuple[int, ...]
    legal: tuple[bool, ...]


class FeatureTable:
    """Rows of features under one instruction, computed once for each item and offer.

    Args:
        instruction: that the agents who share this table were given.
        marks: who has done what, as bits of agents; shared by the tables of an episode.
    """

    def __init__(self, instruction: str, marks: dict[Key, int]) -> None:
        self.offering = Offering(instruction)
        self._text = f" {' '.join(words(instruction))} "
        self._place = {word: k for k, word in enumerate(dict.fromkeys(words(instruction))) if k < MAX_WORDS}
        self._bit = {word: 1 << k for word, k in self._place.items()}
        self._table = np.zeros((256, len(ACTION_FEATURES)), np.float32)
        self._masks = np.zeros((2, 256), np.uint32)
        self._sketches = np.zeros(256, np.uint64)
        self._done = np.zeros((2, 256), np.int32)
        self._marks, self._same = marks, dict[Key, list[int]]()
        self._recent: list[int] = []
        self._count = 0
        self._likeness: dict[str, tuple[float, bool]] = {}
        self._known: dict[str, dict[Item, _Known]] = {}
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._notes = np.uint64(0)
        self._notes_version = 0

    def take_notes(self, notes: tuple[Note, ...]) -> None:
        """Takes note of the notebook."""
        found = frozenset().union(*(word_set(note.text) | word_set(note.about) for note in notes))
        self._notes = np.uint64(sketch(found))
        self._notes_version += 1
        self.offering.take_notes(notes)

    def view(self, reading: Reading, rights: frozenset[str]) -> PageView:
        """A page as an agent with these rights sees it; made anew when the page, or a value that it offers, changes."""
        page = self._page(reading)
        kept = page.views.get(rights)
        if kept is None:
            kept = page.views[rights] = _select(page, rights)
        if kept.noted != self._notes_version:
            kept.noted = self._notes_version
            sketches = self._sketches.take(kept.rows)
            share = np.bitwise_count(sketches & self._notes) / np.maximum(np.bitwise_count(sketches), 1)
            kept.block[:, F["in_notes"]] = share
        return kept

    def _page(self, reading: Reading) -> Page:
        key, version = id(reading), self.offering.version
        kept = self._pages.get(key)
        if kept is not None and kept.reading is reading and kept.version in (version, ALWAYS):
            return kept
        made = self._pages[key] = self._make(reading)
        if len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        return made

    def _make(self, reading: Reading) -> Page:
        host, version = host_of(reading), self.offering.version
        known = self._known.setdefault(host, {})
        candidates: list[Candidate] = []
        rows: list[int] = []
        rights: list[int] = []
        legal: list[bool] = []
        stale = [item for item in reading.items if _is_stale(known.get(item), version)]
        if stale:
            self._learn(stale, host, version)
        values: list[tuple[int, str]] = []
        valued = False
        for place, item in enumerate(reading.items):
            found = known[item]
            offers = found.offers
            if not offers:
                continue
            if offers[0].operation in _VALUED:
                valued = True
                values += [(len(candidates) + k, offer.value) for k, offer in enumerate(offers) if offer.value]
            candidates += [Candidate(place, offer) for offer in offers]
            rows += found.rows
            rights += found.rights
            legal += found.legal
        index = np.array(rows, np.int64)
        block = self._table.take(index, axis=0)
        covered = self._weigh(reading, block, index) if rows else 0.0
        held = {item.value for item in reading.items if item.value and item.is_control} if values else ()
        if held:
            block[[number for number, value in values if value in held], F["value_taken"]] = 1.0
        said = {item.role for item in reading.items if item.name}
        return Page(
            reading,
            version if valued else ALWAYS,
            covered,
            ("status" in said, "alert" in said),
            candidates,
            index,
            block,
            np.array(legal, np.int8),
            np.array(rights, np.int64),
        )

    def _weigh(self, reading: Reading, block: Row, index: npt.NDArray[np.int64]) -> float:
        """Fills in what depends on the page as a whole; returns the share of the instruction's words that it has."""
        label, context = self._masks.take(index, axis=1)
        size = len(self._bit)
        if size:
            own = ((label[:, None] >> _BITS[:size]) & _ONE).astype(np.float32)
            around = ((context[:, None] >> _BITS[:size]) & _ONE).astype(np.float32)
            either = np.maximum(own, around)
            rarity = np.log((len(index) + 1.0) / (either.sum(0) + 0.5)).astype(np.float32)
            rarity *= WEIGHT_SCALE / rarity.sum()
            weight = either @ rarity
            best = max(float(weight.max()), 1e-6)
            begin = F["label_weight"]
            block[:, begin] = own @ rarity
            block[:, begin + 1] = around @ rarity
            block[:, begin + 2] = weight
            block[:, begin + 3] = weight / best
            block[:, begin + 4] = weight >= best - 1e-6
            seen = either.max(0)
            for text in {item.value for item in reading.items if item.value}:
                seen[[bit for word in words(text) if (bit := self._place.get(word, -1)) >= 0]] = 1.0
            return float(seen.mean())
        return 0.0

    def _learn(self, items: list[Item], host: str, version: int) -> None:
        """Takes note of items, with a row for each thing that one offers; all at once, since single numbers cost."""
        known, first = self._known[host], self._count
        statics: list[Row] = []
        likeness: list[tuple[float, ...]] = []
        masks: list[tuple[int, int]] = []
        sketches: list[int] = []
        whats: list[Key] = []
        columns: list[tuple[int, int]] = []
        for item in items:
            offers = self.offering.offers(item, host)
            numbers = tuple(_RIGHT_NUMBER[offer.right] for offer in offers)
            if offers and offers[0].right != OPEN:
                offers = (*offers, bare(item, offers[0].right))
                numbers = (*numbers, numbers[0] + len(RIGHTS))
            begin = first + len(whats)
            rows = tuple(range(begin, begin + len(offers)))
            known[item] = _Known(version, offers, rows, numbers, tuple(offer.legal for offer in offers))
            if not offers:
                continue
            static, (label, exact), (context, _) = _static(item), self._like(item.name), self._like(item.context)
            label_mask, context_mask = self._mask(item.name), self._mask(item.context)
            bits = _sketch_of(item.name) | _sketch_of(item.context)
            held = self._like(item.value)[0] if item.value else 0.0
            for offer in offers:
                value, value_exact = self._like(offer.value) if offer.value else (0.0, False)
                statics.append(static)
                likeness.append((label, context, value, exact, value_exact, offer.near, offer.noted, held))
                masks.append((label_mask | self._mask(offer.value) if offer.value else label_mask, context_mask))
                sketches.append(bits)
                whats.append((item, offer.operation, offer.value))
                columns.append((_OPERATION[offer.operation], _RIGHT[offer.right]))
        if whats:
            self._write(statics, likeness, masks, sketches, columns)
            for row, what in enumerate(whats, start=first):
                self._same.setdefault(what, []).append(row)
                if what in self._marks:
                    self._done[0, row] = self._marks[what]

    def _write(
        self,
        statics: list[Row],
        likeness: list[tuple[float, ...]],
        masks: list[tuple[int, int]],
        sketches: list[int],
        columns: list[tuple[int, int]],
    ) -> None:
        """Writes new rows."""
        first = self._reserve(len(statics))
        rows = slice(first, first + len(statics))
        block = self._table[rows]
        block[:] = statics
        block[:, _LIKENESS] = likeness
        at = np.array(columns).T
        numbers = np.arange(len(statics))
        block[numbers, at[0]] = block[numbers, at[1]] = 1.0
        self._masks[:, rows] = np.array(masks, np.uint32).T
        self._sketches[rows] = np.array(sketches, np.uint64)

    def _like(self, text: str) -> tuple[float, bool]:
        """The share of a text's words that the instruction has, and whether it has the text as it stands."""
        kept = self._likeness.get(text)
        if kept is None:
            found = words(text)
            share = sum(word in self._bit for word in found) / len(found) if found else 0.0
            exact = share == 1.0 and f" {' '.join(found)} " in self._text
            kept = self._likeness[text] = (share, exact)
        return kept

    def _mask(self, text: str) -> int:
        """A text's words as bits of the instruction's."""
        bits, known = 0, self._bit
        for word in words(text):
            bits |= known.get(word, 0)
        return bits

    def _reserve(self, count: int) -> int:
        """Room for new rows; the number of the first."""
        first = self._count
        self._count += count
        if self._count > len(self._table):
            more = (0, max(self._count - len(self._table), len(self._table)))
            self._table = np.pad(self._table, (more, (0, 0)))
            self._masks = np.pad(self._masks, ((0, 0), more))
            self._sketches = np.pad(self._sketches, (more,))
            self._done = np.pad(self._done, ((0, 0), more))
        return first

    def forget_recent(self) -> None:
        """A step begins: nothing was done just now."""
        if self._recent:
            self._done[1, self._recent] = 0
            self._recent = []

    def mark(self, what: Key) -> None:
        """Takes note that somebody has just done something, after ``marks`` did."""
        for row in self._same.get(what, ()):
            self._done[0, row] = self._marks[what]
            self._done[1, row] = 1
            self._recent.append(row)

    def fill_done(self, out: Row, rows: npt.NDArray[np.int64], agent: int) -> None:
        """Writes who has done what into a window of an agent: ``out`` float32 ``(n, F)``, ``rows`` ``(n,)``."""
        ever, now = self._done.take(rows, axis=1)
        mine = 1 << agent
        out[:, F["done_by_me"]] = (ever & mine) != 0
        out[:, F["done_by_others"]] = (ever & ~mine) != 0
        out[:, F["done_just_now"]] = now


def _is_stale(known: _Known | None, version: int) -> bool:
    """Whether an item is not known, or offers values of another state of the notebook."""
    if known is None:
        return True
    return known.version != version and bool(known.offers) and known.offers[0].operation in _VALUED


@lru_cache(maxsize=50_000)
def _sketch_of(text: str) -> int:
    return sketch(word_set(text))


def _select(page: Page, rights: frozenset[str]) -> PageView:
    """What of a page an agent with given rights sees."""
    shown = np.ones(2 * len(RIGHTS), bool)
    for right, number in _RIGHT_NUMBER.items():
        shown[number], shown[number + len(RIGHTS)] = right in rights, right not in rights
    chosen = np.flatnonzero(shown.take(page.right))
    block = page.block.take(chosen, axis=0)
    count = len(chosen)
    block[:, F["place"]] = _PLACES[:count] if count <= len(_PLACES) else np.arange(count) % WINDOW / WINDOW
    begins = range(0, count, WINDOW)
    peaks = np.maximum.reduceat(block[:, F["weight"]], begins).tolist() if count else [0.0]
    return PageView(page, chosen, page.rows.take(chosen), block, page.legal.take(chosen), len(peaks), peaks)


def _static(item: Item) -> Row:
    """What of an item depends on no instruction."""
    row = _STATIC.get(item)
    if row is not None:
        return row
    values = [0.0] * len(ACTION_FEATURES)
    values[F["exists"]] = values[F["role_link"] + _GROUP_OF[item.role]] = 1.0
    begin = F["checked"]
    values[begin : begin + 7] = (
        bool(item.checked),
        bool(item.expanded),
        bool(item.selected),
        bool(item.value),
        item.kind == "submit",
        item.form.startswith("GET"),
        item.form.startswith("POST"),
    )
    values[F["label_0"] : F["label_0"] + LABEL_HASH] = _hash_list(item.name, LABEL_HASH)
    values[F["context_0"] : F["context_0"] + CONTEXT_HASH] = _hash_list(item.context, CONTEXT_HASH)
    row = np.array(values, np.float32)
    _STATIC[item] = row
    if len(_STATIC) > _STATIC_SIZE:
        _STATIC.popitem(last=False)
    return row
