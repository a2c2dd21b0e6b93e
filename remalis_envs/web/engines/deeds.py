"""Which deeds a control takes, told from its item alone, so that both engines refuse the same."""

from __future__ import annotations

import re
from datetime import date

from remalis_envs.errors import unknown
from remalis_envs.web.engines.base import DEEDS, Deed
from remalis_envs.web.pages.items import Item

CLICKED = frozenset(("link", "button", "tab", "summary", "checkbox", "radio"))
TYPED = frozenset(("textbox", "searchbox", "combobox", "spinbutton", "date"))
_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?")
_TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


def allows(item: Item, deed: Deed) -> bool:
    """Whether a control takes a deed; ``back`` and ``visit`` are no matter of a control.

    A select is chosen from, never clicked: what opens then is not part of the page. Numbers, dates and times are well
    formed or not typed at all. Enter submits nothing where there is no form, or in a text area.

    Raises:
        UnknownNameError: there is no such kind of deed.
    """
    if item.disabled or not item.is_control:
        return False
    kind, role = deed.kind, item.role
    if kind == "click":
        return role in CLICKED
    if kind == "fill":
        return (
            role in TYPED and item.kind != "select" and well_formed("time" if item.kind == "time" else role, deed.value)
        )
    if kind == "choose":
        return item.kind == "select" and deed.value in item.options
    if kind == "toggle":
        return role == "checkbox" or role == "radio"
    if kind == "submit":
        return role in TYPED and item.kind not in ("select", "textarea") and bool(item.form)
    raise unknown("kind of deed", kind, DEEDS)


def well_formed(role: str, value: str) -> bool:
    """Whether a value can be typed into a field of this role, or a ``time`` into one of that kind."""
    if role == "spinbutton":
        return not value or _NUMBER.fullmatch(value) is not None
    if role == "time":
        return not value or _TIME.fullmatch(value) is not None
    if role == "date" and value:
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return True
