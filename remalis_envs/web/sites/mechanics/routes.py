"""Which pages and requests of services go where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.sites import frame
from remalis_envs.web.sites.mechanics.baskets import basket, remove
from remalis_envs.web.sites.mechanics.drafts import discard, form, open_draft, save
from remalis_envs.web.sites.mechanics.finals import desk, make_final, review, settle_pending
from remalis_envs.web.sites.mechanics.purchase import Purchase
from remalis_envs.web.sites.protocol import Request, Response

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


def get(world: SiteWorld, name: str, rest: list[str]) -> Response:
    """Pages about the draft and the basket."""
    if name == "basket":
        return basket(world)
    if name == "desk":
        return desk(world)
    if name == "done":
        return frame.notice(world.site, "Done", "Thank you. Your request is complete.", ("Home", "/"), role="status")
    draft = open_draft(world)
    if draft is None:
        title = "Your draft" if name == "draft" else "Review"
        return frame.notice(world.site, title, "You have no open draft.", ("Home", "/"), role="status")
    if name == "review":
        return review(world, draft) if not rest else frame.not_found(world.site)
    parts = world.mechanic(draft.service).parts
    match rest:
        case []:
            return form(world, draft)
        case ["saved"]:
            return form(world, draft, saved=True)
        case [number] if number in [str(one) for one in range(1, parts + 1)]:
            return form(world, draft, part=int(number))
        case [number, "saved"] if number in [str(one) for one in range(1, parts + 1)]:
            return form(world, draft, part=int(number), saved=True)
    return frame.not_found(world.site)


def post(world: SiteWorld, parts: list[str], request: Request) -> Response:
    """Everything that changes the site."""
    services = world.domain.services
    match parts:
        case ["draft", "save"]:
            return save(world, request)
        case ["draft", "discard"]:
            return discard(world, request)
        case ["draft", "checkout", name] if name in services:
            mechanic = world.mechanic(services[name])
            if isinstance(mechanic, Purchase):
                return mechanic.checkout(world, services[name], request)
        case ["basket", "remove", number] if number.isascii() and number.isdigit():
            return remove(world, int(number[:9]), request)
        case ["draft" | "hold" | "account" | "basket" | "messages" as begins, "start" | "add", name, number] if (
            name in services
        ):
            service = services[name]
            row = world.row(service.entity, number)
            mechanic = world.mechanic(service)
            if row is not None and mechanic.begins == begins:
                return mechanic.start(world, service, row, request)
        case ["confirm", "pending", number] if number.isascii() and number.isdigit():
            return settle_pending(world, int(number[:9]), request)
        case ["confirm" | "pay" | "submit" as ends, name] if name in services:
            if world.mechanic(services[name]).ends == ends:
                return make_final(world, services[name], request)
    return frame.not_found(world.site)
