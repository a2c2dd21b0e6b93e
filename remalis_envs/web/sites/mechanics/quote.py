"""A quote: options are chosen on the draft, which then says what it comes to, and the quote is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import values_of
from remalis_envs.web.sites.expressions import Formula
from remalis_envs.web.sites.mechanics.base import Mechanic
from remalis_envs.web.sites.showing import money

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Quote(Mechanic):
    """Choose options, see the price, accept. Option ``price``: a formula of ``target.x`` and inputs, flags 0 or 1."""

    name = "quote"

    def summary(self, world: SiteWorld, service: Service, target: int, slot: str) -> list[tuple[str, str]]:
        """With the price, as soon as what it depends on is saved."""
        pairs = super().summary(world, service, target, slot)
        row = world.site.row(service.entity, target)
        formula = service.options.get("price")
        saved = dict(world.db.execute("SELECT name, value FROM draft_field"))
        if row is None or formula is None or not saved:
            return pairs
        values: dict[str, Any] = {f"target.{k}": v for k, v in values_of(world.site, row, service.entity).items()}
        for one in service.form:
            text = saved.get(one.name, "")
            numeric = one.kind in ("number", "money")
            values[one.name] = float(text or 0) if numeric else int(text == "yes") if one.kind == "flag" else text
        return [*pairs, ("Price", money(world.domain, float(Formula(str(formula))(values))))]
