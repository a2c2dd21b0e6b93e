"""Reads an instruction back: which service on which things it can mean, by its words and the site's data alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from remalis_envs.web.sites import maps
from remalis_envs.web.sites.domain import Entity, FieldSpec, Service
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.sites.showing import long_date, shown
from remalis_envs.web.tasks.goals import EQUAL, LEAST, MOST, NAMED, Condition, select
from remalis_envs.web.tasks.phrasing import PIECES, clue_phrase


class Meaning(NamedTuple):
    """One thing that an instruction can mean.

    Attributes:
        service: name of what is asked for.
        targets: ids of the rows, in the order in which they are named.
        quantities: how many of each.
    """

    service: str
    targets: tuple[int, ...]
    quantities: tuple[int, ...]


class _Part(NamedTuple):
    """A target as it is worded."""

    end: int
    quantity: int
    conditions: tuple[Condition, ...]


def meanings(site: Site, instruction: str) -> set[Meaning]:
    """All that an instruction of a ``medium`` or ``hard`` task can mean.

    Args:
        site: its data, with what the task adds.
        instruction: as the team is told it.
    """
    found: set[Meaning] = set()
    for service in site.domain.services.values():
        reader = _Reader(site, service)
        for ask in service.asks:
            before, _, after = ask.partition("{target}")
            # A sentence that begins with its target has the first letter changed.
            told = instruction if before else instruction[:1].lower() + instruction[1:]
            if not told.startswith(before[:1].upper() + before[1:]):
                continue
            for parts in reader.targets(told, len(before)):
                rest = told[parts[-1].end :]
                if rest == after or rest.startswith(f"{after} "):
                    rows = [reader.solve(part) for part in parts]
                    if all(len(one) == 1 for one in rows):
                        numbers = tuple(int(one[0]["id"]) for one in rows)
                        found.add(Meaning(service.name, numbers, tuple(part.quantity for part in parts)))
    return found


class _Reader:
    """Reads the targets of one service."""

    def __init__(self, site: Site, service: Service) -> None:
        self.site, self.service = site, service
        self.entity = site.domain.entities[service.entity]
        mechanic = MECHANICS[service.mechanic]
        rows = site.rows[service.entity]
        self.allowed = [row for row in rows if not mechanic.excluded(site, service, row)]
        self.phrases = list(self._phrases(rows))

    def solve(self, part: _Part) -> list[Row]:
        """The rows that the rules allow and that meet what is said."""
        return select(self.allowed, part.conditions)

    def _phrases(self, rows: list[Row]) -> Iterator[tuple[str, Condition]]:
        for spec in self.entity.fields:
            if not spec.says:
                continue
            for value in {row[spec.name]: None for row in rows}:
                if spec.kind == "flag" and not value:
                    continue
                for told in self._told(spec, value):
                    for says in spec.says:
                        text = says.replace("{value}", told).replace("the the ", "the ")
                        yield f" {text}", Condition(EQUAL, spec, value)

    def _told(self, spec: FieldSpec, value: object) -> Iterator[str]:
        if spec.kind == "date":
            yield long_date(str(value))
            return
        yield shown(self.site, spec, value)
        if spec.kind == "ref":
            other = self.site.domain.entities[spec.entity]
            for landmark in maps.LANDMARKS if other.mapped else ():
                if maps.nearest(self.site, landmark, other.name) == value:
                    yield clue_phrase(self.site, spec, value, maps.clue_of(landmark))
            for clue in other.fields:
                if clue.shown in ("more", "apart"):
                    yield clue_phrase(self.site, spec, value, clue)

    def targets(self, text: str, start: int) -> Iterator[list[_Part]]:
        """Ways to read one target or several, joined by commas and ``and``."""
        for part in self._target(text, start):
            yield [part]
            for joint in (", ", " and "):
                if text.startswith(joint, part.end):
                    for rest in self.targets(text, part.end + len(joint)):
                        yield [part, *rest]

    def _target(self, text: str, start: int) -> Iterator[_Part]:
        quantity, at = 1, start
        digits = start
        while digits < len(text) and text[digits].isdigit():
            digits += 1
        if digits > start and text.startswith(PIECES, digits):
            quantity, at = int(text[start:digits]), digits + len(PIECES)
        for head, conditions in _heads(self.entity):
            if not text.startswith(head, at):
                continue
            end = at + len(head)
            if text.startswith(' "', end) and '"' in text[end + 2 :]:
                close = text.index('"', end + 2)
                named = Condition(NAMED, self.entity.field(self.entity.title), text[end + 2 : close])
                yield _Part(close + 1, quantity, (*conditions, named))
            yield from self._equal(text, end, quantity, conditions)

    def _equal(self, text: str, at: int, quantity: int, conditions: tuple[Condition, ...]) -> Iterator[_Part]:
        if conditions:
            yield _Part(at, quantity, conditions)
        for phrase, condition in self.phrases:
            if text.startswith(phrase, at):
                yield from self._equal(text, at + len(phrase), quantity, (*conditions, condition))


def _heads(entity: Entity) -> list[tuple[str, tuple[Condition, ...]]]:
    """Beginnings of a target's words: the noun, with or without a superlative."""
    nouns = (entity.singular, *entity.synonyms)
    heads: list[tuple[str, tuple[Condition, ...]]] = []
    for noun in nouns:
        heads.append((f"the {noun}", ()))
        for spec in entity.fields:
            for kind, words in ((LEAST, spec.least), (MOST, spec.most)):
                heads += [(f"the {word} {noun}", (Condition(kind, spec, None),)) for word in words]
    return heads
