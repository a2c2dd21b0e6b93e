"""Rows that a hard task adds: each shares all but one attribute with the target, or all of them and is ruled out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from remalis_envs.web.sites.database import add_rows
from remalis_envs.web.sites.domain import Entity, FieldSpec
from remalis_envs.web.sites.drawing import Row, Site, draw_row, draw_value
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.tasks.goals import LEAST, MOST, NAMED, Goal, Pick, select

EACH = 3
"""Rows for each condition."""
MANY = {"catalogue": 38, "account": 20}
"""Rows that the list of a hard task's things has at least, by the place of their entity."""
RULED_OUT = 3
"""Rows that meet all conditions and are excluded by a rule."""


def add_distractors(site: Site, goal: Goal, rng: Random, db: sqlite3.Connection) -> tuple[Site, Goal]:
    """The site with more rows, and the goal, which now says where rules decide.

    Args:
        site: whose rows stay as they are.
        goal: of whose targets the new rows are near copies.
        rng: what draws.
        db: gets the new rows, too.
    """
    entity = site.domain.entities[goal.service.entity]
    before = len(site.rows[entity.name])
    rows = list(site.rows[entity.name])
    picks = []
    for pick in goal.picks:
        ruled = pick.ruled
        for row, excluded in [*_near(site, entity, pick, rng), *_ruled_out(site, entity, goal, pick, rng)]:
            row["id"] = len(rows) + 1
            _rename(site, entity, row, rows, rng)
            if not _harmless(site, goal, row):
                continue
            rows.append(row)
            ruled = ruled or (excluded and not any(one.kind == NAMED for one in pick.conditions))
        picks.append(replace(pick, ruled=ruled))
    named = {spec.name: {row[spec.name] for row in rows} for spec in entity.fields if _told_apart(entity, spec)}
    for _ in range(2 * MANY[entity.place]):
        if len(rows) >= MANY[entity.place]:
            break
        row = draw_row(site, entity, len(rows) + 1, rng, named)
        if _harmless(site, goal, row):
            rows.append(row)
    wider = replace(site, rows={**site.rows, entity.name: rows})
    db.execute("BEGIN")
    add_rows(db, wider, entity.name, before)
    for service in site.domain.services.values():
        if service.entity == entity.name:
            MECHANICS[service.mechanic].prepare(db, wider, service, before)
    db.execute("COMMIT")
    return wider, replace(goal, picks=tuple(picks))


def _told_apart(entity: Entity, spec: FieldSpec) -> bool:
    """Whether no two rows may share a value of a field."""
    return spec.unique or spec.name == entity.title


def _harmless(site: Site, goal: Goal, row: Row) -> bool:
    """Whether each pick stays the only row that the rules allow and that meets its conditions, beside a new row."""
    if MECHANICS[goal.service.mechanic].excluded(site, goal.service, row):
        return True
    return all(select([pick.row, row], pick.conditions) == [pick.row] for pick in goal.picks)


def _near(site: Site, entity: Entity, pick: Pick, rng: Random) -> Iterator[tuple[Row, bool]]:
    """Copies of the target that differ in one condition."""
    for one in pick.conditions:
        others = [row[one.spec.name] for row in site.rows[entity.name] if row[one.spec.name] != one.value]
        for _ in range(EACH if others else 0):
            row = dict(pick.row)
            if one.kind in (LEAST, MOST):
                step = max(one.spec.step, 1) * rng.randint(1, 4)
                if not isinstance(one.value, int | float):
                    continue
                row[one.spec.name] = round(one.value + (step if one.kind == LEAST else -step), 2)
                if row[one.spec.name] <= 0:
                    continue
            elif one.kind != NAMED:
                row[one.spec.name] = rng.choice(others)
            yield row, False


def _ruled_out(site: Site, entity: Entity, goal: Goal, pick: Pick, rng: Random) -> Iterator[tuple[Row, bool]]:
    """Copies of the target that meet its conditions as well or better, and that a rule excludes."""
    mechanic = MECHANICS[goal.service.mechanic]
    asked = {one.spec.name for one in pick.conditions}
    names = set[str]()
    for rule in site.domain.rules_of(goal.service.name):
        if rule.when is not None:
            names |= rule.when.names
    free = [spec for spec in entity.fields if spec.name in names and spec.name not in asked]
    made = 0
    for _ in range(12 if free else 0):
        row = dict(pick.row)
        for spec in free:
            row[spec.name] = _other(site, entity, spec, rng)
        for one in pick.conditions:
            if one.kind in (LEAST, MOST) and isinstance(one.value, int | float) and one.value > 2:
                row[one.spec.name] = one.value + (-1 if one.kind == LEAST else 1)
        if mechanic.excluded(site, goal.service, row):
            yield row, True
            made += 1
        if made == RULED_OUT:
            return


def _other(site: Site, entity: Entity, spec: FieldSpec, rng: Random) -> object:
    """A value of a field: that of some row, or of a flag any."""
    if spec.kind == "flag":
        return rng.randint(0, 1)
    return rng.choice(site.rows[entity.name])[spec.name]


def _rename(site: Site, entity: Entity, row: Row, rows: list[Row], rng: Random) -> None:
    """Gives a copy a name of its own that shares words with the target's, and new values of unique fields."""
    taken = {one[entity.title] for one in rows}
    old, spec = str(row[entity.title]).split(), entity.field(entity.title)
    for _ in range(20):
        new = str(draw_value(site, spec, dict(row), rng)).split()
        mixed = list(old)
        place = rng.randrange(len(mixed))
        mixed[place] = new[min(place, len(new) - 1)]
        if len(mixed) > 1 and " ".join(mixed) not in taken:
            row[entity.title] = " ".join(mixed)
            break
    else:
        row[entity.title] = draw_value(site, spec, dict(row), rng, set(taken))
    for one in entity.fields:
        if _told_apart(entity, one) and one.name != entity.title:
            row[one.name] = draw_value(site, one, row, rng, {other[one.name] for other in rows})
