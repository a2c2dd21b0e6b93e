"""The login's one basket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.pages.elements import e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.protocol import Request, Response

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


def basket(world: SiteWorld) -> Response:
    """What the basket holds."""
    lines = world.db.execute("SELECT id, service, target, quantity FROM basket ORDER BY id").fetchall()
    rows = []
    services = []
    for number, name, target, quantity in lines:
        service = world.domain.services[name]
        row = world.site.row(service.entity, target)
        if row is None:
            continue
        if service not in services:
            services.append(service)
        link = e("a", world.site.name(service.entity, row), href=f"/item/{service.entity}/{target}")
        rows.append((link, str(quantity), frame.button_form(f"/basket/remove/{number}", "Remove")))
    if not rows:
        return frame.notice(world.site, "Basket", "The basket is empty.", ("Home", "/"), role="status")
    return frame.page(
        world.site,
        "Basket",
        frame.table(("Item", "Quantity", "Change"), rows, "Basket"),
        [frame.button_form(f"/draft/checkout/{service.name}", "Go to checkout") for service in services],
    )


def remove(world: SiteWorld, number: int, request: Request) -> Response:
    """Takes a line out; a checkout that was drafted with it is stale."""
    world.write(
        request.tab,
        "remove",
        [("DELETE FROM basket WHERE id = ?", (number,)), ("UPDATE draft SET version = version + 1", ())],
        str(number),
    )
    return Response(redirect="/basket")
