"""Widgets on a tree of elements; `assets/widgets.js` does the same on a browser's document.

A widget is marked by ``data-widget`` and reacts to controls in it: ``role="tab"``, or buttons with one of the
attributes of :data:`REACTIONS`. `building.py` makes their trees.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from remalis_envs.web.pages import addresses, calendars
from remalis_envs.web.pages.elements import Element

Fetch = Callable[[str], Element | None]
"""Asks the page's site for a fragment; None where it has none."""
Path = list[Element]
"""From the root down to the control."""


def path_to(root: Element, wanted: Element) -> Path:
    """The elements from a root down to one of its descendants; empty where it is not below it."""
    if root is wanted:
        return [root]
    for child in root.children:
        if isinstance(child, Element):
            below = path_to(child, wanted)
            if below:
                return [root, *below]
    return []


def concerns(control: Element, typed: bool) -> bool:
    """Whether some widget reacts to a click on this control, or to typing into it."""
    attributes = control.attributes
    if typed:
        return "data-suggests" in attributes
    return attributes.get("role") == "tab" or not REACTIONS.keys().isdisjoint(attributes)


def clicked(path: Path, fetch: Fetch) -> None:
    """What a click on the last element of a path does, where :func:`concerns` holds."""
    control = path[-1]
    if control.get("role") == "tab":
        _select_tab(path, fetch)
        return
    for name, react in REACTIONS.items():
        if name in control.attributes:
            react(path, fetch)
            return


def typed(path: Path, fetch: Fetch) -> None:
    """What typing does: a field with suggestions asks for those that fit what it holds."""
    field = path[-1]
    address, value = field.get("data-suggests"), field.get("value").strip()
    fragment = None
    if value:
        joint = "&" if "?" in address else "?"
        fragment = fetch(f"{address}{joint}{addresses.encode_fields((('q', value),))}")
    _show_suggestions(path, [] if fragment is None else fragment.children)


def _inside(path: Path, widget: str) -> Element:
    """The nearest widget of a kind around a control."""
    for element in reversed(path):
        if element.get("data-widget") == widget:
            return element
    return path[0]


def _by_id(root: Element, name: str) -> Element | None:
    return next((element for element in root.elements() if element.get("id") == name), None)


def _set(element: Element, name: str, there: bool) -> None:
    if there:
        element.attributes[name] = True
    else:
        element.attributes.pop(name, None)


def _type(field: Element, value: str) -> None:
    """Puts a value into a field as a script does; what its page gave it is kept beside it."""
    field.attributes.setdefault(":default", field.get("value"))
    field.attributes["value"] = value


def _select_tab(path: Path, fetch: Fetch) -> None:
    chosen = path[-1]
    for element in _inside(path, "tabs").elements():
        if element.get("role") == "tab":
            element.attributes["aria-selected"] = "true" if element is chosen else "false"
            panel = _by_id(path[0], element.get("aria-controls"))
            if panel is not None:
                _set(panel, "hidden", element is not chosen)


def _open(path: Path, fetch: Fetch) -> None:
    dialog = _by_id(path[0], path[-1].get("data-opens"))
    if dialog is not None:
        _show(path[0], dialog)


def _show(root: Element, dialog: Element) -> None:
    """Opens a dialog as a modal one, above those that are open."""
    if "data-modal" not in dialog.attributes:
        above = sum("data-modal" in element.attributes for element in root.elements())
        dialog.attributes.update({"open": True, "data-modal": str(above + 1)})


def _close(path: Path, fetch: Fetch) -> None:
    dialog = next((element for element in reversed(path) if element.tag == "dialog"), None)
    if dialog is not None:
        for name in ("open", "data-modal"):
            dialog.attributes.pop(name, None)


def _sort(path: Path, fetch: Fetch) -> None:
    """Sorts a table by the column whose heading was clicked; a second click turns the order round."""
    table = next(element for element in reversed(path) if element.tag == "table")
    heading = next(element for element in reversed(path) if element.tag == "th")
    row = path[path.index(heading) - 1]
    column = [cell for cell in row.children if isinstance(cell, Element)].index(heading)
    descending = heading.get("aria-sort") == "ascending"
    for cell in row.children:
        if isinstance(cell, Element):
            cell.attributes.pop("aria-sort", None)
    heading.attributes["aria-sort"] = "descending" if descending else "ascending"
    by_number = path[-1].get("data-sort") == "number"

    def key(line: Element) -> tuple[float, str]:
        cells = [cell for cell in line.children if isinstance(cell, Element)]
        text = _plain(cells[column]) if column < len(cells) else ""
        return (_number(text), "") if by_number else (0.0, text.lower())

    body = next(element for element in table.elements() if element.tag == "tbody")
    lines = [line for line in body.children if isinstance(line, Element)]
    lines.sort(key=key, reverse=descending)
    body.children[:] = lines


