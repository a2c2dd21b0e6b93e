"""The actions of an agent: a few that are always the same, then the window of what its page offers."""

from __future__ import annotations

WAIT, NEXT_REGION, PREVIOUS_REGION, BACK, HOME, FIND = range(6)
BOOKMARKS = 6
"""Sites beside the one where tabs begin; bookmark k opens the world's host k + 1."""
TEXT_SLOTS = 4
"""Fields with free text that ``parse`` puts together."""
FIRST_BOOKMARK = FIND + 1
FIRST_TEXT = FIRST_BOOKMARK + BOOKMARKS
FIRST_CANDIDATE = FIRST_TEXT + TEXT_SLOTS
"""Candidates come last, so that a network need not look at the rows that a small page leaves empty."""
WINDOW = 64
"""Candidates that an agent sees at a time."""
ACTIONS = FIRST_CANDIDATE + WINDOW
"""``A``."""

FIXED = ("wait", "next region", "previous region", "back", "home", "find")
PAGE_OPERATIONS = ("follow", "press", "toggle", "open", "fill", "choose", "record")
"""``follow`` a link, ``press`` a button, ``toggle`` a checkbox or radio button, ``open`` a tab or disclosure, ``fill``
a field, ``choose`` an option of a select, ``record`` a text into the notebook."""
OPERATIONS = (*FIXED, "bookmark", "text slot", *PAGE_OPERATIONS)


def operation_of(action: int) -> str:
    """The operation of an action that is always the same (below :data:`FIRST_CANDIDATE`)."""
    if action < FIRST_BOOKMARK:
        return FIXED[action]
    return "bookmark" if action < FIRST_TEXT else "text slot"
