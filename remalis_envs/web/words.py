"""Words of labels and values of instructions, found by their form alone: nothing here knows what a task is about."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

_STOP = (
    "a an the of to for in on at by and or with from as is are be it its this that then than your you our we i my me "
    "please into under over up out if so not no do does can could would will shall let us he she they them their his "
    "her one ones any all each every which who what when where there here have has had need needs want wants"
)
STOP_WORDS = frozenset(_STOP.split())
_COUNTED = "two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {word: str(number) for number, word in enumerate(_COUNTED.split(), start=2)}
NUMBER_WORDS |= {"twice": "2", "double": "2", "thrice": "3", "triple": "3"}
_CALENDAR = (
    "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sep october|oct "
    "november|nov december|dec"
)
MONTHS = {name: number for number, names in enumerate(_CALENDAR.split(), start=1) for name in names.split("|")}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_SENTENCE = re.compile(r"[.!?;](?:\s|$)")
_HALF_OF_DAY = re.compile(r"(\d{1,2}):(\d{2}) ?([ap])\.?m\.?", re.IGNORECASE)
_DAYS = frozenset(("day", "days", "night", "nights"))
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PATTERNS = (
    ("quoted", re.compile(r"[\"“]([^\"”]{1,80})[\"”]|(?<!\w)['‘]([^'’]{1,80})['’](?!\w)")),
    ("email", re.compile(r"([\w.+-]+@[\w-]+\.[\w.-]*\w)")),
    ("date", re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")),
    ("date", re.compile(rf"\b(\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\.?,? \d{{4}})\b", re.IGNORECASE)),
    ("date", re.compile(rf"\b((?:{_MONTH})\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})\b", re.IGNORECASE)),
    ("time", re.compile(r"\b(\d{1,2}:\d{2}(?: ?[ap]\.?m\b\.?)?)(?!\w)", re.IGNORECASE)),
    ("code", re.compile(r"\b([A-Z]{1,5}\d[\w-]*|[A-Z]{1,12}-\d[\w-]*|\d+(?:/\d+)+)\b")),
    ("number", re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)*)(?![\w])")),
    ("number", re.compile(rf"\b({'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)),
    ("phrase", re.compile(r"\b([A-Z][\w'’-]*(?:(?: (?:of|the|de|van|and|&))? [A-Z][\w'’-]*)*)")),
)
"""Kinds of values, in the order in which they take their piece of a text."""
KINDS = ("quoted", "email", "date", "time", "code", "number", "phrase", "note", "day")
"""Of values: ``note`` is what somebody wrote down, ``day`` a date so many days from another."""


@dataclass(slots=True, frozen=True)
class Value:
    """Something that could go into a field.

    Attributes:
        text: as it is filled in: dates as ``YYYY-MM-DD``, times as 24 hours, number words as digits.
        kind: one of :data:`KINDS`.
        near: words within a few of it, in the text that it comes from.
    """

    text: str
    kind: str
    near: frozenset[str] = frozenset()


@lru_cache(maxsize=50_000)
def words(text: str) -> tuple[str, ...]:
    """The words of a text that carry meaning: lower case, without plural endings and stop words."""
    return tuple([meaning for word in _WORD.findall(text) if (meaning := _meaning(word))])


@lru_cache(maxsize=50_000)
def _meaning(word: str) -> str:
    """A word in lower case and without its plural ending; "" for a stop word."""
    stem = _stem(word.lower())
    return "" if stem in STOP_WORDS else stem


@lru_cache(maxsize=50_000)
def word_set(text: str) -> frozenset[str]:
    """The different words of a text."""
    return frozenset(words(text))


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=50_000)
def word_hash(word: str) -> int:
    """A hash of 64 bits that is the same in every process."""
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")


@lru_cache(maxsize=4_096)
def values_in(text: str) -> tuple[Value, ...]:
    """What in a text looks like a value, in order of appearance; each once, with all that stands near it.

    Args:
        text: an instruction, or a note.
    """
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, Value]] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            begin, end = match.span()
            if any(begin < other_end and other_begin < end for other_begin, other_end in taken):
                continue
            piece = next(group for group in match.groups() if group)
            if kind == "phrase":
                whole, piece = piece, _without_opening(piece, text[:begin])
                if not piece:
                    continue
                if piece != whole and not _begins_sentence(text[:begin]):  # a name with its article, too
                    found.append((begin, Value(whole, kind, _near(text, begin, end))))
            taken.append((begin, end))
            found.append((begin, Value(_normal(piece, kind), kind, _near(text, begin, end))))
    return _merged(value for _, value in sorted(found, key=lambda pair: pair[0]))


def _merged(values: Iterable[Value]) -> tuple[Value, ...]:
    """Each text of a kind once: what stands near any of its places stands near it."""
    near: dict[tuple[str, str], frozenset[str]] = {}
    for value in values:
        key = (value.text, value.kind)
        near[key] = near.get(key, frozenset()) | value.near
    return tuple(Value(text, kind, words_near) for (text, kind), words_near in near.items())


_MARKS = tuple(
    re.compile(pattern)
    for pattern in (
        # 74-N0, CL-51/SJ, 491*10, 9165#, 7E5R, HELLO-G08, Railway65
        r"(?<![\w-])((?=[\w*/#-]*\d)\w+(?:[-*/#]\w+)+#?|\d+#|[A-Za-z]+\d\w*|\d+[A-Za-z]\w*)(?![\w-])",
        # Lot W1, TAG 785, LB 478 049, Album 43B
        r"\b([A-Z][A-Za-z]{1,11}[ -][A-Z]?\d\w*(?: [A-Z0-9]{1,3}\b)?)",
        # crimson 60, white-57, olive 18 J, stand K8
        r"\b([a-z]{3,9}[ -][A-Z]?\d{1,3}(?: [A-Z]\b)?)(?!\w)",
        # blue Ash 2, navy door 6, red Magnolia
        r"\b([a-z]{3,9} [A-Za-z][a-z]+ \d{1,3})(?!\w)",
        r"\b([a-z]{3,9} [A-Z][a-z]{2,})\b",
    )
)
"""How organisations mark things: what may stand in a message as a word, number or key to be given."""


@lru_cache(maxsize=4_096)
def marks_in(text: str) -> tuple[Value, ...]:
    """What in a note looks like a mark, a key or a password, beside what :func:`values_in` finds."""
    found: dict[str, Value] = {}
    for pattern in _MARKS:
        for match in pattern.finditer(text):
            found.setdefault(match[1], Value(match[1], "code", _near(text, *match.span(1))))
    return tuple(found.values())


def _without_opening(phrase: str, before: str) -> str:
    """A capitalised phrase without the word whose capital is only that of a sentence's beginning."""
    parts = phrase.split()
    if _begins_sentence(before):
        parts = parts[1:]
    while parts and parts[0].lower() in STOP_WORDS:
        parts = parts[1:]
    return " ".join(parts)


