"""The team's shared notebook: few entries, each shown one step after it was written."""

from __future__ import annotations

from dataclasses import dataclass, field

CAPACITY = 8
"""Entries that fit; one more and the oldest goes."""


@dataclass(slots=True, frozen=True)
class Note:
    """An entry.

    Attributes:
        text: the fact as it stood on the page.
        about: what it was a fact of: the row, list entry or section around it, and the page's title.
        author: number of the agent.
        step: team step at which it was written.
    """

    text: str
    about: str
    author: int
    step: int


@dataclass(slots=True)
class Notebook:
    """What the team wrote down.

    Attributes:
        notes: what everybody can read now, the oldest first.
        written: entries of this step, that show at the next.
        count: entries ever written.
    """

    notes: tuple[Note, ...] = ()
    written: list[Note] = field(default_factory=list)
    count: int = 0

    def holds(self, text: str, about: str) -> bool:
        """Whether a fact is written down already, or is being so."""
        return any(note.text == text and note.about == about for note in (*self.notes, *self.written))

    def write(self, note: Note) -> None:
        """Writes an entry; the same fact twice is one."""
        if not self.holds(note.text, note.about):
            self.written.append(note)
            self.count += 1

    def turn_page(self) -> bool:
        """Shows what was written; says whether there was anything."""
        if not self.written:
            return False
        self.notes = (*self.notes, *self.written)[-CAPACITY:]
        self.written = []
        return True

    def copy(self) -> Notebook:
        """A copy that shares nothing that changes."""
        return Notebook(self.notes, list(self.written), self.count)
