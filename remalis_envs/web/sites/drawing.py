"""The data of a site, drawn from (domain, seed): rows with correlated fields, the same in every process."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from remalis_envs.web.pages.elements import Fixed
from remalis_envs.web.sites.domain import Domain, Entity, FieldSpec
from remalis_envs.web.sites.expressions import FormulaError
from remalis_envs.web.sites.loading import load_domain
from remalis_envs.web.sites.names import LISTS

Row = dict[str, Any]
"""Column -> value: texts, numbers, dates as ``YYYY-MM-DD``, times as ``HH:MM``, flags as 0 or 1, references as ids."""
_SLOT = re.compile(r"\{(\w+)\}")
THEMES = ("plain", "civic", "market")


@dataclass(frozen=True)
class Site:
    """What a site knows before anybody uses it.

    Attributes:
        domain: that it is drawn from.
        seed: that it is drawn from.
        title: its name.
        theme: of its pages.
        today: the date that it is there.
        rows: entity -> its rows, whose ``id`` counts from 1.
        by_mail: whether messages come to the mail site; else the main site keeps them.
        frames: parts that all its pages share.
        told: what formulas may name of rows that others refer to; see :func:`values_of`.
        dated: by fields of a row, which of them are dates and references.
    """

    domain: Domain
    seed: int
    title: str
    theme: str
    today: dt.date
    rows: dict[str, list[Row]] = field(repr=False)
    by_mail: bool = False
    frames: dict[str, Fixed] = field(default_factory=dict, init=False, repr=False, compare=False)
    told: dict[tuple[str, str, int], Row] = field(default_factory=dict, init=False, repr=False, compare=False)
    dated: dict[tuple[str, ...], list[FieldSpec]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def row(self, entity: str, number: int) -> Row | None:
        """A row by its id, or None."""
        rows = self.rows.get(entity, [])
        return rows[number - 1] if 1 <= number <= len(rows) else None

    def name(self, entity: str, row: Row) -> str:
        """What a row is called."""
        return str(row[self.domain.entities[entity].title])


@lru_cache(maxsize=512)
def draw_site(domain_name: str, seed: int) -> Site:
    """The site of a domain and seed; kept, for drawing costs some milliseconds.

    Args:
        domain_name: as :func:`~remalis_envs.web.sites.loading.load_domain` takes it.
        seed: any whole number.
    """
    domain = load_domain(domain_name)
    rng = Random(f"{domain.name}/{seed}/site")
    title, theme = rng.choice(domain.titles), rng.choice(THEMES)
    today = dt.date(2027, 1, 4) + dt.timedelta(days=rng.randrange(365 * 6))
    site = Site(domain, seed, title, theme, today, {}, rng.random() < 0.5)
    for entity in domain.entities.values():
        site.rows[entity.name] = _rows(site, entity, Random(f"{domain.name}/{seed}/{entity.name}"))
    return site


def _rows(site: Site, entity: Entity, rng: Random) -> list[Row]:
    count = 1 if entity.place == "profile" else rng.randint(*entity.count)
    taken: dict[str, set[Any]] = {
        spec.name: set() for spec in entity.fields if spec.unique or spec.name == entity.title
    }
    return [draw_row(site, entity, number, rng, taken) for number in range(1, count + 1)]


def draw_row(site: Site, entity: Entity, number: int, rng: Random, taken: dict[str, set[Any]]) -> Row:
    """A row.

    Args:
        site: whose earlier entities are drawn.
        entity: of which it is.
        number: its id.
        rng: what draws.
        taken: field -> values that a row may not have; its own are added.
    """
    row: Row = {"id": number}
    for spec in entity.fields:
        row[spec.name] = draw_value(site, spec, row, rng, taken.get(spec.name))
    return row


def draw_value(site: Site, spec: FieldSpec, row: Row, rng: Random, taken: set[Any] | None = None) -> Any:
    """A value of a field.

    Args:
        site: whose earlier entities are drawn.
        spec: the field.
        row: the row so far.
        rng: what draws.
        taken: values that it may not have; the new one is added.
    """
    value = _draw(site, spec, row, rng)
    if taken is None:
        return value
    for _ in range(40):
        if value not in taken:
            break
        value = _draw(site, spec, row, rng)
    number = 2
    first = value
    while value in taken:
        value = _another(first, number, spec)
        number += 1
    taken.add(value)
    return value


def _another(value: Any, number: int, spec: FieldSpec) -> Any:
    """A value beside one that is taken: the more of them were tried, the further from it."""
    match spec.kind:
        case "text" | "choice":
            return f"{value} {number}"
        case "date":
            return day(ordinal(value) + number - 1)
        case "time":
            ahead = number - 1
            minutes = int(value[:2]) * 60 + int(value[3:]) + 5 * ahead + ahead // 288  # after a day, other minutes
            return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
    return value + number


def _draw(site: Site, spec: FieldSpec, row: Row, rng: Random) -> Any:
    match spec.kind:
        case "text":
            return fill_pattern(rng.choice(_choices(spec, row)), site, row, rng)
        case "choice":
            if spec.weights:
                return rng.choices(spec.of, spec.weights)[0]
            return rng.choice(_choices(spec, row))
        case "number" | "money":
            return _number(site, spec, row, rng)
        case "date":
            if spec.formula is not None:
                return day(int(spec.formula(values_of(site, row))))
            return day(site.today.toordinal() + rng.randint(int(spec.low), int(spec.high)))
        case "time":
            steps = int((spec.high - spec.low) // spec.step)
            minutes = int(spec.low + spec.step * rng.randint(0, steps))
            return f"{minutes // 60:02d}:{minutes % 60:02d}"
        case "flag":
            if spec.formula is not None:
                return int(bool(spec.formula(values_of(site, row))) != (rng.random() < spec.noise))
            return int(rng.random() < spec.chance)
    return rng.randint(1, len(site.rows[spec.entity]))


def _choices(spec: FieldSpec, row: Row) -> tuple[str, ...]:
    if not spec.by:
        return spec.of
    decides = str(row[spec.by])
    if decides not in spec.of_by:
        raise FormulaError(f"The field {spec.name!r} has no choices for {spec.by} = {decides!r}.")
    return spec.of_by[decides]


def _number(site: Site, spec: FieldSpec, row: Row, rng: Random) -> int | float:
    if spec.formula is not None:
        value = float(spec.formula(values_of(site, row)))
        value *= 1 + spec.noise * (2 * rng.random() - 1)
        value = round(value / spec.step) * spec.step
        if spec.high > spec.low:
            value = min(max(value, spec.low), spec.high)
    else:
        value = spec.low + spec.step * rng.randint(0, int((spec.high - spec.low) / spec.step))
    if spec.kind == "money":
        return round(value, 2)
    return int(value) if spec.step == int(spec.step) else round(value, 2)


def day(ordinal: int) -> str:
    """A date as it is stored, from its ordinal."""
    return dt.date.fromordinal(ordinal).isoformat()


def ordinal(text: str) -> int:
    """The ordinal of a stored date."""
    return dt.date.fromisoformat(text).toordinal()


def fill_pattern(pattern: str, site: Site, row: Row, rng: Random) -> str:
    """A pattern with its ``{slots}`` filled from the row, the domain's words and the common lists."""

    def piece(match: re.Match[str]) -> str:
        name = match[1]
        if name in row:
            return str(row[name])
        if name in site.domain.words:
            return rng.choice(site.domain.words[name])
        if name not in LISTS:
            raise FormulaError(f"The pattern {pattern!r} has {{{name}}}, which is no field above, no list of words.")
        return rng.choice(LISTS[name])

    return _SLOT.sub(piece, pattern)