def _begins_sentence(before: str) -> bool:
    sentence = before.rstrip()
    return not sentence or sentence.endswith((".", "!", "?", ":", ";", "—"))


def days_from(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Dates that lie as many days before or after a date as some number of days or nights says."""
    counts = {1: frozenset[str]()}
    for value in values:
        if value.kind == "number" and value.near & _DAYS and value.text.isdigit() and int(value.text) < 1000:
            counts.setdefault(int(value.text), value.near)
    found: dict[str, Value] = {}
    for value in values:
        if value.kind == "date":
            begin = dt.date.fromisoformat(value.text).toordinal()
            for count, near in counts.items():
                for ordinal in (begin + count, begin - count):
                    text = dt.date.fromordinal(ordinal).isoformat()
                    found.setdefault(text, Value(text, "day", value.near | near))
    return tuple(found.values())


def _near(text: str, begin: int, end: int) -> frozenset[str]:
    before = _SENTENCE.split(text[max(0, begin - 40) : begin])[-1]
    after = _SENTENCE.split(text[end : end + 30])[0]
    return frozenset(words(before)[-4:] + words(after)[:2])


def _normal(piece: str, kind: str) -> str:
    if kind == "date":
        return as_date(piece)
    if kind == "number":
        return NUMBER_WORDS.get(piece.lower(), piece.replace(",", ""))
    if kind == "time" and (half := _HALF_OF_DAY.fullmatch(piece)):
        return f"{int(half[1]) % 12 + 12 * (half[3] in 'pP'):02d}:{half[2]}"
    return piece.strip()


def as_date(text: str) -> str:
    """A date as ``YYYY-MM-DD``; the text itself where it is written so already."""
    numbers = re.findall(r"\d+", text)
    named = re.search(_MONTH, text.lower())
    if named is None or len(numbers) != 2:
        return text
    return f"{int(numbers[1]):04d}-{MONTHS[named[0]]:02d}-{int(numbers[0]):02d}"
