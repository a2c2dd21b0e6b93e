"""A message to somebody of the staff: begun among the messages, written as a draft, sent."""

from __future__ import annotations

from remalis_envs.web.sites.mechanics.base import Mechanic


class StaffMessage(Mechanic):
    """Choose whom to write to, write, send."""

    name = "message"
    begins = "messages"
    ends = "submit"