def values_of(site: Site, row: Row, entity: str = "") -> dict[str, Any]:
    """What formulas may name: the row's fields, ``ref.field`` of rows that it refers to, ``profile.x``, ``today``.

    Dates are ordinals there, so that they can be subtracted.
    """
    values: dict[str, Any] = {"today": site.today.toordinal(), **row}
    for spec in _dated(site, row, entity):
        if spec.kind == "date":
            values[spec.name] = ordinal(row[spec.name])
        else:
            values.update(_told(site, spec.name, spec.entity, row[spec.name]))
    profile = site.domain.profile
    if profile is not None and site.rows.get(profile.name):
        values.update(_told(site, "profile", profile.name, 1))
    return values


def _dated(site: Site, row: Row, entity: str) -> list[FieldSpec]:
    """The dates and references of a row: of that entity, or of every one that has all of the row's fields."""
    key = (entity, *row)
    found = site.dated.get(key)
    if found is None:
        names = set(row) - {"id"}
        found = site.dated[key] = [
            spec
            for one in site.domain.entities.values()
            if (one.name == entity if entity else names <= {spec.name for spec in one.fields})
            for spec in one.fields
            if spec.name in row and spec.kind in ("date", "ref")
        ]
    return found


def _told(site: Site, name: str, entity: str, number: int) -> Row:
    """The fields of a row under the name by which another row refers to it, dates as ordinals; nothing for no row."""
    found = site.told.get((name, entity, number))
    if found is None:
        row, below = site.row(entity, number), site.domain.entities[entity]
        if row is None:
            return {}
        dates = {spec.name for spec in below.fields if spec.kind == "date"}
        found = {f"{name}.{k}": ordinal(v) if k in dates else v for k, v in row.items()}
        site.told[name, entity, number] = found
    return found
