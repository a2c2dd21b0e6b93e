"""Where pages of any kind can be opened without harm: Chromium without rights, without a network, under guard."""

from __future__ import annotations