def _plain(element: Element) -> str:
    """Text as ``textContent`` has it, white space folded."""
    pieces: list[str] = []
    _collect(element, pieces)
    return " ".join("".join(pieces).split())


def _collect(element: Element, pieces: list[str]) -> None:
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child)
        else:
            _collect(child, pieces)


def _number(text: str) -> float:
    found = re.search(r"-?\d+(\.\d+)?", text.replace(",", ""), re.ASCII)
    return float(found.group()) if found else float("inf")


def _step(path: Path, fetch: Fetch) -> None:
    """Adds to or takes from a whole number, within its bounds."""
    field = next(element for element in _inside(path, "stepper").elements() if element.tag == "input")
    held, low, high = field.get("value"), field.get("min"), field.get("max")
    value = int(float(held)) + int(path[-1].get("data-step")) if held else int(low or 0)
    if low:
        value = max(value, int(low))
    if high:
        value = min(value, int(high))
    _type(field, str(value))


def _dismiss(path: Path, fetch: Fetch) -> None:
    toast = _inside(path, "toast")
    path[path.index(toast) - 1].children.remove(toast)


def _more(path: Path, fetch: Fetch) -> None:
    """Adds what comes next to a list; the button goes with the last of it."""
    button = path[-1]
    target, fragment = _by_id(path[0], button.get("data-target")), fetch(button.get("data-more"))
    if target is None or fragment is None:
        return
    target.children.extend(fragment.children)
    after = fragment.get("data-next")
    if after:
        button.attributes["data-more"] = after
    else:
        path[-2].children.remove(button)


def _show_suggestions(path: Path, children: list[Element | str]) -> None:
    widget = _inside(path, "autocomplete")
    field = next(element for element in widget.elements() if "data-suggests" in element.attributes)
    shown = next(element for element in widget.elements() if element.get("role") == "listbox")
    shown.children[:] = children
    _set(shown, "hidden", not children)
    field.attributes["aria-expanded"] = "true" if children else "false"


def _suggest(path: Path, fetch: Fetch) -> None:
    """Takes a suggestion into the field."""
    widget = _inside(path, "autocomplete")
    field = next(element for element in widget.elements() if "data-suggests" in element.attributes)
    _type(field, path[-1].get("data-suggestion"))
    _show_suggestions(path, [])


def _date_field(widget: Element) -> Element:
    return next(element for element in widget.elements() if element.tag == "input")


def _show_month(widget: Element, shown: str) -> Element:
    """Fills the dialog of a date picker with a month."""
    dialog = next(element for element in widget.elements() if element.tag == "dialog")
    chosen = _date_field(widget).get("value")
    dialog.children[:] = calendars.month(shown, chosen, widget.get("data-low"), widget.get("data-high"))
    return dialog


def _open_calendar(path: Path, fetch: Fetch) -> None:
    widget = _inside(path, "datepicker")
    day = _date_field(widget).get("value") or widget.get("data-today")
    _show(path[0], _show_month(widget, day[:7]))


def _turn(path: Path, fetch: Fetch) -> None:
    _show_month(_inside(path, "datepicker"), path[-1].get("data-month"))


def _pick(path: Path, fetch: Fetch) -> None:
    _type(_date_field(_inside(path, "datepicker")), path[-1].get("data-day"))
    _close(path, fetch)


REACTIONS: dict[str, Callable[[Path, Fetch], None]] = {
    "data-opens": _open,
    "data-closes": _close,
    "data-sort": _sort,
    "data-step": _step,
    "data-dismiss": _dismiss,
    "data-more": _more,
    "data-suggestion": _suggest,
    "data-calendar": _open_calendar,
    "data-month": _turn,
    "data-day": _pick,
}
"""Attributes of buttons, and what a click on such a button does."""
