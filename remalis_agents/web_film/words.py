"""What agents do on the web, and what comes of it, in words for people."""

from __future__ import annotations

from collections.abc import Sequence

from remalis_envs.web.actions import (
    BACK,
    FIND,
    FIRST_BOOKMARK,
    FIRST_CANDIDATE,
    FIRST_TEXT,
    HOME,
    NEXT_REGION,
    PREVIOUS_REGION,
    WAIT,
)
from remalis_envs.web.desk import Desk
from remalis_envs.web.pages.items import Item, Reading

LABEL = 60
"""Characters of a label or a value that are said."""
SAYING = ("alert", "status")
"""Roles of texts by which a page says something."""
_FIXED = {
    WAIT: "waits",
    NEXT_REGION: "looks further down the page",
    PREVIOUS_REGION: "looks further up the page",
    FIND: "looks where the page is most like the task",
    BACK: "goes back",
    HOME: "goes to the start page",
}
_VERBS = {"follow": "follows", "press": "presses", "open": "opens", "record": "notes down"}
_UNDONE = {
    "refused": "the page does not let it",
    "unsettled": "still loading",
    "masked": "may not do that, so waits",
    "offline": "is offline",
}


def shortened(text: str, length: int = LABEL) -> str:
    """``text``, of at most ``length`` characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def deed(desk: Desk, action: int, hosts: Sequence[str]) -> str:
    """What an agent is about to do, such as ``follows “My account”``.

    Args:
        desk: of the agent, before it acts.
        action: that it chose.
        hosts: sites of the world.
    """
    if action < FIRST_BOOKMARK:
        return _FIXED[action]
    if action < FIRST_TEXT:
        number = action - FIRST_BOOKMARK + 1
        return f"opens the {hosts[number]} site" if number < len(hosts) else "opens a site that is not there"
    if action < FIRST_CANDIDATE:
        slot = desk.slots[action - FIRST_TEXT]
        if slot is None:
            return "uses a text that it does not have"
        return _on(slot.item, "choose" if slot.item.options else "fill", slot.text)
    assert desk.view is not None
    if action - FIRST_CANDIDATE >= len(desk.window()):
        return "acts on what is not there"
    one = desk.candidate(action - FIRST_CANDIDATE)
    return _on(desk.reading.items[one.place], one.offer.operation, one.offer.value)


def place_of(desk: Desk, action: int) -> int:
    """The item of its page that an action of an agent is about; -1 for none."""
    if action < FIRST_TEXT:
        return -1
    if action < FIRST_CANDIDATE:
        return desk.slot_place(action - FIRST_TEXT)
    number = action - FIRST_CANDIDATE
    return desk.candidate(number).place if number < len(desk.window()) else -1


def _on(item: Item, operation: str, value: str) -> str:
    label, said = f"“{shortened(item.name)}”", f"“{shortened(value)}”"
    if operation == "fill":
        return f"types {said} into {label}" if value else f"clears {label}"
    if operation == "choose":
        return f"chooses {said} in {label}"
    if operation == "toggle":
        if item.role == "radio":
            return f"picks {label}"
        return f"unticks {label}" if item.checked else f"ticks {label}"
    about = f" ({shortened(item.context, 40)})" if operation == "record" and item.context else ""
    return f"{_VERBS.get(operation, operation)} {label}{about}"


def answer(before: Reading, after: Reading, outcome: str, requested: Sequence[str] = ()) -> str:
    """What came of a deed: what the page says now that it did not say before.

    Args:
        before: what the tab showed.
        after: what it shows now.
        outcome: one of ``desk.OUTCOMES``.
        requested: what the tab asked its sites for, ``"METHOD host/path"``.
    """
    if outcome in _UNDONE:
        return _UNDONE[outcome]
    parts = []
    loaded = any(one.partition(" ")[2] == after.url.partition("?")[0] for one in requested)
    if loaded or after.url != before.url or after.title != before.title:
        parts.append(f"sees “{shortened(after.title.rpartition(' - ')[0] or after.title)}”")
    if after.dialog and not before.dialog:
        parts.append("a dialog opens")
    old = {item.name for item in before.items if item.role in SAYING}
    said = [item.name for item in after.items if item.role in SAYING and item.name and item.name not in old]
    return ": ".join([*parts, *(f"“{shortened(text, 90)}”" for text in said[:2])])


def named(agent: str) -> str:
    """An agent's name as people write it: ``form filler``."""
    return "the agent" if agent == "alone" else agent.replace("_", " ")


def team_of(agents: Sequence[str]) -> str:
    """How many there are, in words."""
    return f"{len(agents)} agents" if len(agents) > 1 else "one agent"
