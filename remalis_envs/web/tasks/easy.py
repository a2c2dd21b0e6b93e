"""Easy tasks: one request among many that wait, or one short phrase in a form that is ready but for it."""

from __future__ import annotations

import sqlite3
from random import Random

from remalis_envs.web.roles import CONFIRM, EDIT
from remalis_envs.web.sites.domain import Input, Service
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.sites.showing import long_date
from remalis_envs.web.tasks import phrasing
from remalis_envs.web.tasks.draw_goals import draw_wanted
from remalis_envs.web.tasks.goals import Pick, Wanted
from remalis_envs.web.tasks.model import Check, Subtask, Task
from remalis_envs.web.tasks.plans import Planned
from remalis_envs.web.tasks.rubrics import critical_path, field_check, in_words, pages_of
from remalis_envs.web.tasks.steps import Fill, Final, Press

WAITING = 14
"""Requests on the desk: a verifier that presses any of them is right once in fourteen times."""
_PRESSES = (
    "Only the request for {what} is right: {final}.",
    "Among what waits for you, settle {what}.",
    "{final} for {what}; leave the rest alone.",
    "Go through the list and press {final} beside {what}.",
    "I have looked at the requests. The one for {what} can go through.",
    "Please approve {what}.",
    "Let {what} pass.",
    "{what}: {final}, please.",
)
_TYPED = ("text", "code", "phrase", "number", "money", "date", "time")


def plan_easy(site: Site, db: sqlite3.Connection, seed: int, rng: Random) -> Planned:
    """An easy task; puts what it needs into the database."""
    typed = [
        (service, one)
        for service in site.domain.services.values()
        for one in service.form
        if one.kind in _TYPED and not one.fact and one.value is None and not one.optional
    ]
    if typed and rng.random() < 0.5:
        service, one = rng.choice(typed)
        planned = _phrase(site, db, service, one, seed, rng)
        if planned is not None:
            return planned
    return _press(site, db, seed, rng)


def _phrase(site: Site, db: sqlite3.Connection, service: Service, one: Input, seed: int, rng: Random) -> Planned | None:
    """A draft that lacks one field."""
    mechanic = MECHANICS[service.mechanic]
    rows = [row for row in site.rows[service.entity] if not mechanic.excluded(site, service, row)]
    if not rows:
        return None
    row = rng.choice(rows)
    wanted, _ = draw_wanted(site, service, [Pick(row, ())], "easy", rng)
    missing = next(two for two in wanted if two.field.name == one.name)
    slot = ""
    if mechanic.slots:
        free = db.execute(
            "SELECT slot FROM slot WHERE service = ? AND target = ? AND NOT taken", (service.name, row["id"])
        )
        slots = [text for (text,) in free]
        if not slots:
            return None
        slot = rng.choice(slots)
        db.execute("INSERT INTO hold VALUES (?, ?, ?, -1)", (service.name, row["id"], slot))
    target = 0 if mechanic.quantity else row["id"]
    if mechanic.quantity:
        db.execute(
            "INSERT INTO basket (service, target, quantity, tab) VALUES (?, ?, 1, -1)", (service.name, row["id"])
        )
    db.execute(
        "UPDATE draft SET service = ?, target = ?, slot = ?, state = 'open', version = 1", (service.name, target, slot)
    )
    for two in wanted:
        if two is not missing:
            db.execute("INSERT INTO draft_field VALUES (?, ?)", (two.field.name, two.value))
    return _phrase_task(site, service, missing, wanted, target, slot, seed, rng)


