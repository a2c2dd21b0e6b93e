"""Draws goals: rows that few conditions tell from all others, times, what the form has to hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from remalis_envs.web.sites import maps
from remalis_envs.web.sites.domain import FieldSpec, Input, Service
from remalis_envs.web.sites.drawing import Row, Site, day, values_of
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.sites.showing import normal
from remalis_envs.web.tasks.facts import fact_of
from remalis_envs.web.tasks.goals import EQUAL, LEAST, MOST, NAMED, Condition, Entry, Goal, Pick, Wanted, select

EVENTS = (
    "dentist",
    "lunch with Vera",
    "team meeting",
    "parents' evening",
    "call with the bank",
    "swimming",
    "collect parcel",
    "piano lesson",
)


_NUMBERS: Mapping[str, type[int] | type[float]] = {"number": int, "money": float}
"""Kinds of inputs that formulas of others may name as numbers."""
ENTRIES = ("{one} booked", "our {one}", "{one}, do not forget", "remember the {one}", "{one} for us")


def draw_goal(site: Site, service: Service, level: str, rng: Random, slots: Mapping[int, list[str]]) -> Goal | None:
    """A goal of a service; None where the site has no row for it.

    Args:
        site: the data.
        service: one of its domain's.
        level: ``medium`` or ``hard``.
        rng: what draws.
        slots: of mechanics with slots, row id -> the free ones.
    """
    mechanic = MECHANICS[service.mechanic]
    rows = site.rows[service.entity]
    allowed = [row for row in rows if not mechanic.excluded(site, service, row)]
    if mechanic.slots:
        allowed = [row for row in allowed if slots.get(row["id"])]
    if not allowed:
        return None
    picks: list[Pick] = []
    for _ in range(rng.randint(2, 3) if mechanic.quantity and level == "hard" else 1):
        rest = [row for row in allowed if all(row is not pick.row for pick in picks)]
        if rest:
            quantity = rng.randint(2 if level == "hard" else 1, 6) if mechanic.quantity else 1
            picks.append(_pick(site, service, level, rng, rest, allowed, quantity))
    wanted, spoken = draw_wanted(site, service, picks, level, rng)
    goal = Goal(service, tuple(picks), wanted=wanted, spoken=spoken)
    if mechanic.slots and " " in slots[picks[0].row["id"]][0]:
        return with_slot(site, goal, level, rng, slots[picks[0].row["id"]])
    if mechanic.slots:
        goal = replace(goal, slot=rng.choice(slots[picks[0].row["id"]]))
    return with_entry(site, goal, rng) if level == "hard" and rng.random() < 0.7 else goal


def with_entry(site: Site, goal: Goal, rng: Random) -> Goal:
    """The goal with a date for the calendar: one that stands with the target, or one of the form."""
    pick, entity = goal.picks[0], site.domain.entities[goal.service.entity]
    told = {one.spec.name for one in pick.conditions if one.kind == EQUAL}
    title = rng.choice(ENTRIES).replace("{one}", entity.singular)
    found = [
        Entry(title, pick.row[spec.name], label=spec.label, fact=f"target.{spec.name}")
        for spec in entity.fields
        if spec.kind == "date" and spec.name not in told
    ]
    found += [Entry(title, one.value, label=one.field.label) for one in goal.wanted if one.field.kind == "date"]
    return replace(goal, entry=rng.choice(found)) if found else goal


def with_slot(site: Site, goal: Goal, level: str, rng: Random, free: list[str]) -> Goal:
    """The goal with a slot of its target, and a calendar that matters to it where slots are times.

    Args:
        site: the data.
        goal: that lacks a slot.
        level: of the task.
        rng: what draws.
        free: the target's free slots, in order.
    """
    ways = ["given", "given", "earliest", "latest"] if level == "medium" else ["given", "earliest", "free", "free"]
    asked = rng.choice(ways if len(free) > 2 else ways[:2])
    place = rng.randint(1, min(4, len(free) - 1)) if asked == "free" else 0
    slot = {"given": rng.choice(free), "earliest": free[0], "latest": free[-1], "free": free[place]}[asked]
    busy = [tuple(one.split(" ")) for one in free[:place]]
    base = site.today.toordinal() + 1
    for _ in range(6):
        date, time = day(base + rng.randrange(12)), f"{rng.randint(8, 19):02d}:{rng.choice(('00', '30'))}"
        if f"{date} {time}" not in free and (date, time) not in busy:
            busy.append((date, time))
    events = sorted((one[0], one[1], rng.choice(EVENTS)) for one in busy)
    singular = site.domain.entities[goal.service.entity].singular
    date, _, time = slot.partition(" ")
    title = rng.choice(ENTRIES).replace("{one}", singular)
    asks = rng.random() < (0.2 if level == "medium" else 0.6)
    entry = Entry(title, date, time, fact="" if asked == "given" else "slot") if asks else None
    return replace(goal, slot=slot, slot_asked=asked, events=tuple(events), entry=entry)


def usable(site: Site, service: Service) -> list[FieldSpec]:
    """Fields that can tell a row: they have words for it, and can be read in lists or details."""
    entity = site.domain.entities[service.entity]
    return [spec for spec in entity.fields if spec.says or spec.least or spec.most]


def _pick(
    site: Site, service: Service, level: str, rng: Random, rest: list[Row], allowed: list[Row], quantity: int
) -> Pick:
    """A row and the fewest of some drawn conditions that only it meets."""
    entity = site.domain.entities[service.entity]
    every = site.rows[service.entity]
    title = entity.field(entity.title)
    by_name = rng.random() < (0.25 if level == "medium" else 0.1)
    best: Pick | None = None
    for _ in range(0 if by_name else 24):
        row = rng.choice(rest)
        conditions = _conditions(site, usable(site, service), row, level, rng)
        if not conditions or select(allowed, conditions) != [row]:
            continue
        pick = Pick(row, _fewest(allowed, row, conditions, level), select(every, conditions) != [row], quantity)
        # A rule that changes the answer is worth looking for: without it the rules would be ornament.
        if pick.ruled:
            return pick
        best = best or pick
    if best is not None:
        return best
    row = rng.choice(rest)
    return Pick(row, (Condition(NAMED, title, row[entity.title]),), quantity=quantity)


def _clue(site: Site, spec: FieldSpec, row: Row, level: str, rng: Random) -> FieldSpec | None:
    """What tells which row a reference of a hard task is to: a field that lists do not show and no other row shares."""
    if spec.kind != "ref" or level != "hard" or rng.random() < 0.3:
        return None
    rows, value = site.rows[spec.entity], row[spec.name]
    near = [one for one in maps.LANDMARKS if maps.nearest(site, one, spec.entity) == value]
    if site.domain.entities[spec.entity].mapped and near and rng.random() < 0.5:
        return maps.clue_of(rng.choice(near))
    clues = [
        one
        for one in site.domain.entities[spec.entity].fields
        if one.shown in ("more", "apart")
        and one.kind in ("text", "money", "number")
        and sum(other[one.name] == rows[value - 1][one.name] for other in rows) == 1
    ]
    return rng.choice(clues) if clues else None


def _conditions(site: Site, specs: list[FieldSpec], row: Row, level: str, rng: Random) -> tuple[Condition, ...]:
    """Some conditions that a row meets, or might: one superlative at most."""
    equal = [spec for spec in specs if spec.says and (spec.kind != "flag" or row[spec.name])]
    rng.shuffle(equal)
    few = rng.randint(1, 2 if level == "medium" else 3)
    found = [Condition(EQUAL, spec, row[spec.name], _clue(site, spec, row, level, rng)) for spec in equal[:few]]
    told = [one.spec for one in found]
    extreme = [spec for spec in specs if (spec.least or spec.most) and spec not in told]
    if extreme and rng.random() < 0.6:
        spec = rng.choice(extreme)
        kinds = [kind for kind, words in ((LEAST, spec.least), (MOST, spec.most)) if words]
        found.append(Condition(rng.choice(kinds), spec, row[spec.name]))
    return tuple(found)


def _fewest(rows: list[Row], row: Row, conditions: tuple[Condition, ...], level: str) -> tuple[Condition, ...]:
    """The conditions without those that are not needed; hard tasks keep all."""
    if level == "hard":
        return conditions
    for one in conditions:
        fewer = tuple(other for other in conditions if other is not one)
        if fewer and select(rows, fewer) == [row]:
            return _fewest(rows, row, fewer, level)
    return conditions


def draw_wanted(
    site: Site, service: Service, picks: list[Pick], level: str, rng: Random
) -> tuple[tuple[Wanted, ...], dict[str, str]]:
    """What the form has to hold, and what is told beside it."""
    values = _values(site, service, picks)
    wanted: list[Wanted] = []
    spoken: dict[str, str] = {}
    for one in service.inputs:
        if one.optional and level != "hard":
            continue
        found = _wanted(site, service, picks[0].row, one, values, rng)
        if level == "medium" and one.kind in _NUMBERS and one.value is not None and one.value.calculates:
            found = replace(found, steps=(), worked_out=True)  # sums are for hard tasks
        values[one.name] = _NUMBERS[one.kind](found.value) if one.kind in _NUMBERS else found.value
        if one.spoken:
            spoken[one.name] = found.value
        else:
            wanted.append(found)
    return tuple(wanted), spoken


def _values(site: Site, service: Service, picks: list[Pick]) -> dict[str, Any]:
    """What formulas of inputs may name: ``target.x``, ``profile.x``, ``quantity``."""
    row = picks[0].row
    below = values_of(site, row, service.entity)
    values: dict[str, Any] = {f"target.{k}": v for k, v in below.items() if not k.startswith("profile.")}
    values.update({k: v for k, v in below.items() if k.startswith("profile.") or k == "today"})
    values["quantity"] = picks[0].quantity
    return values


def _wanted(site: Site, service: Service, row: Row, one: Input, values: dict[str, Any], rng: Random) -> Wanted:
    if one.fact:
        return Wanted(one, normal(one, fact_of(site, service, row, one.fact).value) or "", fact=one.fact)
    if one.value is not None:
        result = one.value(values)
        if one.kind in ("number", "money"):
            steps = tuple(one.value.steps(values))
            result = steps[-1].result if steps else result  # as the calculator says it, which rounds each step
            text = f"{float(result):.2f}" if one.kind == "money" else str(math.floor(float(result) + 0.5))
            return Wanted(one, text, steps=steps)
        if one.kind == "date":
            return Wanted(one, day(int(result)))
        return Wanted(one, str(result))
    match one.kind:
        case "number":
            return Wanted(one, str(rng.randint(int(one.low), int(one.high))))
        case "money":
            return Wanted(one, f"{rng.randint(int(one.low * 2), int(one.high * 2)) / 2:.2f}")
        case "date":
            return Wanted(one, day(site.today.toordinal() + rng.randint(int(one.low), int(one.high))))
        case "time":
            minutes = rng.randrange(8 * 4, 18 * 4) * 15
            return Wanted(one, f"{minutes // 60:02d}:{minutes % 60:02d}")
        case "flag":
            return Wanted(one, rng.choice(("yes", "no")))
    return Wanted(one, rng.choice(one.of))
