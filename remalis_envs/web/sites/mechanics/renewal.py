"""Renewing and cancelling something that the login owns."""

from __future__ import annotations

from remalis_envs.web.sites.mechanics.base import Mechanic


class Renewal(Mechanic):
    """From the account: renew it, say for how long, confirm."""

    name = "renewal"
    source = "account"
    begins = "account"
    status = "renewed"


class Cancellation(Mechanic):
    """From the account: cancel it, say why, confirm."""

    name = "cancellation"
    source = "account"
    begins = "account"
    status = "cancelled"
