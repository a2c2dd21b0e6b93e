"""Reads a tree of elements into the ordered list of its controls and texts; `assets/reader.js` keeps the same rules.

One pass over the tree. What is hidden is left out: ``hidden``, ``aria-hidden="true"``, closed ``details`` and
``dialog``, hidden fields, scripts and styles. While a modal dialog is open, only its items count.

Every element that is neither inline, nor a control, nor a label owns the text in it and in its inline descendants;
that text is an item at the place where the element begins. ``status`` and ``alert`` own all text below them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from remalis_envs.web.pages import addresses
from remalis_envs.web.pages.contexts import TEXTS, Box, Form, context_of
from remalis_envs.web.pages.elements import Element, Fixed
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.pages.tags import (
    CELL,
    CONTROL,
    DETAILS,
    DIALOG,
    FORM,
    GROUP,
    IMAGE,
    INLINE,
    INPUT_ROLE,
    KINDS,
    LABEL,
    LIVE_ROLES,
    ROW,
    SKIPPED,
    TEXT_ROLE,
    chosen_option,
    field_value,
    is_hidden,
    own_text,
)

make_item = lru_cache(maxsize=1 << 16)(Item)
"""Items are frozen, and most pages repeat most of theirs: equal ones are made once."""


class Read(NamedTuple):
    """A reading, and what its items stand for.

    Attributes:
        reading: of the page.
        elements: one an item.
        forms: of each item, the form that it belongs to.
    """

    reading: Reading
    elements: list[Element]
    forms: list[Element | None]


class _Label:
    """A label, whose text names the first control in it."""

    __slots__ = ("text", "used")

    def __init__(self) -> None:
        self.text, self.used = "", False


Record = tuple[Element, str, str, Box, _Label | None, bool]
"""Element, role, text or name so far, box, label around it, and of a summary whether its disclosure is closed."""


class _Ready(NamedTuple):
    """A record of a fixed part, with the item that it stands for."""

    element: Element
    role: str
    name: str
    box: Box
    label: None
    closed: bool
    item: Item


def read_page(body: Element, url: str, title: str) -> Reading:
    """Reads a page.

    Args:
        body: its tree.
        url: ``host/path?query`` that it was asked for with.
        title: of the document.
    """
    return read_elements(body, url, title).reading


def read_elements(body: Element, url: str, title: str) -> Read:
    """Reads a page; beside the reading, the elements that its items stand for."""
    reader = _Reader(url)
    records = reader.records
    reader.block(body, "text", Box(0, None), None)
    if reader.modals:
        _, records = max(reader.modals, key=lambda modal: modal[0])
    items = tuple([record.item if isinstance(record, _Ready) else reader.item(record) for record in records])
    reading = Reading(url, title, items, bool(reader.modals))
    elements = [record[0] for record in records]
    forms: list[Element | None] = [None] * len(records)
    if reader.asking:
        forms = [reader.form_of(record[0], record[3]) for record in records]
    for box in reader.knots:  # boxes that name each other would stay until the collector finds them
        box.untie()
    return Read(reading, elements, forms)


class _Reader:
    """One pass over a tree."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.records: list[Record | _Ready] = []
        self.labels: dict[str, str] = {}
        self.forms: dict[str, Form] = {}
        self.asking = False
        self.knots: list[Box] = []
        self.modals: list[tuple[str, list[Record | _Ready]]] = []

    def block(self, element: Element, role: str, box: Box, label: _Label | None) -> None:
        """Reads an element that owns its text."""
        children = element.children
        records = self.records
        at = len(records)
        if len(children) == 1 and isinstance(children[0], str):
            text = " ".join(children[0].split())
        else:
            pieces: list[str] = []
            self.walk(children, pieces, box, label)
            text = " ".join("".join(pieces).split())
        if text:
            records.insert(at, (element, role, text, box, None, False))
            box.hears(role, text)

    def walk(self, children: list[Element | str], pieces: list[str], box: Box, label: _Label | None) -> None:
        """Reads children, whose loose text goes into ``pieces``."""
        for child in children:
            if isinstance(child, str):
                pieces.append(child)
                continue
            tag, attributes = child.tag, child.attributes
            kind, role = KINDS.get(tag, 0), ""
            if attributes:
                if ("hidden" in attributes or "aria-hidden" in attributes) and is_hidden(child):
                    continue
                if "role" in attributes:
                    role = str(attributes["role"])
            if kind == INLINE:
                if role not in LIVE_ROLES:
                    self.walk(child.children, pieces, box, label)
                    continue
            elif kind == SKIPPED:
                continue
            pieces.append(" ")
            if role in LIVE_ROLES or tag == "output":
                self.live(child, role or "status", box, label)
            elif kind == CONTROL:
                self.control(child, role, box, label)
            elif kind == CELL:
                own = TEXT_ROLE[tag] if tag != "th" or child.get("scope") != "row" else "cell"
                self.knots.append(box)
                self.block(child, own, box.cell(tag, own == "columnheader"), label)
            elif kind == ROW:
                self.block(child, TEXT_ROLE.get(tag, "text"), Box(ROW, box), label)
            elif kind == 0:
                inner = box
                if role == "tabpanel" or role == "group" or role == "radiogroup":
                    inner = Box(GROUP, box, child.get("aria-label"))
                elif tag == "table":
                    inner = Box(0, box)
                    inner.columns = []
                self.block(child, TEXT_ROLE.get(tag, "text"), inner, label)
            else:
                self.special(child, kind, pieces, box, label)

    def special(self, child: Element, kind: int, pieces: list[str], box: Box, label: _Label | None) -> None:
        """Reads an element that means something to what is in it."""
        if child.__class__ is Fixed:
            self.records.extend(self.fixed(child))
        elif kind == GROUP:
            group = Box(GROUP, box, child.get("aria-label"))
            group.disabled = box.disabled or (child.tag == "fieldset" and child.has("disabled"))
            self.block(child, "text", group, label)
        elif kind == LABEL:
            named = _Label()
            text: list[str] = []
            self.walk(child.children, text, box, named)
            named.text = " ".join("".join(text).split())
            target = child.get("for")
            if target:
                self.labels[target] = f"{self.labels[target]} {named.text}" if target in self.labels else named.text
        elif kind == FORM:
            group = Box(GROUP, box, child.get("aria-label"))
            group.form = Form(child, self.base)
            self.asking = True
            if "id" in child.attributes:
                self.forms[child.get("id")] = group.form
            self.block(child, "text", group, label)
        elif kind == DETAILS:
            if child.has("open"):
                self.block(child, "text", Box(GROUP, box), label)
            else:
                summary = next(
                    (one for one in child.children if isinstance(one, Element) and one.tag == "summary"), None
                )
                if summary is not None:
                    self.control(summary, "", box, None, closed=True)
        elif kind == DIALOG:
            self.dialog(child, box)
        elif kind == IMAGE:
            pieces.append(child.get("alt") + " ")

    def fixed(self, child: Fixed) -> list[_Ready]:
        """A part that stands on other pages, too."""
        host = self.base.partition("/")[0]
        ready = child.readings.get(host)
        if ready is None:
            alone = _Reader(self.base)
            alone.special(Element(child.tag, child.attributes, child.children), GROUP, [], Box(0, None), None)
            ready = [_Ready(one[0], one[1], one[2], one[3], None, False, alone.item(one)) for one in alone.records]
            child.readings[host] = ready
        return ready

    def dialog(self, child: Element, box: Box) -> None:
        """Reads a dialog: a modal one apart from the page."""
        inner = Box(GROUP, box, child.get("aria-label"))
        if "data-modal" in child.attributes:
            outside, self.records = self.records, []
            self.block(child, "text", inner, None)
            self.modals.append((child.get("data-modal"), self.records))
            self.records = outside
        elif child.has("open"):
            self.block(child, "text", inner, None)

    def live(self, element: Element, role: str, box: Box, label: _Label | None) -> None:
        """Reads a status or alert: all its text is one item, its controls follow."""
        at = len(self.records)
        text = own_text(element)
        self.walk(element.children, [], Box(GROUP, box, text), label)
        controls = [record for record in self.records[at:] if record[1] not in TEXTS]
        del self.records[at:]
        if text:
            self.records.append((element, role, text, box, None, False))
        self.records.extend(controls)

    def control(self, element: Element, role: str, box: Box, label: _Label | None, closed: bool = False) -> None:
        """Reads a control; the name of a field is found when all labels are known."""
        tag, name = element.tag, ""
        if tag == "input":
            kind = element.get("type")
            if kind == "hidden":
                return
            suggests = role == "combobox" or "list" in element.attributes
            role = "combobox" if suggests else INPUT_ROLE.get(kind, "textbox")
        elif tag == "select":
            role = "combobox"
        elif tag == "textarea":
            role = "textbox"
        elif tag == "a" and "href" not in element.attributes:
            self.block(element, "text", box, label)
            return
        else:
            role = "tab" if role == "tab" else "link" if tag == "a" else tag
            name = element.get("aria-label") or own_text(element, controls=True)
            if role == "link":
                box.hears(role, name)
            elif not box.heading and (box.kind == CELL or (role == "summary" and not closed)):
                box.heading = name
        if label is not None and not label.used and tag in ("input", "select", "textarea", "button"):
            label.used = True
        else:
            label = None
        self.records.append((element, role, name, box, label, closed))

    def item(self, record: Record | _Ready) -> Item:
        """The item that a record stands for."""
        element, role, name, box, label, closed = record[:6]
        if role in TEXTS:
            return make_item(role, name, "", context_of(box, name, role))
        name = name or self.name(element, label)
        context = context_of(box, name, role)
        if role == "link":
            return make_item(role, name, "", context, "", addresses.shown_href(self.base, element.get("href")))
        if role == "summary":
            return make_item(role, name, "", context, "", "", "", (), None, not closed)
        return self.field(element, role, name, context, box)

    def field(self, element: Element, role: str, name: str, context: str, box: Box) -> Item:
        """The item of a field, button or tab."""
        tag, value, checked = element.tag, "", None
        options: tuple[str, ...] = ()
        if role == "checkbox" or role == "radio":
            checked = element.has("checked")
        elif tag == "select":
            chosen = chosen_option(element)
            value = "" if chosen is None else chosen.text()
            can = [one for one in element.elements() if one.tag == "option" and not one.has("disabled")]
            options = tuple([one.text() for one in can])
        elif role != "button" and role != "tab":
            value = field_value(element)
        return make_item(
            role,
            name,
            value,
            context,
            element.get("type") or ("submit" if tag == "button" else "text" if tag == "input" else tag),
            "",
            self.asks(element, box),
            options,
            checked,
            element.get("aria-expanded") == "true" if "aria-expanded" in element.attributes else None,
            element.get("aria-selected") == "true" if role == "tab" else None,
            box.disabled or element.has("disabled") or element.has("readonly"),
        )

    def asks(self, element: Element, box: Box) -> str:
        """What the form of a control asks for when the control is used."""
        form = self.forms.get(element.get("form")) if "form" in element.attributes else box.form
        if form is None:
            return ""
        if "formaction" in element.attributes:
            method = element.get("formmethod") or form.element.get("method", "GET")
            return addresses.shown_form(self.base, method, element.get("formaction"))
        return form.shown

    def form_of(self, element: Element, box: Box) -> Element | None:
        """The form that a control belongs to."""
        form = self.forms.get(element.get("form")) if "form" in element.attributes else box.form
        return None if form is None else form.element

    def name(self, element: Element, label: _Label | None) -> str:
        """The name of a field, or of a button without text."""
        name = element.get("aria-label")
        if not name and "id" in element.attributes:
            name = self.labels.get(element.get("id"), "")
        if not name and label is not None:
            name = label.text
        kind = element.get("type")
        if not name and kind in ("submit", "button", "reset"):
            name = element.get("value") or {"submit": "Submit", "reset": "Reset"}.get(kind, "")
        return " ".join((name or element.get("title") or element.get("placeholder")).split())
