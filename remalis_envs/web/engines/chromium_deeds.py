"""How deeds are done in Chromium: by mouse and keyboard events that a page cannot tell from a person's."""

from __future__ import annotations

import json

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.engines.chromium_tab import Tab
from remalis_envs.web.engines.deeds import allows

_CODES = {"Enter": 13, "Backspace": 8, "ArrowRight": 39, "ArrowUp": 38, "ArrowDown": 40, "Delete": 46, " ": 32}
_TEXTS = {"Enter": "\r", " ": " "}


def do(tab: Tab, deed: Deed) -> bool:
    """Does a deed on an item of the tab's last reading; False where it is refused.

    Raises:
        EngineError: the tab is gone or hangs.
        UnknownNameError: there is no such kind of deed.
    """
    if not 0 <= deed.item < len(tab.items) or not allows(tab.items[deed.item], deed):
        return False
    if deed.kind in ("click", "toggle"):
        return _click(tab, deed.item)
    if deed.kind == "fill":
        if tab.items[deed.item].role == "date":
            return _type_date(tab, deed.item, deed.value)
        if tab.items[deed.item].kind == "time":
            return _type_time(tab, deed.item, deed.value)
        return _type(tab, deed.item, deed.value)
    if deed.kind == "choose":
        return _choose(tab, deed.item, deed.value)
    field = tab.hands(f"__remalisHands.enter({deed.item}, false, true)")
    if "refused" in field:
        return False
    tab.remember(field)
    press(tab, "Enter")
    return True


def _click(tab: Tab, item: int) -> bool:
    leaves = tab.items[item].role == "link" or bool(tab.items[item].form)
    aim = tab.hands(f"__remalisHands.aim({item}, {json.dumps(leaves)})")
    if "refused" in aim:
        return False
    tab.remember(aim)
    calls = [
        tab.send("Input.dispatchMouseEvent", type=kind, x=aim["x"], y=aim["y"], button="left", clickCount=1)
        for kind in ("mousePressed", "mouseReleased")
    ]
    for call in calls:
        tab.answer(call)
    return True


def _type(tab: Tab, item: int, text: str) -> bool:
    field = tab.hands(f"__remalisHands.enter({item}, true)")
    if "refused" in field:
        return False
    if text:
        tab.ask("Input.insertText", text=text)
    elif field["value"]:
        press(tab, "Backspace")
    return True


def _type_date(tab: Tab, item: int, text: str) -> bool:
    """Types a date as the digits of month, day and year, which is their order in the browser's language."""
    if "refused" in tab.hands(f"__remalisHands.enter({item}, false)"):
        return False
    if text:
        year, month, day = text.split("-")
        press(tab, *(month + day + year))
    else:
        press(tab, *(("Backspace", "ArrowRight") * 3))
    return True


def _type_time(tab: Tab, item: int, text: str) -> bool:
    """Types a time, ``15:03`` or ``3:03``, as hour, minute and half of the day, as the browser's language has it."""
    if "refused" in tab.hands(f"__remalisHands.enter({item}, false)"):
        return False
    if text:
        hour, minute = map(int, text.split(":"))
        press(tab, *f"{(hour - 1) % 12 + 1:02d}{minute:02d}", "P" if hour >= 12 else "A")
    else:
        press(tab, *(("Backspace", "ArrowRight") * 3))
    return True


def _choose(tab: Tab, item: int, text: str) -> bool:
    """Opens the list of a select and goes to the option, so that the page hears of one change and not of many."""
    steps = tab.hands(f"__remalisHands.steps({item}, {json.dumps(text)})")
    if "refused" in steps or "refused" in tab.hands(f"__remalisHands.enter({item}, false)"):
        return False
    by = steps["to"] - steps["from"]
    if by:
        press(tab, " ", *(["ArrowDown" if by > 0 else "ArrowUp"] * abs(by)), "Enter")
    return True


def press(tab: Tab, *keys: str) -> None:
    """Presses keys one after another."""
    calls = []
    for key in keys:
        named = {
            "key": key,
            "code": key if key != " " else "Space",
            "windowsVirtualKeyCode": _CODES.get(key, ord(key[0])),
        }
        if key.isalnum() and len(key) == 1:
            named["code"] = f"Digit{key}" if key.isdigit() else f"Key{key}"
        text = _TEXTS.get(key, key if len(key) == 1 else "")
        if text:
            calls.append(tab.send("Input.dispatchKeyEvent", type="keyDown", text=text, **named))
        else:
            calls.append(tab.send("Input.dispatchKeyEvent", type="rawKeyDown", **named))
        calls.append(tab.send("Input.dispatchKeyEvent", type="keyUp", **named))
    for call in calls:
        tab.answer(call)
