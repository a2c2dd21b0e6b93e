"""What is to be reached: a service, the things that it is about, what the form and the calendar have to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from remalis_envs.web.sites.domain import FieldSpec, Input, Service
from remalis_envs.web.sites.drawing import Row
from remalis_envs.web.sites.expressions import Step
from remalis_envs.web.sites.mechanics import MECHANICS

EQUAL, LEAST, MOST, NAMED = "equal", "least", "most", "named"


@dataclass(frozen=True)
class Condition:
    """What tells the target from the other rows.

    Attributes:
        kind: ``equal`` to a value, ``least`` or ``most`` of those that meet the others, ``named`` by its title.
        spec: the field.
        value: of the target.
        clue: of a reference, the field that tells which row is meant, instead of its name; None for the name.
    """

    kind: str
    spec: FieldSpec
    value: Any
    clue: FieldSpec | None = None


@dataclass(frozen=True)
class Pick:
    """A row that the goal is about.

    Attributes:
        row: it.
        conditions: that it alone meets, of the rows that the rules allow.
        ruled: whether rows that the rules forbid meet them, too, or better.
        quantity: how many, for what is bought.
    """

    row: Row
    conditions: tuple[Condition, ...]
    ruled: bool = False
    quantity: int = 1


@dataclass(frozen=True)
class Wanted:
    """What a field of the form has to hold, and how one comes to know.

    Attributes:
        field: the input.
        value: as the database keeps it.
        fact: where it can be read, such as ``profile.card``; "" where the instruction says it.
        steps: the arithmetic that gives it; none where there is none.
        worked_out: whether the instruction says the result of that arithmetic, so that nobody has to do it.
    """

    field: Input
    value: str
    fact: str = ""
    steps: tuple[Step, ...] = ()
    worked_out: bool = False


@dataclass(frozen=True)
class Entry:
    """An entry of the calendar that a task asks for.

    Attributes:
        title: of it.
        date: ``YYYY-MM-DD``.
        time: ``HH:MM``, or "".
        label: of the field whose date it is; "" for the slot's.
        fact: where the date can be read; "" where the instruction says it.
    """

    title: str
    date: str
    time: str = ""
    label: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Goal:
    """What is to be reached.

    Attributes:
        service: that is asked for.
        picks: the rows; one but for purchases.
        slot: that is to be held, or "".
        slot_asked: ``given``, ``earliest``, ``latest``, or ``free``: the first at which the calendar is free, too.
        events: date, time and title of what the calendar holds.
        entry: what the team is to enter there; None for nothing.
        wanted: fields of the form.
        spoken: what is told but stands in no form: name -> value.
    """

    service: Service
    picks: tuple[Pick, ...]
    slot: str = ""
    slot_asked: str = "given"
    events: tuple[tuple[str, str, str], ...] = ()
    entry: Entry | None = None
    wanted: tuple[Wanted, ...] = ()
    spoken: Mapping[str, str] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How much has to be found out and carried about: facts, sums, clues, times, entries, further things."""
        clues = sum(one.clue is not None for pick in self.picks for one in pick.conditions)
        facts = sum(bool(one.fact) + len(one.steps) for one in self.wanted)
        calendar = (self.slot_asked == "free") + 2 * (self.entry is not None)
        return clues + facts + calendar + 2 * (len(self.picks) - 1) + any(pick.ruled for pick in self.picks)

    @property
    def target(self) -> int:
        """Id of the row that the final state names; 0 for a basket."""
        return 0 if MECHANICS[self.service.mechanic].quantity else int(self.picks[0].row["id"])


def meets(row: Row, condition: Condition) -> bool:
    """Whether a row has the value that a condition names; superlatives are for :func:`select`."""
    return condition.kind in (LEAST, MOST) or bool(row[condition.spec.name] == condition.value)


def select(rows: list[Row], conditions: tuple[Condition, ...]) -> list[Row]:
    """The rows that meet conditions: equalities first, then superlatives among what is left."""
    left = [row for row in rows if all(meets(row, one) for one in conditions)]
    for one in conditions:
        if one.kind in (LEAST, MOST) and left:
            values = [row[one.spec.name] for row in left]
            best = min(values) if one.kind == LEAST else max(values)
            left = [row for row in left if row[one.spec.name] == best]
    return left
