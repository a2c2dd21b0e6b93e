"""Steps of the oracle: each serves one sub-task, knows the way to its page, and what to do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.pages.items import TEXT_ROLES, Reading
from remalis_envs.web.tasks.facts import Fact
from remalis_envs.web.tasks.model import Intent, Subtask
from remalis_envs.web.tasks.moves import field_named, find, follow, reveal, same_number, set_field


@dataclass(frozen=True)
class Step:
    """A sub-task and how to do it.

    Attributes:
        subtask: that it does.
        way: to its page.
    """

    subtask: Subtask
    way: tuple[str, ...]

    @property
    def ahead(self) -> tuple[str, ...]:
        """Where an agent may wait for what the step needs; empty for nowhere."""
        return self.way

    @property
    def record(self) -> str:
        """The text whose recording is the step's result; "" where its checks say whether it is done."""
        return ""

    def act(self, reading: Reading) -> Deed | int | None:
        """What to do next: a deed, the place of a text to record, or None for nothing."""
        deed = follow(reading, self.way)
        return self.here(reading) if deed is None else deed

    def here(self, reading: Reading) -> Deed | int | None:
        """What to do on the page."""
        return None

    def intent(self, move: Deed | int | None) -> Intent:
        """The move as an intent."""
        if isinstance(move, int):
            return Intent(record=move, subtask=self.subtask.name)
        return Intent(deed=move, subtask=self.subtask.name)


@dataclass(frozen=True)
class Look(Step):
    """Opens a page."""


@dataclass(frozen=True)
class Search(Step):
    """Asks a search form, then turns pages until the row shows.

    Attributes:
        fields: label -> value.
        title: of the row that is looked for.
    """

    fields: tuple[tuple[str, str], ...] = ()
    title: str = ""

    def act(self, reading: Reading) -> Deed | int | None:
        """Fills the form, presses its button, turns pages."""
        path = self.way[-1]
        here, _, query = reading.url.partition("?")
        if here != path:
            return follow(reading, self.way)
        wanted, form = dict(self.fields), f"GET {path.removeprefix('main')}"
        for place, item in enumerate(reading.items):
            if item.form == form and item.role in ("searchbox", "combobox", "textbox"):
                # What an earlier search has left in the form would narrow this one.
                value = wanted.get(item.name, item.options[0] if item.options else "")
                move = set_field(reading, place, value)
                if move is not None:
                    return move
        asked = {value for _, value in parse_qsl(query)}
        if asked - {dict(parse_qsl(query)).get("page", "")} != set(wanted.values()):
            button = find(reading, ("button",), "Search", form=form)
            return Deed("click", button) if button >= 0 else None
        page = int(dict(parse_qsl(query)).get("page", "1"))
        place = find(reading, ("link",), f"Page {page + 1}")
        return Deed("click", place) if place >= 0 else None


@dataclass(frozen=True)
class Read(Step):
    """Records a fact."""

    fact: Fact | None = None

    @property
    def record(self) -> str:
        """The fact's text."""
        return "" if self.fact is None else self.fact.text

    def here(self, reading: Reading) -> Deed | int | None:
        """Opens what hides the fact, then records it."""
        assert self.fact is not None
        move = reveal(reading, self.fact.opened)
        if move is not None:
            return move
        place = find(reading, TEXT_ROLES, self.fact.text, self.fact.context)
        # Where it does not stand, the page is from before.
        return place if place >= 0 else again(reading, self.way[-1])


@dataclass(frozen=True)
class Compute(Step):
    """Works out one operation on the calculator, and records the result."""

    first: str = ""
    operation: str = ""
    second: str = ""
    result: str = ""

    @property
    def record(self) -> str:
        """The result as the calculator writes it."""
        return self.result

    @property
    def ahead(self) -> tuple[str, ...]:
        """The calculator."""
        return ("main/", "calculator/")

    def act(self, reading: Reading) -> Deed | int | None:
        """Two numbers, the operation, the button; then the result."""
        if not reading.url.startswith("calculator/"):
            return follow(reading, ("calculator/",))
        fields = (("First number", self.first), ("Operation", self.operation), ("Second number", self.second))
        for label, value in fields:
            place = field_named(reading, label)
            move = None if place < 0 else set_field(reading, place, value)
            if move is not None:
                return move
        place = find(reading, ("definition",), self.result, "Result")
        if place >= 0 and self.asked(reading):
            return place
        button = find(reading, ("button",), "Work it out")
        return Deed("click", button) if button >= 0 else None

    def asked(self, reading: Reading) -> bool:
        """Whether the page shows the result of what its fields now hold."""
        query = dict(parse_qsl(reading.url.partition("?")[2]))
        numbers = same_number(query.get("a", ""), self.first) and same_number(query.get("b", ""), self.second)
        return numbers and query.get("op", "") == self.operation


