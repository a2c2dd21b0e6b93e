"""Pages as data: a small document model that becomes HTML for Chromium and a list of items for both engines."""

from __future__ import annotations
