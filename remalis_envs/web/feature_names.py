"""Names of the features of an action, and the columns in which they stand."""

from __future__ import annotations

from remalis_envs.web.actions import OPERATIONS
from remalis_envs.web.roles import RIGHTS
from remalis_envs.web.words import KINDS

ROLE_GROUPS = {
    "link": ("link",),
    "button": ("button",),
    "field": ("textbox", "searchbox"),
    "combobox": ("combobox",),
    "number": ("spinbutton",),
    "check": ("checkbox", "radio"),
    "opener": ("tab", "summary"),
    "date": ("date",),
    "heading": ("heading", "columnheader", "legend", "term"),
    "entry": ("cell", "listitem", "definition"),
    "text": ("text",),
    "status": ("status", "alert"),
}
GROUP_OF = {role: number for number, roles in enumerate(ROLE_GROUPS.values()) for role in roles}
LABEL_HASH, CONTEXT_HASH = 48, 12
"""Columns into which the words of labels, and of what surrounds them, are hashed. To the label belongs what would be
chosen; that of a fact is the term before it."""
NAMED_KINDS = KINDS[: KINDS.index("phrase") + 1]
"""Kinds of values that an instruction holds itself."""

ACTION_FEATURES = (
    "exists",
    *(f"operation_{name.replace(' ', '_')}" for name in OPERATIONS),
    *(f"role_{name}" for name in ROLE_GROUPS),
    *(f"right_{name}" for name in RIGHTS),
    "checked",
    "expanded",
    "selected",
    "filled",
    "submits",
    "asks",
    "sends",
    "heads",
    "label_share",
    "context_share",
    "value_share",
    "exact",
    "value_exact",
    "value_near",
    "value_noted",
    "held_share",
    *(f"label_names_{kind}" for kind in NAMED_KINDS),
    *(f"context_names_{kind}" for kind in NAMED_KINDS),
    "value_taken",
    *(f"value_is_{kind}" for kind in KINDS),
    "label_weight",
    "context_weight",
    "weight",
    "relative_weight",
    "best",
    "in_notes",
    "done_by_me",
    "done_by_others",
    "done_just_now",
    "place",
    *(f"label_{k}" for k in range(LABEL_HASH)),
    *(f"context_{k}" for k in range(CONTEXT_HASH)),
)
"""Of each action. ``heads``: what surrounds it begins with its label, as a row does with the name of what it is about;
``share``: of the words of the label (the context, the value), those that the instruction has; ``exact``: they stand in
it as they are; ``held``: of what a field holds; ``names``: a value of that kind, which the instruction holds, stands in
it whole; ``taken``: another field holds it already; ``is``: what kind of value it is; ``weight``: of the instruction's
words, those that it has, rare ones on this page counting more; ``relative`` to the best of the page."""
F = {name: column for column, name in enumerate(ACTION_FEATURES)}
