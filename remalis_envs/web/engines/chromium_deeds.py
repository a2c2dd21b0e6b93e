"""How deeds are done in Chromium: by mouse and keyboard events that a page cannot tell from a person's."""

from __future__ import annotations

import json
from typing import Any

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.engines.chromium_tab import Aimed, Tab, script_value
from remalis_envs.web.engines.deeds import allows

_CODES = {"Enter": 13, "Backspace": 8, "ArrowRight": 39, "ArrowUp": 38, "ArrowDown": 40, "Delete": 46, " ": 32}
_CLICKS = ("click", "toggle")
_TEXTS = {"Enter": "\r", " ": " "}


def do(tab: Tab, deed: Deed) -> bool:
    """Does a deed on an item of the tab's last reading; False where it is refused.

    Raises:
        EngineError: the tab is gone or hangs.
        UnknownNameError: there is no such kind of deed.
    """
    ahead, tab.aimed = tab.aimed, None  # whatever is done, it holds no longer
    if not _allowed(tab, deed):
        return False
    if deed.kind in _CLICKS:
        return _click(tab, deed.item, ahead)
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


def aim_ahead(tab: Tab, deed: Deed) -> None:
    """Asks a tab at rest where a click that :func:`do` is about to be given would land; does not wait.

    A team whose clicks are all aimed at once waits for one answer in place of seven.
    """
    tab.aimed = None
    if deed.kind not in _CLICKS or not tab.calm or not _allowed(tab, deed):
        return
    call = tab.send_script(f"__remalisHands.aim({deed.item}, {_leaves(tab, deed.item)}, true)")
    if call is not None:
        tab.aimed = Aimed(deed.item, tab.items, tab.begun, call)


def _click(tab: Tab, item: int, ahead: Aimed | None) -> bool:
    aim = _aim(tab, item, ahead)
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


def _aim(tab: Tab, item: int, ahead: Aimed | None) -> dict[str, Any]:
    """Where to click; a point that was asked for ahead holds as long as page and reading are the same."""
    if ahead is not None and ahead.item == item and ahead.begun == tab.begun and ahead.items is tab.items:
        aim = json.loads(script_value(tab.answer(ahead.call)))
        if "refused" not in aim:
            return aim
    return tab.hands(f"__remalisHands.aim({item}, {_leaves(tab, item)})")


def _leaves(tab: Tab, item: int) -> str:
    """Whether a click may leave the page, in the words of its scripts."""
    return json.dumps(tab.items[item].role == "link" or bool(tab.items[item].form))


def _allowed(tab: Tab, deed: Deed) -> bool:
    return 0 <= deed.item < len(tab.items) and allows(tab.items[deed.item], deed)


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
