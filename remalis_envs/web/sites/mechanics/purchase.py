"""Buying: things go into the login's one basket, the checkout drafts the order, paying ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import Row
from remalis_envs.web.sites.mechanics.base import Mechanic, Statement, address
from remalis_envs.web.sites.protocol import Request, Response

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Purchase(Mechanic):
    """Add to the basket, check out, pay."""

    name = "purchase"
    begins = "basket"
    ends = "pay"
    quantity = True

    def start_path(self, service: Service, target: int) -> str:
        """Where a thing goes into the basket."""
        return f"/basket/add/{service.name}/{target}"

    def panel(self, world: SiteWorld, service: Service, row: Row) -> Element:
        """A quantity and a button."""
        return e(
            "section",
            e("h2", service.label),
            e(
                "form",
                building.stepper("quantity", "Quantity", 1, 1, 20),
                e("button", service.label, type="submit"),
                method="post",
                action=self.start_path(service, row["id"]),
                novalidate=True,
            ),
            aria_label=service.label,
        )

    def start(self, world: SiteWorld, service: Service, row: Row, request: Request) -> Response:
        """Puts a row into the basket; a row that is there already gets the new quantity."""
        back = address(world, service.entity, row["id"])
        reason = self.available(world, service, row, request)
        if reason:
            return frame.refused(world.site, reason, ("Back", back), ("Rules", f"/help/{service.name}"))
        text = dict(request.form).get("quantity", "1").strip().removesuffix(".00")
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 20):
            return frame.refused(world.site, "The quantity must be a number from 1 to 20.", ("Back", back))
        statements: list[Statement] = [
            ("DELETE FROM basket WHERE service = ? AND target = ?", (service.name, row["id"])),
            (
                "INSERT INTO basket (service, target, quantity, tab) VALUES (?, ?, ?, ?)",
                (service.name, row["id"], int(text), request.tab),
            ),
            # A basket that changes makes the checkout that was drafted from it stale.
            ("UPDATE draft SET version = version + 1 WHERE service = ?", (service.name,)),
        ]
        world.write(request.tab, "basket", statements, f"{row['id']} x {text}")
        return Response(redirect="/basket")

    def checkout(self, world: SiteWorld, service: Service, request: Request) -> Response:
        """Drafts an order of what the basket holds."""
        row: Row = {"id": 0}
        world.write(request.tab, f"start {service.name}", self.begin(world, service, row, request), "basket")
        return Response(redirect="/draft")

    def summary(self, world: SiteWorld, service: Service, target: int, slot: str) -> list[tuple[str, str]]:
        """What the basket holds."""
        pairs = [("Service", service.final)]
        lines = world.db.execute("SELECT target, quantity FROM basket WHERE service = ? ORDER BY id", (service.name,))
        for number, quantity in lines:
            row = world.site.row(service.entity, number)
            if row is not None:
                pairs.append((world.site.name(service.entity, row), f"{quantity}"))
        return pairs
