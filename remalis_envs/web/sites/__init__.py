"""Sites as state machines over data: requests in, pages out, everything that lasts in one SQLite database."""

from __future__ import annotations
