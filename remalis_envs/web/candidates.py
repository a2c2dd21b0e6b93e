"""What a page offers an agent: each control and text with what could be done to it, in page order.

Values come from the shared notebook and from what in the instruction looks like a value (:func:`.words.values_in`),
fitted to a field by its kind and ranked by whether its label stands near the value. Nothing here knows the goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.notebook import Note
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.roles import OPEN, right_of
from remalis_envs.web.words import Value, days_from, marks_in, values_in, word_set

MAX_FILLS = 14
"""Values offered for one field."""
MAX_DATES = 16
"""Values offered for a date, which may be so many days from another."""
MAX_CHOICES = 10
"""Options offered of one select."""
RECORDABLE = ("heading", "text", "cell", "listitem", "definition", "status", "alert")
"""Roles of texts that can be recorded; headers, terms and legends stand in the context of others."""

_KINDS = {
    "date": {"date": 1.0, "day": 0.0},
    "number": {"number": 1.0},
    "email": {"email": 1.0},
    "time": {"time": 1.0},
    "text": {
        "quoted": 1.0,
        "phrase": 0.8,
        "code": 0.8,
        "email": 0.7,
        "note": 0.6,
        "number": 0.4,
        "time": 0.3,
        "date": 0.3,
    },
}
"""By kind of field, the kinds of values that fit, and which of them come first."""
_NOTED = 0.3
"""Before others come values that somebody thought worth noting."""
_DEEDS = {
    "follow": "click",
    "press": "click",
    "open": "click",
    "toggle": "toggle",
    "fill": "fill",
    "choose": "choose",
}


@dataclass(slots=True, frozen=True)
class Offer:
    """Something that can be done to an item.

    Attributes:
        operation: one of ``actions.PAGE_OPERATIONS``.
        value: to fill in or to choose.
        right: that it takes.
        legal: whether this agent may do it now, and it would change anything.
        near: of a value, the share of the field's label that stands near it in the text that it comes from.
        noted: whether the value comes from the notebook.
        kind: of a value to fill in, one of ``words.KINDS``.
    """

    operation: str
    value: str = ""
    right: str = OPEN
    legal: bool = True
    near: float = 0.0
    noted: bool = False
    kind: str = ""


@dataclass(slots=True, frozen=True)
class Candidate:
    """An offer and the place of its item in the reading."""

    place: int
    offer: Offer

    @property
    def deed(self) -> Deed | None:
        """What the engine is to do; None for recording."""
        kind = _DEEDS.get(self.offer.operation)
        return None if kind is None else Deed(kind, self.place, self.offer.value)


VALUED = ("fill", "choose")
"""Operations that take a value."""
_RECORD = Offer("record")
_plain = lru_cache(maxsize=1_000)(Offer)
"""Offers are frozen, and those without values are few."""


def bare(operation: str, right: str) -> Offer:
    """What a control offers to who has no right to it: nothing, but it can be seen."""
    return _plain(operation, right=right, legal=False)


def note_values(notes: Sequence[Note]) -> tuple[Value, ...]:
    """What the notebook offers for fields: each fact, and the numbers, dates and codes in it; the newest first."""
    found: dict[tuple[str, str], Value] = {}
    for note in reversed(notes):
        about = word_set(note.about)
        for value in (*values_in(note.text), *marks_in(note.text)):
            if value.kind in ("number", "date", "time", "email", "code", "quoted"):
                found.setdefault((value.text, value.kind), Value(value.text, value.kind, value.near | about))
        if len(note.text) <= 60:
            found.setdefault((note.text, "note"), Value(note.text, "note", about))
    return tuple(found.values())


class Offering:
    """What items offer under one instruction and one state of the notebook.

    Args:
        instruction: that the agent was given.
    """

    def __init__(self, instruction: str) -> None:
        self.instruction = instruction
        self._values = (*values_in(instruction), *marks_in(instruction))
        self._noted: tuple[Value, ...] = ()
        self._words = word_set(instruction)
        self.version = 0
        """Moves when the values do."""

    def take_notes(self, notes: Sequence[Note]) -> None:
        """Takes note of the notebook."""
        noted = note_values(notes)
        noted += days_from((*noted, *self._values))
        if noted != self._noted:
            self._noted = noted
            self.version += 1

    def offers(self, item: Item, host: str) -> tuple[Offer, ...]:
        """What an item offers to who has the right to it; what changes nothing or is disabled is not legal.

        Args:
            item: of a reading.
            host: of its page.
        """
        operation = operation_on(item)
        if not item.is_control or item.disabled or operation not in VALUED:
            return plain_offers(item, host)
        right = right_of(item, host)
        return self._fills(item, right) if operation == "fill" else self._choices(item, right)

    def _fills(self, item: Item, right: str) -> tuple[Offer, ...]:
        label = word_set(item.name)
        ranks = _KINDS[field_kind(item)]
        scored: list[tuple[float, int, str, float, bool, str]] = []
        for noted, values in ((False, self._values), (True, self._noted)):
            for value in values:
                rank = ranks.get(value.kind)
                if rank is None:
                    continue
                near = len(label & value.near) / len(label) if label else 0.0
                bonus = 0.0
                if value.kind != "day":  # that is worked out, and neither a field's kind nor what somebody noted
                    bonus = (value.kind in label) + _NOTED * noted  # a text field that is called "Time"
                scored.append((-(2 * near + rank + bonus), len(scored), value.text, near, noted, value.kind))
        most = MAX_DATES if "day" in ranks else MAX_FILLS
        best: dict[str, tuple[float, bool, str]] = {}
        for _, _, text, near, noted, kind in sorted(scored):
            best.setdefault(text, (near, noted, kind))
        offers = [Offer("fill", text, right, text != item.value, *best[text]) for text in islice(best, most)]
        if item.value:  # what an earlier search has left, say
            offers.append(Offer("fill", right=right))
        return tuple(offers) or (Offer("fill", right=right, legal=False),)

    def _choices(self, item: Item, right: str) -> tuple[Offer, ...]:
        options = [option for option in item.options if option]
        if len(options) > MAX_CHOICES:
            noted = {value.text for value in self._noted}
            wanted = [o for o in options if o in noted or word_set(o) & self._words]
            kept = set((wanted + [o for o in options if o not in wanted])[:MAX_CHOICES])
            options = [option for option in options if option in kept]
        return tuple(Offer("choose", option, right, option != item.value) for option in options)


@lru_cache(maxsize=20_000)
def field_kind(item: Item) -> str:
    """What a field takes: ``date``, ``number``, ``email``, ``time`` or ``text``."""
    if item.role == "date" or item.kind == "date":
        return "date"
    if item.role == "spinbutton" or item.kind == "number":
        return "number"
    return item.kind if item.kind in ("email", "time") else "text"


def operation_on(item: Item) -> str:
    """What can be done to a control: one of ``actions.PAGE_OPERATIONS``."""
    if item.role == "link":
        return "follow"
    if item.role == "button":
        return "press"
    if item.role in ("checkbox", "radio"):
        return "toggle"
    if item.role in ("tab", "summary"):
        return "open"
    return "choose" if item.options else "fill"


def plain_offers(item: Item, host: str) -> tuple[Offer, ...]:
    """What an item offers to who has the right to it, whatever the instruction says: all that takes no value.

    Args:
        item: of a reading; no field that takes a value, unless it is disabled.
        host: of its page.
    """
    if not item.is_control:
        return (_RECORD,) if item.role in RECORDABLE and item.name else ()
    right, operation = right_of(item, host), operation_on(item)
    still = (item.role == "radio" and item.checked is True) or (item.role == "tab" and item.selected is True)
    return (_plain(operation, right=right, legal=not (still or item.disabled)),)


def host_of(reading: Reading) -> str:
    """The site that a reading's page belongs to."""
    return reading.url.partition("/")[0]
