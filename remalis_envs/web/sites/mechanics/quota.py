"""A share of something scarce: a quantity up to what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.mechanics.base import Mechanic

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Quota(Mechanic):
    """Ask for some of what is left. Options: ``left`` (a number field), ``input`` (the input that says how many)."""

    name = "quota"

    def excluded(self, site: Site, service: Service, row: Row) -> str:
        """Nothing can be asked of what is used up."""
        if row[str(service.options["left"])] < 1:
            return "Nothing is left of this."
        return super().excluded(site, service, row)

    def refusal(self, world: SiteWorld, service: Service, target: int, values: dict[str, str]) -> str:
        """No more than what is left."""
        row, asked = world.site.row(service.entity, target), values.get(str(service.options["input"]), "")
        if row is not None and _number(asked) > (left := row[str(service.options["left"])]):
            return f"Only {left} {'is' if left == 1 else 'are'} left."
        return super().refusal(world, service, target, values)


def _number(text: str) -> float:
    """The number that a text says; 0 for none, which other checks refuse."""
    try:
        return float(text)
    except ValueError:
        return 0.0
