"""Controls in Chromium's own accessibility tree, written as readings write them."""

from __future__ import annotations

from typing import Any

from remalis_envs.web.pages.items import Reading

ROLES = {"Date": "date", "DisclosureTriangle": "summary", "textField": "textbox", "PopUpButton": "combobox"}
"""Chromium's own words for what the others call differently."""
KEPT = (
    *("link", "button", "textbox", "searchbox", "combobox", "spinbutton", "checkbox", "radio", "tab"),
    *("date", "summary"),
)
CLOSED = ("date", "combobox", "textbox", "searchbox", "spinbutton")
"""What is inside of these are parts of the control: a date field is six spin buttons and a button."""
Control = tuple[str, str, Any, Any, Any, bool]
"""Role, name, checked, expanded, selected, disabled."""


def controls_in_tree(nodes: list[dict[str, Any]]) -> list[Control]:
    """Controls of ``Accessibility.getFullAXTree``, in document order."""
    known = {node["nodeId"]: node for node in nodes}
    found: list[Control] = []

    def walk(node: dict[str, Any]) -> None:
        role = node.get("role", {}).get("value", "")
        role = ROLES.get(role, role)
        if not node.get("ignored") and role in KEPT:
            found.append(_control(role, node))
            if role in CLOSED:
                return
        for child in node.get("childIds", ()):
            if child in known:
                walk(known[child])

    walk(next(node for node in nodes if "parentId" not in node))
    return found


def _control(role: str, node: dict[str, Any]) -> Control:
    states = {one["name"]: one["value"].get("value") for one in node.get("properties", ())}
    name = " ".join(node.get("name", {}).get("value", "").split())
    checked = {"true": True, "false": False, None: None}[states.get("checked")]
    # A select says that its list is closed; readings do not, for it is never opened by itself.
    expanded = states.get("expanded") if role in ("summary", "button") else None
    selected = bool(states.get("selected")) if role == "tab" else None
    # A field that cannot be changed cannot be acted on.
    return role, name, checked, expanded, selected, bool(states.get("disabled") or states.get("readonly"))


def controls_in_reading(reading: Reading) -> list[Control]:
    """Controls of a reading, as :func:`controls_in_tree` writes them."""
    found = []
    for item in reading.items:
        if item.is_control:
            expanded = item.expanded if item.role in ("summary", "button") else None
            found.append((item.role, item.name, item.checked, expanded, item.selected, item.disabled))
    return found
