"""The words of the web: sub-goals that an agent's action can serve, and concepts of what the control acted on does."""

from __future__ import annotations

SUBGOALS: tuple[str, ...] = (
    "open",
    "search",
    "filter",
    "read a fact",
    "compute",
    "choose a date",
    "fill",
    "review",
    "confirm",
    "report",
    "wait",
)
"""What a step was for; reporting writes something into the notebook for the others."""

CONCEPTS: tuple[str, ...] = (
    "navigation",
    "search",
    "filter",
    "sort order",
    "purchase order",
    "add to basket",
    "outbound",
    "return flight",
    "return goods",
    "reserve",
    "renew",
    "cancel",
    "change",
    "hand over",
    "approve",
    "decline",
    "report",
    "waiting list",
    "quote",
    "application",
    "appointment",
    "account",
    "message",
    "help",
    "compute",
    "date",
    "draft",
    "review",
    "confirm",
    "pay",
    "fact",
    "nothing",
)
"""What a control really does, whatever its label says; ``fact`` for text that was recorded, ``nothing`` for waiting."""
