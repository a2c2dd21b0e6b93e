"""What can be read off a page: the ordered list of its controls and texts, the same from either engine."""

from __future__ import annotations

from dataclasses import dataclass

CONTROL_ROLES = (
    "link",
    "button",
    "textbox",
    "searchbox",
    "combobox",
    "spinbutton",
    "checkbox",
    "radio",
    "tab",
    "date",
    "summary",
)
"""Roles of controls: what can be acted on. ``combobox`` is a select or an input with suggestions, ``date`` a date
field, ``summary`` what opens a disclosure."""
TEXT_ROLES = ("heading", "text", "cell", "columnheader", "listitem", "term", "definition", "legend", "status", "alert")
"""Roles of texts: what can be read, and recorded as a fact."""


@dataclass(slots=True, frozen=True)
class Item:
    """One control or text.

    Attributes:
        role: one of :data:`CONTROL_ROLES` or :data:`TEXT_ROLES`.
        name: accessible name, or the text; white space folded.
        value: what a field holds, as text.
        context: text of what surrounds it, shortened: the row, list entry, group or section that it stands in.
        kind: of a control, its ``type`` (``text``, ``number``, ``date``, ``submit``, ``button``, ...); else "".
        href: of a link, where it leads, without the host where that is the page's own.
        form: of a control in a form, ``"GET /path"`` or ``"POST /path"`` that the form asks for; else "".
        options: of a select, what can be chosen.
        checked: of a checkbox or radio button.
        expanded: of what opens something.
        selected: of a tab.
        disabled: whether it cannot be acted on.
    """

    role: str
    name: str
    value: str = ""
    context: str = ""
    kind: str = ""
    href: str = ""
    form: str = ""
    options: tuple[str, ...] = ()
    checked: bool | None = None
    expanded: bool | None = None
    selected: bool | None = None
    disabled: bool = False

    def __hash__(self) -> int:
        return hash((self.name, self.value, self.context))  # enough to tell items apart, and they are looked up often

    @property
    def is_control(self) -> bool:
        """Whether it can be acted on."""
        return self.role in CONTROL_ROLES


@dataclass(slots=True, frozen=True)
class Reading:
    """A tab as it is read.

    Attributes:
        url: ``host/path?query``, the host as the world names it (``main``, ``calculator``, ...).
        title: of the document.
        items: in document order; an item's place here is how a deed names it.
        dialog: whether a modal dialog is open; then ``items`` holds its items alone.
    """

    url: str
    title: str
    items: tuple[Item, ...]
    dialog: bool = False
