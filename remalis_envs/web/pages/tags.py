"""What tags mean to a reader, what text stands below an element, and what fields hold."""

from __future__ import annotations

from remalis_envs.web.pages.elements import Element

SKIPPED, INLINE, CONTROL, LABEL, ROW, CELL, GROUP, DETAILS, DIALOG, FORM, BREAK, IMAGE = range(1, 13)


def _tags(kind: int, names: str) -> dict[str, int]:
    return dict.fromkeys(names.split(), kind)


KINDS: dict[str, int] = {
    **_tags(SKIPPED, "script style template head datalist noscript option svg link"),
    **_tags(INLINE, "span strong em b i u s small time abbr code kbd sub sup mark q cite data var samp del ins bdi"),
    **_tags(CONTROL, "a button input select textarea summary"),
    **_tags(ROW, "tr li"),
    **_tags(CELL, "td th dt dd"),
    **_tags(GROUP, "section article aside nav fieldset main header footer"),
    **{"label": LABEL, "details": DETAILS, "dialog": DIALOG, "form": FORM, "br": BREAK, "img": IMAGE},
}
"""What a tag is for the reader; tags that are not here are blocks without a meaning of their own."""
TEXT_ROLE = {
    **{f"h{level}": "heading" for level in range(1, 7)},
    **{"li": "listitem", "td": "cell", "th": "columnheader", "dt": "term", "dd": "definition", "legend": "legend"},
    "output": "status",
}
"""Roles of texts by the tags of the elements that own them; others are plain text."""
INPUT_ROLE = {
    **{"search": "searchbox", "number": "spinbutton", "checkbox": "checkbox", "radio": "radio", "date": "date"},
    **dict.fromkeys(("submit", "button", "reset"), "button"),
}
"""Roles of inputs by their types; others are text boxes."""
LIVE_ROLES = ("status", "alert")


def is_hidden(element: Element) -> bool:
    """Whether an element and all below it are hidden by its own attributes."""
    attributes = element.attributes
    return ("hidden" in attributes and element.has("hidden")) or attributes.get("aria-hidden") == "true"


def own_text(element: Element, controls: bool = False) -> str:
    """The visible text below an element, white space folded; that of controls in it only where they are asked for."""
    children = element.children
    if len(children) == 1 and isinstance(children[0], str):
        return " ".join(children[0].split())
    pieces: list[str] = []
    _gather(children, pieces, controls)
    return " ".join("".join(pieces).split())


def _gather(children: list[Element | str], pieces: list[str], controls: bool) -> None:
    for child in children:
        if isinstance(child, str):
            pieces.append(child)
            continue
        kind = KINDS.get(child.tag, 0)
        if kind == SKIPPED or is_hidden(child) or (kind == CONTROL and not controls):
            continue
        if kind == IMAGE:
            pieces.append(f" {child.get('alt')} ")
        elif kind == INLINE:
            _gather(child.children, pieces, controls)
        else:
            pieces.append(" ")
            _gather(child.children, pieces, controls)
            pieces.append(" ")


def chosen_option(select: Element) -> Element | None:
    """The option of a select that is chosen: the last marked one, else the first that can be chosen."""
    first = found = None
    for option in select.elements():
        if option.tag == "option":
            if option.has("selected"):
                found = option
            elif first is None and not option.has("disabled"):
                first = option
    return found or first


def option_value(option: Element) -> str:
    """What choosing an option sends."""
    return option.get("value") if "value" in option.attributes else option.text()


def field_value(element: Element) -> str:
    """What a field holds, as its form would send it."""
    if element.tag == "select":
        option = chosen_option(element)
        return "" if option is None else option_value(option)
    if element.tag == "textarea" and "value" not in element.attributes:
        value = "".join([child for child in element.children if isinstance(child, str)])
    else:
        value = element.get("value")
    if "\n" in value or "\r" in value:  # as a parser reads them; a field of one line has no line ends
        value = value.replace("\r\n", "\n").replace("\r", "\n")
        if element.tag == "input" and element.get("type") != "hidden":
            value = value.replace("\n", "")
    return value
