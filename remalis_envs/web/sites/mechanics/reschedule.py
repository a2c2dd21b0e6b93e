"""Moving something that the login owns to another time."""

from __future__ import annotations

from remalis_envs.web.sites.mechanics.booking import Booking


class Reschedule(Booking):
    """From the account: hold a new time, say why, confirm; the old time is given up."""

    name = "reschedule"
    source = "account"
    begins = "account"
    status = "moved"
