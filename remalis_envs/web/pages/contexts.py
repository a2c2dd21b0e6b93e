"""What items stand in, and what of it is said beside them.

Of a control in a table row or list entry, the other texts and links there; of a cell, its column's heading and its
row's first cell; of a definition, its term; else the legend or heading of the nearest group or section around it.
"""

from __future__ import annotations

from remalis_envs.web.pages import addresses
from remalis_envs.web.pages.elements import Element
from remalis_envs.web.pages.items import TEXT_ROLES
from remalis_envs.web.pages.tags import CELL, ROW

CONTEXT_CHARACTERS = 80
TEXTS = frozenset(TEXT_ROLES)


class Form:
    """A form, and what it asks for, as items say it."""

    __slots__ = ("element", "shown")

    def __init__(self, element: Element, base: str) -> None:
        self.element = element
        self.shown = addresses.shown_form(base, element.get("method", "GET"), element.get("action"))


class Box:
    """A row, a cell, a group, or another part of a page that its items stand in.

    Attributes:
        kind: one of the numbers in ``tags``; 0 for none of them.
        outer: the box around it.
        heading: of a group.
        form: around it.
        disabled: whether a fieldset around it is.
        names: of a row or cell, its texts and links.
        column: of a row, how many cells it has less one; of a cell, its place.
        first: of a row, its first cell; of a cell, that of its row, or its term.
        columns: cells that head the columns of the table around it.
        told: what it tells as a context, once that was asked.
        said: all its names, once they were asked for.
    """

    __slots__ = ("column", "columns", "disabled", "first", "form", "heading", "kind", "names", "outer", "said", "told")

    def __init__(self, kind: int, outer: Box | None, heading: str = "") -> None:
        self.kind, self.outer, self.heading = kind, outer, heading
        if outer is None:
            self.form: Form | None = None
            self.disabled = False
            self.columns: list[Box] = []
        else:
            self.form, self.disabled, self.columns = outer.form, outer.disabled, outer.columns
        self.names: list[str] = []
        self.column = -1
        self.first: Box | None = None
        self.told: str | None = None
        self.said: str | None = None

    def says(self) -> str:
        """All its names; to be asked when there are no more to come."""
        if self.said is None:
            self.said = " ".join(self.names)
        return self.said

    def hears(self, role: str, text: str) -> None:
        """Notes a text or a link that stands in it."""
        if self.kind == ROW:
            self.names.append(text)
        elif self.kind == CELL:
            self.names.append(text)
            if self.outer is not None:
                self.outer.names.append(text)
        elif not self.heading and (role == "heading" or role == "legend"):
            self.heading = text

    def untie(self) -> None:
        """Lets go of its cells, once all contexts are told."""
        self.first = None
        if self.columns:
            self.columns.clear()

    def cell(self, tag: str, heads: bool) -> Box:
        """A cell, term or definition in it; ``heads`` says whether it may head a column."""
        cell = Box(CELL, self)
        if tag == "dt":
            self.first = cell
        elif tag == "dd":
            cell.first = self.first
        elif self.kind == ROW:
            self.column += 1
            cell.column = self.column
            if self.first is None:
                self.first = cell
            else:
                cell.first = self.first
            if heads and len(self.columns) == self.column:
                self.columns.append(cell)
        return cell


def context_of(box: Box, name: str, role: str) -> str:
    """What stands next to an item, shortened; never the item's own name alone."""
    if box.kind == CELL:
        text = _beside_cell(box, role)
        if text and text != name:
            return text[:CONTEXT_CHARACTERS]
        heads = 0 <= box.column < len(box.columns) and box.columns[box.column] is box
        box = box.outer or box
        if heads:  # the other headings say nothing about this one
            box = box.outer or box
    around: Box | None = box
    while around is not None:
        told = around.told
        if told is None:
            told = around.told = " ".join(around.names) if around.kind == ROW else around.heading
        if told and told != name:
            return told[:CONTEXT_CHARACTERS]
        around = around.outer
    return ""


def _beside_cell(cell: Box, role: str) -> str:
    if role == "columnheader":
        return ""
    if role not in TEXTS:
        return cell.first.says() if cell.first is not None and cell.column < 0 else ""
    head = first = ""
    if 0 <= cell.column < len(cell.columns) and cell.columns[cell.column] is not cell:
        heading = cell.columns[cell.column]
        head = heading.says() or heading.heading
    if cell.first is not None:
        first = cell.first.says()
    return f"{head} · {first}" if head and first else head or first
