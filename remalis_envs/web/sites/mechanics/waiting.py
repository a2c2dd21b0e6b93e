"""A waiting list: only what is full has one."""

from __future__ import annotations

from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.mechanics.base import Mechanic


class WaitingList(Mechanic):
    """Join the list of something full. Option ``full``: the flag of the entity that says whether it is."""

    name = "waiting_list"

    def excluded(self, site: Site, service: Service, row: Row) -> str:
        """There is no waiting for what is to be had."""
        if not row[str(service.options["full"])]:
            return "There are free places, so there is no waiting list."
        return super().excluded(site, service, row)
