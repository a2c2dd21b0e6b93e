"""Pages that other people wrote, played in Chromium by one agent."""

from __future__ import annotations
