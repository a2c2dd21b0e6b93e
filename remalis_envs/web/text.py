"""What an agent sees, and what it can do, as text in page order; and the way back from text to an action."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from remalis_envs.arguments import said_text
from remalis_envs.errors import RemalisError
from remalis_envs.web.actions import (
    BACK,
    FIND,
    FIRST_BOOKMARK,
    FIRST_CANDIDATE,
    FIRST_TEXT,
    FIXED,
    HOME,
    NEXT_REGION,
    PREVIOUS_REGION,
    TEXT_SLOTS,
)
from remalis_envs.web.desk import Desk, Slot
from remalis_envs.web.notebook import Note
from remalis_envs.web.pages.items import Item
from remalis_envs.web.vocabulary import SUBGOALS

LABEL, CONTEXT, NOTE = 60, 40, 80
"""Characters of a label, of what surrounds it and of a note that are shown."""
_FILL = re.compile(
    r"""^(?:fill|type|enter|choose)\s+(?:in\s+)?["'“]?(?P<label>.+?)["'”]?\s+with\s+["'“]?(?P<text>.+?)["'”]?$""",
    re.I,
)


def describe(desk: Desk, mask: npt.NDArray[np.int8], notes: Sequence[Note], budget_left: int) -> str:
    """An agent's observation in words: its task, its page with what can be done there, the notebook, its last action.

    Args:
        desk: of the agent.
        mask: of its actions.
        notes: of the team.
        budget_left: team steps.
    """
    view = desk.view
    assert view is not None
    lines = [f"You are {desk.name}: you may {', '.join(sorted(desk.rights))}. {budget_left} steps are left."]
    lines.append(f"Task: {desk.instruction or '(your teammates know it)'}")
    lines.append(f"Last action: {desk.outcome}" + (f", {SUBGOALS[desk.subgoal]}" if desk.subgoal >= 0 else "") + ".")
    if notes:
        lines.append("Notebook:")
        lines += [f"- {_cut(note.text, NOTE)} ({_cut(note.about, CONTEXT)})" for note in notes]
    part = f", part {desk.region + 1} of {view.regions}" if view.regions > 1 else ""
    lines.append(
        f"Page {desk.reading.title!r} at {desk.reading.url}{part}" + (", a dialog" * desk.reading.dialog) + ":"
    )
    last, context = -1, ""
    for number, one in enumerate(desk.window(), start=FIRST_CANDIDATE):
        item = desk.reading.items[one.place]
        if not mask[number] and one.place == last:
            continue
        last = one.place
        if item.is_control and item.context != context:  # the surroundings of a text are the lines before it
            context = item.context
            lines += [f"# {_cut(context, CONTEXT)}"] if context else []
        shown = _candidate(item, one.offer.operation, one.offer.value)
        if not mask[number]:
            shown = f'{one.offer.operation} "{_cut(item.name, LABEL)}"{_state(item)} (not for you now)'
        lines.append(f"[{number}] {shown}" if mask[number] else f"- {shown}")
    return "\n".join(lines)


def action_texts(desk: Desk, mask: npt.NDArray[np.int8], hosts: Sequence[str]) -> list[str]:
    """The legal actions, each in the form that :func:`parse` reads."""
    return [f"[{action}] {_text(desk, int(action), hosts)}" for action in np.flatnonzero(mask)]


def parse(desk: Desk, text: str, hosts: Sequence[str]) -> int:
    """The action that a text names: by number, by the words of :func:`action_texts`, or ``fill "label" with "text"``.

    Words that no candidate has are put into one of the agent's text slots.

    Raises:
        RemalisError: the text names nothing on the page, or more than one thing.
    """
    said = said_text(text).strip()
    numbered = re.match(r"^(?:action\s+)?\[?(\d{1,9})\]?(?:\s|:|$)", said, re.IGNORECASE)
    if numbered:
        return _numbered(desk, int(numbered[1]))
    lowered = " ".join(said.lower().split())
    known = {action: _text(desk, action, hosts).lower() for action in _existing(desk, hosts)}
    found = [action for action, words in known.items() if words == lowered]
    found = found or [a for a, words in known.items() if lowered and (lowered in words or words in lowered)]
    if len(found) == 1:
        return found[0]
    filled = _FILL.match(said)
    if filled:
        return _slot(desk, filled["label"], filled["text"])
    if found:
        raise RemalisError(
            f"{text!r} names {len(found)} actions of this page; say one by number, such as '[{found[0]}]'"
        )
    raise RemalisError(
        f"{text!r} names no action; say a number such as '[{FIRST_CANDIDATE}]', 'wait', 'back', "
        'or \'fill "<label>" with "<text>"\''
    )


def _numbered(desk: Desk, action: int) -> int:
    last = FIRST_CANDIDATE + len(desk.window()) - 1
    if action <= last:
        return action
    raise RemalisError(f"there is no action {action} here; numbers go from 0 to {last}")


def _slot(desk: Desk, label: str, text: str) -> int:
    """Puts a free text into a slot for the field with this label."""
    wanted = label.strip().lower()
    fields = {}
    for one in desk.window():
        item = desk.reading.items[one.place]
        if one.offer.operation in ("fill", "choose"):
            fields[one.place] = item
    named = [item for item in fields.values() if item.name.lower() == wanted]
    named = named or [item for item in fields.values() if wanted in item.name.lower()]
    if not named:
        there = ", ".join(repr(item.name) for item in fields.values()) or "none"
        raise RemalisError(f"no field {label!r} is on this part of the page; fields are: {there}")
    slot = Slot(named[0], text)
    if slot in desk.slots:
        return FIRST_TEXT + desk.slots.index(slot)
    free = [k for k in range(TEXT_SLOTS) if desk.slots[k] is None]
    if not free:  # the oldest goes
        desk.slots[:] = [*desk.slots[1:], None]
        free = [TEXT_SLOTS - 1]
    desk.slots[free[0]] = slot
    return FIRST_TEXT + free[0]


def _existing(desk: Desk, hosts: Sequence[str]) -> list[int]:
    fixed = [*range(FIRST_BOOKMARK + min(len(hosts) - 1, FIRST_TEXT - FIRST_BOOKMARK))]
    slots = [FIRST_TEXT + k for k, slot in enumerate(desk.slots) if slot is not None]
    return [*fixed, *slots, *range(FIRST_CANDIDATE, FIRST_CANDIDATE + len(desk.window()))]


def _text(desk: Desk, action: int, hosts: Sequence[str]) -> str:
    if action in (NEXT_REGION, PREVIOUS_REGION, FIND, BACK, HOME) or action < FIRST_BOOKMARK:
        return FIXED[action]
    if action < FIRST_TEXT:
        return f"open {hosts[action - FIRST_BOOKMARK + 1]}"
    if action < FIRST_CANDIDATE:
        slot = desk.slots[action - FIRST_TEXT]
        assert slot is not None
        return _candidate(slot.item, "fill", slot.text)
    one = desk.candidate(action - FIRST_CANDIDATE)
    return _candidate(desk.reading.items[one.place], one.offer.operation, one.offer.value)


def _candidate(item: Item, operation: str, value: str) -> str:
    label = _cut(item.name, LABEL)
    if operation == "fill":
        return f'fill "{label}" with "{value}"' if value else f'clear "{label}"'
    if operation == "choose":
        return f'choose "{value}" in "{label}"' if value else f'choose in "{label}"'
    return f'{operation} "{label}"'


def _state(item: Item) -> str:
    if item.checked is not None:
        return ", checked" if item.checked else ""
    return f": {_cut(item.value, CONTEXT)}" if item.value else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
