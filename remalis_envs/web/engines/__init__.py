"""Two ways to show sites to a team: Chromium, and a browserless model of it that gives the same readings."""

from __future__ import annotations
