"""How like the texts of a page are to an instruction, by their words and values alone."""

from __future__ import annotations

from typing import NamedTuple

from remalis_envs.web.feature_names import NAMED_KINDS
from remalis_envs.web.words import values_in, words

MAX_WORDS = 32
"""Different words of an instruction that count."""


class Likeness(NamedTuple):
    """Of a text to an instruction.

    Attributes:
        share: of its words that the instruction has.
        exact: whether the instruction has it as it stands.
        bits: which of the instruction's words it has.
        kinds: 1 for each kind of which it holds a value whole that the instruction holds, too.
    """

    share: float = 0.0
    exact: bool = False
    bits: int = 0
    kinds: tuple[float, ...] = (0.0,) * len(NAMED_KINDS)


NONE = Likeness()
"""Of a text that has no word of the instruction."""


class Comparison:
    """Compares texts with one instruction, each of them once.

    Attributes:
        place: number of each word of the instruction that counts.
    """

    def __init__(self, instruction: str) -> None:
        values = values_in(instruction)
        # Pages write "2031-10-28 20:00" for what an instruction calls the 28th of October at 8 p.m.
        times = [words(value.text) for value in values if value.kind in ("date", "time")]
        said = sum(times, ()) + words(instruction)
        self._text = _spaced(said)
        named = [(NAMED_KINDS.index(value.kind), words(value.text)) for value in values if value.kind in NAMED_KINDS]
        self._values = tuple((kind, _spaced(found)) for kind, found in named if found)
        self.place = {word: k for k, word in enumerate(dict.fromkeys(said)) if k < MAX_WORDS}
        self._bit = {word: 1 << k for word, k in self.place.items()}
        self._known: dict[str, Likeness] = {}

    def of(self, text: str) -> Likeness:
        """The likeness of a text."""
        kept = self._known.get(text)
        if kept is None:
            kept = self._known[text] = self._compare(text)
        return kept

    def _compare(self, text: str) -> Likeness:
        found, known = words(text), self._bit
        if known.keys().isdisjoint(found):
            return NONE
        share = sum(word in known for word in found) / len(found)
        whole, bits = _spaced(found), 0
        for word in found:
            bits |= known.get(word, 0)
        kinds = {kind for kind, value in self._values if value in whole}
        flags = tuple([float(kind in kinds) for kind in range(len(NAMED_KINDS))]) if kinds else NONE.kinds
        return Likeness(share, share == 1.0 and whole in self._text, bits, flags)


def _spaced(found: tuple[str, ...]) -> str:
    """Words so joined that only whole ones are found in them."""
    return f" {' '.join(found)} "
