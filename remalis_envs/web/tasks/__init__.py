"""Tasks: what a team is asked for, how it could be done, and whether it was."""

from __future__ import annotations
