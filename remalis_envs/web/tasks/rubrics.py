"""How a goal is judged: checks on the final state, harm that must not happen, figures of a plan."""

from __future__ import annotations

from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.tasks.goals import Goal, Pick, Wanted
from remalis_envs.web.tasks.model import Check, Subtask


def seen(what: str) -> Check:
    """That a page was shown."""
    return Check("seen", (("what", what), ("seen", 1)), text=f"{what} was shown")


def outcome(site: Site, goal: Goal) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """The rubric of a goal, and what must not happen."""
    service, mechanic = goal.service, MECHANICS[goal.service.mechanic]
    rubric: list[Check] = []
    if mechanic.quantity:
        rubric += [basket_line(goal, pick) for pick in goal.picks]
        rubric.append(Check("basket", (), len(goal.picks), "nothing else is in the basket"))
    draft = (("service", service.name), ("target", goal.target), ("slot", goal.slot))
    rubric.append(Check("draft", draft, text="the draft is about the right thing"))
    rubric += [field_check(one) for one in goal.wanted]
    ended = (("ended", 1), ("service", service.name), ("target", goal.target), ("detail", goal.slot))
    rubric.append(Check("episode", ended, text="it was made final"))
    forbidden = [
        Check("episode", (("service", other),), text=f"{other} was made final")
        for other in site.domain.services
        if other != service.name
    ]
    if mechanic.status:
        forbidden += [
            Check("owned", (("entity", service.entity), ("id", row["id"]), ("status", mechanic.status)))
            for row in site.rows[service.entity]
            if row["id"] != goal.target
        ]
    if goal.entry:
        rubric.insert(0, entry_check(goal))
    team = (("source", "team"),)
    counts = (2, 3) if goal.entry else (1, 2, 3)
    forbidden += [Check("event", team, count, "something else was put into the calendar") for count in counts]
    return tuple(rubric), tuple(forbidden)


def entry_check(goal: Goal) -> Check:
    """That the calendar holds the entry."""
    assert goal.entry is not None
    one = goal.entry
    entry = (("date", one.date), ("time", one.time), ("title", one.title), ("source", "team"))
    return Check("event", entry, text="it is in the calendar")


def pages_of(service: Service, wanted: tuple[Wanted, ...]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Labels and values of each page of a service's form; empty where nothing is to be filled in."""
    if not wanted:
        return ()
    mechanic, values = MECHANICS[service.mechanic], {one.field.name: one.value for one in wanted}
    return tuple(
        tuple((one.label, values[one.name]) for one in mechanic.fields_of(service, part) if one.name in values)
        for part in range(1, mechanic.parts + 1)
    )


def basket_line(goal: Goal, pick: Pick) -> Check:
    """That the basket holds what was picked."""
    line = (("service", goal.service.name), ("target", pick.row["id"]), ("quantity", pick.quantity))
    return Check("basket", line, text="the basket holds it")


def field_check(one: Wanted) -> Check:
    """That the draft's field holds what it should."""
    return Check("draft_field", (("name", one.field.name), ("value", one.value)), text=f"{one.field.label} is right")


def critical_path(subtasks: tuple[Subtask, ...]) -> int:
    """The longest chain of sub-tasks that need each other."""
    depth: dict[str, int] = {}
    for one in subtasks:
        depth[one.name] = 1 + max((depth[name] for name in one.needs), default=0)
    return max(depth.values())


def in_words(subtasks: tuple[Subtask, ...]) -> tuple[str, str]:
    """The reference plan in two wordings."""
    numbered = " ".join(f"{place}. {one.text}" for place, one in enumerate(subtasks, start=1))
    linked = " Then ".join(one.text[0].lower() + one.text[1:].rstrip(".") + "." for one in subtasks)
    return numbered, f"First {linked}"
