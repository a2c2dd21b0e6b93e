"""Moves of the oracle: finding items of a reading, and following links towards an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.pages.items import CONTROL_ROLES, Item, Reading

_CLOSING = ("close", "cancel", "dismiss", "ok")


def find(
    reading: Reading,
    roles: Sequence[str],
    name: str | None = None,
    context: str = "",
    form: str = "",
) -> int:
    """The place of the first item of some roles with a name, a context that holds a text, and a form; -1 for none."""
    for place, item in enumerate(reading.items):
        named = item.role in roles and not item.disabled and (name is None or item.name == name)
        if named and context in item.context and (not form or item.form == form):
            return place
    return -1


def host(reading: Reading) -> str:
    """The site that a tab is on."""
    return reading.url.partition("/")[0]


def leads(reading: Reading, item: Item) -> str:
    """Where a link leads, as ``host/path?query``."""
    href = item.href.partition("#")[0]
    return f"{host(reading)}{href}" if href.startswith("/") else href


def at(reading: Reading, addresses: Iterable[str]) -> bool:
    """Whether a tab is at one of some addresses."""
    return reading.url in addresses


def shut(reading: Reading) -> Deed | None:
    """Closes a dialog that covers the page."""
    if not reading.dialog:
        return None
    buttons = [place for place, item in enumerate(reading.items) if item.role == "button" and not item.disabled]
    for place in buttons:
        if reading.items[place].name.lower() in _CLOSING:
            return Deed("click", place)
    return Deed("click", buttons[-1]) if buttons else None


def follow(reading: Reading, way: Sequence[str]) -> Deed | None:
    """The next move along a way; None at its end.

    Args:
        reading: the tab's.
        way: addresses, each linked from the one before it, the first from every page.
    """
    if reading.url == way[-1]:
        return None
    closing = shut(reading)
    if closing is not None:
        return closing
    links = {
        leads(reading, item): place for place, item in reversed(list(enumerate(reading.items))) if item.role == "link"
    }
    for address in reversed(way):
        if address in links:
            return Deed("click", links[address])
    # From a tool site, or from where no link leads on, the bookmark of the way's own site does.
    return Deed("visit", value=way[0].partition("/")[0] + "/")


def open_up(reading: Reading, name: str) -> Deed | None:
    """Opens a tab or a disclosure by its name; None where it is open."""
    for place, item in enumerate(reading.items):
        if item.role in ("tab", "summary") and item.name == name:
            if item.role == "tab":
                return None if item.selected else Deed("click", place)
            return None if item.expanded else Deed("click", place)
    return None


def reveal(reading: Reading, behind: str) -> Deed | None:
    """Shows what stands behind a tab or a disclosure; None where it shows.

    Args:
        reading: the tab's.
        behind: its name; "" for the first tab, where there are any: something else may have had another one opened.
    """
    name = behind or next((item.name for item in reading.items if item.role == "tab"), "")
    return open_up(reading, name) if name else None


def set_field(reading: Reading, place: int, value: str) -> Deed | None:
    """Makes a field hold a value; None where it does.

    Args:
        reading: the tab's.
        place: of the field.
        value: text, option, or ``yes`` and ``no`` of a checkbox.
    """
    item = reading.items[place]
    if item.role in ("checkbox", "radio"):
        return None if bool(item.checked) == (value == "yes") else Deed("toggle", place)
    if item.value == value or (item.role == "spinbutton" and same_number(item.value, value)):
        return None
    return Deed("choose" if item.options else "fill", place, value)


def same_number(one: str, other: str) -> bool:
    """Whether two texts are the same number: ``12`` and ``12.00``."""
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def field_named(reading: Reading, name: str) -> int:
    """The place of the field with a label; -1 for none."""
    roles = [role for role in CONTROL_ROLES if role not in ("link", "button", "tab", "summary")]
    return find(reading, roles, name)