@dataclass(frozen=True)
class Start(Step):
    """Presses the control that begins the service, for a slot or a quantity where there is one."""

    label: str = ""
    form: str = ""
    slot: str = ""
    quantity: str = ""

    def here(self, reading: Reading) -> Deed | int | None:
        """Sets the quantity, presses the button."""
        if self.quantity:
            place = field_named(reading, "Quantity")
            move = None if place < 0 else set_field(reading, place, self.quantity)
            if move is not None:
                return move
        button = find(reading, ("button",), self.label, self.slot, self.form)
        if button >= 0:
            return Deed("click", button)
        # The page is from before: it did not have the button then.
        return again(reading, self.way[-1]) or follow(reading, self.way[:-1])


@dataclass(frozen=True)
class Enter(Step):
    """Makes an entry in the calendar."""

    date: str = ""
    time: str = ""
    title: str = ""

    @property
    def ahead(self) -> tuple[str, ...]:
        """The calendar."""
        return ("calendar/",)

    def act(self, reading: Reading) -> Deed | int | None:
        """Three fields and the button."""
        if not reading.url.startswith("calendar/"):
            return follow(reading, ("calendar/",))
        for label, value in (("Date", self.date), ("Time", self.time), ("What", self.title)):
            place = field_named(reading, label)
            move = None if place < 0 else set_field(reading, place, value)
            if move is not None:
                return move
        button = find(reading, ("button",), "Add to calendar")
        return Deed("click", button) if button >= 0 else follow(reading, ("calendar/week/0",))


@dataclass(frozen=True)
class Fill(Step):
    """Fills the draft's form and saves it.

    Attributes:
        fields: of each page of the form: label -> value.
    """

    fields: tuple[tuple[tuple[str, str], ...], ...] = ()

    def act(self, reading: Reading) -> Deed | int | None:
        """Field by field, then the button; then the same on the next page of the form."""
        here = reading.url.removesuffix("/saved")
        part = int(here.rpartition("/")[2]) if here.rpartition("/")[2].isdigit() else 1
        if here not in ("main/draft", f"main/draft/{part}"):
            return follow(reading, ("main/", "main/draft"))
        wanted = dict(self.fields[part - 1]) if part <= len(self.fields) else {}
        for label, value in wanted.items():
            place = field_named(reading, label)
            if place < 0:
                # The page was opened before the draft was begun.
                return again(reading, "main/draft")
            move = set_field(reading, place, value)
            if move is not None:
                return move
        if reading.url.endswith("/saved") and part < len(self.fields):
            return follow(reading, (f"main/draft/{part + 1}",))
        button = find(reading, ("button",), "Save draft")
        return Deed("click", button) if button >= 0 else again(reading, "main/draft")


@dataclass(frozen=True)
class Final(Step):
    """Reviews and makes final.

    Attributes:
        label: of the control.
        shows: texts that the review has to show, else the page is from before.
    """

    label: str = ""
    form: str = ""
    shows: tuple[str, ...] = field(default=())

    @property
    def ahead(self) -> tuple[str, ...]:
        """The draft: a review that is opened too early shows what is no longer so."""
        return ("main/", "main/draft") if self.way[-1] == "main/review" else self.way

    def act(self, reading: Reading) -> Deed | int | None:
        """Opens the review when all is there, presses the button."""
        if reading.url != self.way[-1]:
            return follow(reading, self.way)
        texts = {item.name for item in reading.items if item.role not in ("link", "button")}
        button = find(reading, ("button",), self.label, form=self.form)
        if button < 0 or any(text not in texts for text in self.shows):
            return again(reading, "main/draft")
        return Deed("click", button)


@dataclass(frozen=True)
class Press(Step):
    """Presses one of many buttons of a page.

    Attributes:
        label: of the button.
        form: what it asks for.
    """

    label: str = ""
    form: str = ""

    def here(self, reading: Reading) -> Deed | int | None:
        """Presses it."""
        button = find(reading, ("button",), self.label, form=self.form)
        return Deed("click", button) if button >= 0 else None


def again(reading: Reading, address: str) -> Deed | None:
    """Loads a page once more, by the link to it that every page has."""
    for place, item in enumerate(reading.items):
        if item.role == "link" and f"main{item.href}" == address and reading.url.startswith("main/"):
            return Deed("click", place)
    return follow(reading, ("main/", address)) if reading.url != address else None
