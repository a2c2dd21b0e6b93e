"""What a browser does with forms: which fields it sends, which button Enter presses, which drafts it keeps."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

from remalis_envs.web.pages import addresses
from remalis_envs.web.pages.addresses import Address
from remalis_envs.web.pages.elements import Element
from remalis_envs.web.pages.tags import chosen_option, field_value, option_value
from remalis_envs.web.sites.protocol import Fields

FIELDS = frozenset(("input", "select", "textarea", "button"))
DEFAULT = ":default"
"""Attribute under which a field keeps the value that its page gave it; never written as HTML."""
_BUTTONS = frozenset(("submit", "button", "reset", "image"))
_NEVER_KEPT = _BUTTONS | {"hidden", "password"}
_CHOICES = frozenset(("checkbox", "radio", "select"))
_AS_GIVEN = "\0"
_BLOCKS_ENTER = frozenset(("", "text", "search", "url", "tel", "email", "password", "date", "number", "time"))


class Submission(NamedTuple):
    """What a form asks for."""

    method: str
    address: Address
    form: Fields


def kind_of(element: Element) -> str:
    """The type of a field: of a button ``submit`` where none is said."""
    return element.get("type") or ("submit" if element.tag == "button" else "")


def fields_of(root: Element, form: Element) -> Iterator[tuple[Element, bool]]:
    """Fields of a form in tree order, each with whether a fieldset around it is disabled."""
    name = form.get("id")
    yield from _fields(root if name else form, form, name, inside=not name, disabled=False)


def _fields(at: Element, form: Element, name: str, inside: bool, disabled: bool) -> Iterator[tuple[Element, bool]]:
    for child in at.children:
        if isinstance(child, str):
            continue
        tag = child.tag
        if tag in FIELDS:
            owner = child.attributes.get("form")
            if owner == name if owner is not None else inside:
                yield child, disabled
        elif tag == "form":
            yield from _fields(child, form, name, child is form, disabled)
        elif tag != "template":
            off = disabled or (tag == "fieldset" and child.has("disabled"))
            yield from _fields(child, form, name, inside, off)


def submission(root: Element, form: Element, button: Element | None, base: str) -> Submission:
    """What a form asks for when a button of it is pressed, or none.

    Args:
        root: the tree that it stands in.
        form: the form.
        button: that was pressed.
        base: ``host/path?query`` of the page.
    """
    pairs: list[tuple[str, str]] = []
    for element, disabled in fields_of(root, form):
        name = element.get("name")
        if not name or disabled or element.has("disabled"):
            continue
        kind = kind_of(element)
        if element.tag == "button" or kind in _BUTTONS:
            if element is button:
                pairs.append((name, element.get("value")))
        elif kind in ("checkbox", "radio"):
            if element.has("checked"):
                pairs.append((name, element.get("value") if "value" in element.attributes else "on"))
        elif element.tag == "select":
            option = chosen_option(element)
            if option is not None and not option.has("disabled"):
                pairs.append((name, option_value(option)))
        else:
            pairs.append((name, field_value(element).replace("\r\n", "\n").replace("\n", "\r\n")))
    action, method = form.get("action"), form.get("method", "get").upper()
    if button is not None:
        action, method = button.get("formaction", action), button.get("formmethod", method).upper()
    address = addresses.resolve(base, action) if action else addresses.parse(base)
    fields = tuple(pairs)
    if method == "POST":
        return Submission("POST", address, fields)
    return Submission("GET", address._replace(query=addresses.encode_fields(fields)), ())


def pressed_by_enter(root: Element, form: Element) -> tuple[Element | None, bool]:
    """The button that Enter in a field presses, and whether the form is sent at all."""
    blocking = 0
    for element, disabled in fields_of(root, form):
        kind = kind_of(element)
        if kind in ("submit", "image"):
            return element, not (disabled or element.has("disabled"))
        blocking += element.tag == "input" and kind in _BLOCKS_ENTER
    return None, blocking <= 1


DraftKey = tuple[str, str, str]
Drafts = dict[DraftKey, list[str]]


def _keyed(root: Element) -> Iterator[tuple[DraftKey, Element]]:
    """Fields with the names under which a browser keeps their drafts: form, name, type."""
    owners: dict[int, str] = {}
    for form in root.elements():
        if form.tag == "form":
            own = [field for field, _ in fields_of(root, form)]
            names = [field.get("name") for field in own if field.get("name")][:2]
            signature = " ".join((form.get("action").partition("?")[0], *names))
            off = form.get("autocomplete") == "off"
            owners.update((id(field), "" if off else signature + " form") for field in own)
    for element in root.elements():
        if element.tag not in FIELDS or element.tag == "button" or element.get("autocomplete") == "off":
            continue
        owner = owners.get(id(element), "none")
        if owner:
            yield (owner, element.get("name"), kind_of(element) or element.tag), element


def _held(element: Element, kind: str) -> str | None:
    """What a browser would write down of a field; None where it never does."""
    if kind in ("checkbox", "radio"):
        return "on" if element.has("checked") else ""
    if kind == "select":
        option = chosen_option(element)
        return "" if option is None else option_value(option)
    return None if kind in _NEVER_KEPT else field_value(element)


def _as_given(element: Element, kind: str, value: str) -> bool:
    """Whether a browser takes a field for untouched; a text area is touched even by typing what it held."""
    if kind in _CHOICES:
        return False
    if kind == "textarea":
        return DEFAULT not in element.attributes
    return value == element.get(DEFAULT, value)


def drafts_of(root: Element) -> Drafts:
    """What a browser keeps of a page that is left: what was typed, and every choice."""
    kept: defaultdict[DraftKey, list[str]] = defaultdict(list)
    for key, element in _keyed(root):
        value = _held(element, key[2])
        if value is not None:
            # A field that holds what its page gave it is not kept, yet it takes its turn among its equals.
            kept[key].append(_AS_GIVEN if _as_given(element, key[2], value) else value)
    return dict(kept)


def _to_change(root: Element, drafts: Drafts) -> Iterator[tuple[Element, str, str]]:
    """Fields that hold something else than their drafts, with their kinds and drafts."""
    queues = {key: deque(values) for key, values in drafts.items()}
    for key, element in _keyed(root):
        queue = queues.get(key)
        value = queue.popleft() if queue else _AS_GIVEN
        if value == _AS_GIVEN:
            continue
        if value != _held(element, key[2]) or (key[2] == "textarea" and DEFAULT not in element.attributes):
            yield element, key[2], value


def changes(root: Element, drafts: Drafts) -> bool:
    """Whether :func:`put_back` would change anything."""
    return any(True for _ in _to_change(root, drafts))


def put_back(root: Element, drafts: Drafts) -> None:
    """Writes the drafts of a page into the page as it was loaded again."""
    for element, kind, value in list(_to_change(root, drafts)):
        if kind in ("checkbox", "radio"):
            mark(element, "checked", value == "on")
        elif kind == "select":
            for option in element.elements():
                if option.tag == "option" and option_value(option) == value:
                    choose(element, option)
                    break
        else:
            set_value(element, value)


def mark(element: Element, name: str, there: bool) -> None:
    """Sets or removes an attribute that has no value."""
    if there:
        element.attributes[name] = True
    else:
        element.attributes.pop(name, None)


def choose(select: Element, option: Element) -> None:
    """Chooses an option of a select."""
    for one in select.elements():
        if one.tag == "option":
            mark(one, "selected", one is option)


def set_value(element: Element, value: str) -> None:
    """Sets what a field holds, as if it had been typed; what its page gave it is kept beside it."""
    element.attributes.setdefault(DEFAULT, field_value(element))
    element.attributes["value"] = value


def typed_value(element: Element, text: str) -> str:
    """What a field holds once ``text`` was typed into it."""
    if element.tag == "textarea":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        text = text.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")
        if kind_of(element) in ("email", "url"):
            text = text.strip()
    limit = element.get("maxlength")
    return text[: int(limit)] if limit else text


def check(root: Element, form: Element | None, element: Element) -> None:
    """Clicks a checkbox, or a radio button, which takes the check from the others of its name."""
    if kind_of(element) == "checkbox":
        mark(element, "checked", not element.has("checked"))
        return
    name = element.get("name")
    group = (field for field, _ in fields_of(root, form)) if form is not None else root.elements()
    for other in group:
        if other.tag == "input" and other.get("type") == "radio" and name and other.get("name") == name:
            mark(other, "checked", False)
    mark(element, "checked", True)
