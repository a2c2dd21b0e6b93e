"""The table of features under one instruction: one row an item and offer, and the pages that are made of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from remalis_envs.web.candidates import Offer, Offering, host_of, operation_on
from remalis_envs.web.feature_names import ACTION_FEATURES, NAMED_KINDS, F
from remalis_envs.web.likeness import MAX_WORDS, NONE, Comparison
from remalis_envs.web.notebook import Note
from remalis_envs.web.page_views import ALWAYS, Known, Page, PageView, select
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.static_features import Row, sketch, static_rows
from remalis_envs.web.traits import NewRows, Offers, all_offers, traits_of
from remalis_envs.web.words import word_set, words

Key = tuple[Item, str, str]
"""An item, an operation and a value: what was done, whoever did it."""
KEPT_PAGES = 64
WEIGHT_SCALE = 4.0
"""Weight of something that has all words of the instruction."""
_LIKENESS = slice(F["label_share"], F[f"context_names_{NAMED_KINDS[-1]}"] + 1)
_BITS = np.arange(MAX_WORDS, dtype=np.uint32)
_ONE = np.uint32(1)


class FeatureTable:
    """Rows of features under one instruction, computed once for each item and offer.

    Args:
        instruction: that the agents who share this table were given.
        marks: who has done what, as bits of agents; shared by the tables of an episode.
    """

    def __init__(self, instruction: str, marks: dict[Key, int]) -> None:
        self.offering = Offering(instruction)
        # Pages write "2031-10-28 20:00" for what an instruction calls the 28th of October at 8 p.m.
        self._compared = Comparison(instruction)
        self._table = np.zeros((256, len(ACTION_FEATURES)), np.float32)
        self._masks = np.zeros((2, 256), np.uint32)
        self._sketches = np.zeros(256, np.uint64)
        self._rights = np.zeros(256, np.int64)
        self._legal = np.zeros(256, np.int8)
        self._offers: list[Offer] = []
        self._done = np.zeros((2, 256), np.int32)
        self._marks, self._marked = marks, {item.name for item, _, _ in marks}
        self._recent: list[int] = []
        self._count = 0
        self._known: dict[str, dict[Item, Known]] = {}
        self._met: dict[str, dict[int, Known]] = {}
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
            kept = page.views[rights] = select(page, rights)
        if kept.noted != self._notes_version:
            kept.noted = self._notes_version
            sketches = self._sketches.take(kept.rows)
            share = np.bitwise_count(sketches & self._notes) / np.maximum(np.bitwise_count(sketches), 1)
            kept.block[:, F["in_notes"]] = share
        return kept

    def _page(self, reading: Reading) -> Page:
        key, version = id(reading), self.offering.version
        kept = self._pages.get(key)
        if kept is not None and kept.reading is reading:
            if kept.version == ALWAYS or kept.version == version:
                return kept
            if self._still_offers(kept, version):
                kept.version = version
                return kept
        made = self._pages[key] = self._make(reading)
        if len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        return made

    def _still_offers(self, page: Page, version: int) -> bool:
        """Whether a page offers the same values as before the notebook changed."""
        host = host_of(page.reading)
        known = self._known[host]
        for one in page.valued:
            own = known[one.item]
            if own.version != version:
                self._learn([own.item], host, version)
            if known[one.item] is not one:
                return False
        return True

    def _make(self, reading: Reading) -> Page:
        host, version, items = host_of(reading), self.offering.version, reading.items
        found = self._find(items, host, version)
        rows: list[int] = []
        values: list[tuple[int, str]] = []
        valued: list[Known] = []
        for one in found:
            if one.version != ALWAYS:
                valued.append(one)
                values += [(len(rows) + k, offer.value) for k, offer in enumerate(one.offers) if offer.value]
            rows += one.rows
        index = np.array(rows, np.int64)
        block = self._table.take(index, axis=0)
        covered = self._weigh(reading, block, index) if rows else 0.0
        held = {item.value for item in items if item.value and item.is_control} if values else ()
        if held:
            block[[number for number, value in values if value in held], F["value_taken"]] = 1.0
        said = {item.role for item in items if item.name}
        return Page(
            reading,
            version if valued else ALWAYS,
            covered,
            ("status" in said, "alert" in said),
            valued,
            np.repeat(np.arange(len(items)), [len(one.rows) for one in found]),
            self._offers,
            index,
            block,
            self._legal.take(index),
            self._rights.take(index),
        )

    def _find(self, items: Sequence[Item], host: str, version: int) -> list[Known]:
        """What is known of items; learns what is not known, or known of another state of the notebook.

        Items are told apart by identity first, since to hash them takes longer than all else that is done here; readers
        make equal items once, so that few of them have to be looked up by what they hold.
        """
        known, met = self._known.setdefault(host, {}), self._met.setdefault(host, {})
        found = [met.get(id(item)) for item in items]
        unmet = [
            (k, item)
            for k, (item, one) in enumerate(zip(items, found, strict=True))
            if one is None or one.item is not item or (one.version != version and one.version != ALWAYS)
        ]
        if not unmet:
            return found  # type: ignore[return-value]
        stale: dict[int, Item] = {}
        for k, item in unmet:
            one = found[k] = known.get(item)
            if one is None or (one.version != version and one.version != ALWAYS):
                found[k] = None
                stale[id(item)] = item
        if stale:
            self._learn(list(stale.values()), host, version)
        for k, item in unmet:
            one = found[k] = met[id(item)] = found[k] or known[item]
            one.item = item
        return found  # type: ignore[return-value]

    def _weigh(self, reading: Reading, block: Row, index: npt.NDArray[np.int64]) -> float:
        """Fills in what depends on the page as a whole; returns the share of the instruction's words that it has."""
        masks = self._masks.take(index, axis=1)
        place = self._compared.place
        size = len(place)
        if size:
            own, around = ((masks[:, :, None] >> _BITS[:size]) & _ONE).astype(np.float32)
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
            seen = np.maximum.reduce(either)
            for text in {item.value for item in reading.items if item.value}:
                seen[[bit for word in words(text) if (bit := place.get(word, -1)) >= 0]] = 1.0
            return float(np.add.reduce(seen) / size)
        return 0.0

    def _learn(self, items: list[Item], host: str, version: int) -> None:
        """Takes note of items, with a row for each thing that one offers; all at once, since single numbers cost."""
        known, first = self._known[host], self._count
        new = NewRows()
        for item in items:
            traits = traits_of(item, host)
            offers, block, seen = traits.offers, traits.block, ALWAYS
            plain: tuple[Offer, ...] = ()
            if offers is None:
                plain, seen = self.offering.offers(item, host), version
                kept = known.get(item)
                if kept is not None and kept.plain == plain:
                    kept.version = version
                    # What a new note makes anew was not done just now.
                    self._done[1, kept.rows.start : kept.rows.stop] = 0
                    continue
                offers = all_offers(plain, operation_on(item))
                if plain:
                    chosen = [offer.value if offer.operation == "choose" else "" for offer in offers.offers]
                    block = static_rows(item, offers.ones, chosen)
                else:
                    seen = ALWAYS
            begin = first + len(new.rights)
            known[item] = Known(item, seen, offers.offers, range(begin, begin + len(offers.offers)), plain)
            if offers.offers:
                self._compare(item, offers, traits.sketch, new)
                new.blocks.append(block)
                self._offers += offers.offers
        if new.rights:
            self._write(new)
            for item in items if self._marked else ():
                if item.name in self._marked:
                    self._recall(known[item])

    def _compare(self, item: Item, offers: Offers, sketch: int, new: NewRows) -> None:
        """Compares an item and what it offers with the instruction."""
        of = self._compared.of
        label, exact, label_mask, label_names = of(item.name)
        context, _, context_mask, context_names = of(item.context) if item.context else NONE
        held = of(item.value).share if item.value else 0.0
        for row, offer in enumerate(offers.offers, start=len(new.rights)):
            value, value_exact, value_mask, _ = of(offer.value) if offer.value else NONE
            if label or context or held or offer.value:
                said = (label, context, value, exact, value_exact, offer.near, offer.noted, held)
                new.likeness.append((*said, *label_names, *context_names))
                new.alike.append(row)
            new.labels.append(label_mask | value_mask)
            new.contexts.append(context_mask)
            new.sketches.append(sketch)
        new.rights += offers.rights
        new.legal += offers.legal

    def _recall(self, one: Known) -> None:
        """Takes note of what was done to an item before this table had its rows."""
        for row, offer in zip(one.rows, one.offers, strict=True):
            self._done[0, row] = self._marks.get((one.item, offer.operation, offer.value), 0)

    def _write(self, new: NewRows) -> None:
        """Writes new rows."""
        count = len(new.rights)
        first = self._reserve(count)
        rows = slice(first, first + count)
        block = self._table[rows]
        np.concatenate(new.blocks, out=block)
        if new.alike:
            block[new.alike, _LIKENESS] = new.likeness
        self._rights[rows], self._legal[rows] = new.rights, new.legal
        self._masks[0, rows], self._masks[1, rows] = new.labels, new.contexts
        self._sketches[rows] = np.array(new.sketches, np.uint64)

    def _reserve(self, count: int) -> int:
        """Room for new rows; the number of the first."""
        first = self._count
        self._count += count
        if self._count > len(self._table):
            more = (0, max(self._count - len(self._table), len(self._table)))
            self._table = np.pad(self._table, (more, (0, 0)))
            self._masks = np.pad(self._masks, ((0, 0), more))
            self._sketches = np.pad(self._sketches, (more,))
            self._rights, self._legal = np.pad(self._rights, (more,)), np.pad(self._legal, (more,))
            self._done = np.pad(self._done, ((0, 0), more))
        return first

    def forget_recent(self) -> None:
        """A step begins: nothing was done just now."""
        if self._recent:
            self._done[1, self._recent] = 0
            self._recent = []

    def mark(self, what: Key) -> None:
        """Takes note that somebody has just done something, after ``marks`` did."""
        item, operation, value = what
        self._marked.add(item.name)
        for known in self._known.values():
            one = known.get(item)
            if one is None:
                continue
            for row, offer in zip(one.rows, one.offers, strict=True):
                if offer.operation == operation and offer.value == value:
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