def _phrase_task(
    site: Site,
    service: Service,
    missing: Wanted,
    wanted: tuple[Wanted, ...],
    target: int,
    slot: str,
    seed: int,
    rng: Random,
) -> Planned:
    mechanic = MECHANICS[service.mechanic]
    tell, end = phrasing.says(missing.field, missing.value, rng), phrasing.closing(service, rng)
    opening = rng.choice(
        ("One thing is missing in the draft.", "The draft is nearly ready.", "Only a detail is open.", "")
    )
    fill = Subtask("fill", "fill", EDIT, f"Fill in {missing.field.label} and save.", tell, (), (field_check(missing),))
    ended = (("ended", 1), ("service", service.name), ("target", target), ("detail", slot))
    final = Check("episode", ended, text="it was made final")
    confirm = Subtask("confirm", "confirm", CONFIRM, "Review and confirm.", end, ("fill",), (final,))
    steps = (
        Fill(fill, ("main/", "main/draft"), pages_of(service, (missing,))),
        Final(
            confirm,
            ("main/", "main/draft", "main/review"),
            service.final,
            f"POST {mechanic.final_path(service)}",
            (missing.value,),
        ),
    )
    subtasks = (fill, confirm)
    task = Task(
        domain=site.domain.name,
        level="easy",
        seed=seed,
        instruction=" ".join(text for text in (opening, tell, end) if text),
        subtasks=subtasks,
        rubric=(*(field_check(one) for one in wanted), final),
        plans=in_words(subtasks),
        metadata={"subtasks": 2.0, "critical_path": float(critical_path(subtasks))},
    )
    return Planned(task, site, "main/draft", steps)


def _press(site: Site, db: sqlite3.Connection, seed: int, rng: Random) -> Planned:
    """Requests that wait, of which one is right; some share its thing, some its details."""
    services = [one for one in site.domain.services.values() if not MECHANICS[one.mechanic].quantity]
    requests: list[tuple[Service, int, str]] = []
    service = rng.choice(services)
    details = [_detail(site, service, rng) for _ in range(4)]
    for place in range(WAITING * 4):
        if len(requests) == WAITING:
            break
        other = service if place % 3 else rng.choice(services)
        detail = rng.choice(details) if other is service and place % 2 else _detail(site, other, rng)
        row = rng.choice(site.rows[other.entity])
        if requests and requests[0][0] is other and place % 4 == 1:
            row = site.rows[other.entity][requests[0][1] - 1]
        request = (other, row["id"], detail)
        if request not in requests:
            requests.append(request)
    right = requests[0]
    order = list(requests)
    rng.shuffle(order)
    for number, (other, target, detail) in enumerate(order, start=1):
        db.execute("INSERT INTO pending VALUES (?, ?, ?, ?, 'open')", (number, other.name, target, detail))
    number = order.index(right) + 1
    return _press_task(site, right, number, seed, rng)


def _press_task(site: Site, right: tuple[Service, int, str], number: int, seed: int, rng: Random) -> Planned:
    service, target, detail = right
    row = site.row(service.entity, target)
    assert row is not None
    what = f'"{site.name(service.entity, row)}" ({detail})'
    text = rng.choice(_PRESSES).replace("{what}", what).replace("{final}", service.final)
    ended = (("ended", 1), ("service", service.name), ("target", target), ("detail", detail))
    final = Check("episode", ended, text="the right request was settled")
    sub = Subtask("confirm", "confirm", CONFIRM, f"Press {service.final} beside {what}.", text, (), (final,))
    task = Task(
        domain=site.domain.name,
        level="easy",
        seed=seed,
        instruction=text,
        subtasks=(sub,),
        rubric=(final,),
        forbidden=(),
        plans=in_words((sub,)),
        metadata={"subtasks": 1.0, "critical_path": 1.0},
    )
    step = Press(sub, ("main/", "main/desk"), service.final, f"POST /confirm/pending/{number}")
    return Planned(task, site, "main/desk", (step,))


def _detail(site: Site, service: Service, rng: Random) -> str:
    """A request's details in short: two of its fields, drawn."""
    parts = []
    for one in service.form:
        if one.fact or one.value is not None or one.kind == "flag" or one.optional:
            continue
        wanted, _ = draw_wanted(site, service, [Pick(rng.choice(site.rows[service.entity]), ())], "easy", rng)
        value = next(two.value for two in wanted if two.field.name == one.name)
        parts.append(f"{one.label.lower()} {long_date(value) if one.kind == 'date' else value}")
    if not parts:
        parts = [f"asked for by {rng.choice(('Ada', 'Bruno', 'Chen', 'Dara', 'Emeka', 'Farah', 'Greta', 'Hugo'))}"]
    return ", ".join(parts[:2])
