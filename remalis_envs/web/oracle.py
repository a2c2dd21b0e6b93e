"""What the oracle wants, as actions of an agent: candidates, bookmarks, moves of the window, words of its own."""

from __future__ import annotations

from collections.abc import Sequence

from remalis_envs.web.actions import (
    BACK,
    BOOKMARKS,
    FIRST_BOOKMARK,
    FIRST_CANDIDATE,
    FIRST_TEXT,
    HOME,
    NEXT_REGION,
    PREVIOUS_REGION,
    WAIT,
    WINDOW,
)
from remalis_envs.web.candidates import field_kind
from remalis_envs.web.desk import Desk, Slot
from remalis_envs.web.engines.base import Deed
from remalis_envs.web.tasks.model import Intent


def action_of(desk: Desk, intent: Intent, hosts: Sequence[str], home: str) -> int:
    """The action that does what an intent says, or that moves the window towards it.

    Where a value stands in no candidate, it goes into the first text slot of the desk.

    Args:
        desk: of the agent.
        intent: what the oracle wants of it.
        hosts: sites of the world.
        home: ``host/path`` where tabs begin.
    """
    deed = intent.deed
    if deed is None:
        return WAIT if intent.record < 0 else _shown(desk, _find(desk, intent.record, ("record",)))
    if deed.kind == "back":
        return BACK
    if deed.kind == "visit":
        return _bookmark(deed.value, hosts, home)
    if deed.kind == "submit":
        return _shown(desk, _find(desk, _submit_of(desk, deed.item), ("press",)))
    if deed.kind in ("fill", "choose"):
        return _valued(desk, deed)
    return _shown(desk, _find(desk, deed.item, ("follow", "press", "open", "toggle")))


def _bookmark(address: str, hosts: Sequence[str], home: str) -> int:
    if address == home:
        return HOME
    host, _, path = address.partition("/")
    if path or host not in hosts[1 : BOOKMARKS + 1]:
        return WAIT
    return FIRST_BOOKMARK + hosts.index(host) - 1


def _find(desk: Desk, place: int, operations: Sequence[str], value: str | None = None) -> int:
    """Number of a candidate of the page; -1 where there is none."""
    assert desk.view is not None
    for number in range(desk.view.size):
        one = desk.view.candidate(number)
        if one.place == place and one.offer.operation in operations and value in (None, one.offer.value):
            return number
    return -1


def _shown(desk: Desk, number: int) -> int:
    """The action of a candidate, or a move towards its region."""
    if number < 0:
        return WAIT
    region, place = divmod(number, WINDOW)
    if region == desk.region:
        return FIRST_CANDIDATE + place
    return NEXT_REGION if region > desk.region else PREVIOUS_REGION


def _submit_of(desk: Desk, place: int) -> int:
    """Place of the button that sends the form of a field."""
    items = desk.reading.items
    for number in range(max(place, 0), len(items)):
        if items[number].kind == "submit" and items[number].form == items[place].form:
            return number
    return -1


def _as_offered(desk: Desk, deed: Deed, number: bool) -> str:
    """The value as a candidate has it: ``12.00`` is as good as ``12`` where a number is asked for."""
    assert desk.view is not None
    if number and _number(deed.value) is not None:
        for one in (desk.view.candidate(k) for k in range(desk.view.size)):
            if one.place == deed.item and _number(one.offer.value) == _number(deed.value):
                return one.offer.value
    return deed.value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _valued(desk: Desk, deed: Deed) -> int:
    item = desk.reading.items[deed.item]
    number = _find(desk, deed.item, (deed.kind,), _as_offered(desk, deed, field_kind(item) == "number"))
    if number >= 0:
        return _shown(desk, number)
    if _find(desk, deed.item, ("fill", "choose")) < 0:
        return WAIT
    desk.slots[0] = Slot(item, deed.value)
    return FIRST_TEXT
