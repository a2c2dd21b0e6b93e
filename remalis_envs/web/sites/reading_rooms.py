"""Two more tool sites that are read: the mail, and the manual with the rules of all services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.pages.elements import e
from remalis_envs.web.sites import account, frame

if TYPE_CHECKING:
    from remalis_envs.web.sites.tools import Seen
    from remalis_envs.web.sites.world import SiteWorld


def mail(world: SiteWorld, parts: list[str]) -> Seen:
    """The inbox and its letters; empty where the main site keeps the messages itself."""
    inbox = world.domain.messages if world.site.by_mail else ()
    match parts:
        case []:
            rows = [
                (e("a", one.subject, href=f"/letter/{place}"), one.sender) for place, one in enumerate(inbox, start=1)
            ]
            content = frame.table(("Subject", "From"), rows, "Letters") if rows else e("p", "There are no letters.")
            return frame.tool_page(world.site, "mail", "Mail", content), ""
        case ["letter", text] if text in [str(place) for place in range(1, len(inbox) + 1)]:
            one = inbox[int(text) - 1]
            letter = e("p", account.message_text(world.site, one))
            page = frame.tool_page(world.site, "mail", one.subject, e("p", f"From {one.sender}"), letter)
            return page, f"mail/letter/{text}"
    return frame.tool_page(world.site, "mail", "Page not found", status=404), ""


def manual(world: SiteWorld, parts: list[str]) -> Seen:
    """Chapters whose names say nothing but their number."""
    services = list(world.domain.services.values())
    match parts:
        case []:
            numbers = range(1, len(services) + 1)
            links = [e("li", e("a", f"Chapter {number}", href=f"/chapter/{number}")) for number in numbers]
            return frame.tool_page(world.site, "manual", "Manual", e("ol", links)), ""
        case ["chapter", text] if text in [str(number) for number in range(1, len(services) + 1)]:
            service = services[int(text) - 1]
            rules = [e("li", rule.text) for rule in world.domain.rules_of(service.name)]
            content = e("ul", rules) if rules else e("p", "There are no rules beyond good sense.")
            page = frame.tool_page(world.site, "manual", f"Chapter {text}", e("h2", service.label), content)
            return page, f"manual/chapter/{text}"
    return frame.tool_page(world.site, "manual", "Page not found", status=404), ""
