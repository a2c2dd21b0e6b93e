"""The login's own pages: account, messages, help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import Content, Element, e
from remalis_envs.web.sites import details, frame, lists
from remalis_envs.web.sites.domain import Domain, Message
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.protocol import Response
from remalis_envs.web.sites.showing import shown

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld

_PROFILE = re.compile(r"\{profile\.(\w+)\}")


def told_by_messages(domain: Domain) -> set[str]:
    """Fields of the profile that only a message tells."""
    return {name for message in domain.messages for name in _PROFILE.findall(message.text)}


def message_text(site: Site, message: Message) -> str:
    """A message as this login gets it."""
    row, entity = {}, site.domain.profile
    if entity is not None:
        first = site.rows[entity.name][0]
        row = {spec.name: shown(site, spec, first[spec.name]) for spec in entity.fields}
    return _PROFILE.sub(lambda found: row.get(found[1], ""), message.text)


def account(world: SiteWorld, rest: list[str]) -> Response:
    """The account, a list of what the login owns, one such thing."""
    owned = {one.name: one for one in world.domain.entities.values() if one.place == "account"}
    match rest:
        case []:
            links = [e("li", e("a", f"My {one.plural}", href=f"/account/{one.name}")) for one in owned.values()]
            return frame.page(world.site, "My account", e("ul", links), profile(world), crumbs=[("Home", "/")])
        case [name] if name in owned:
            return _owned(world, name)
        case [name, number] if name in owned:
            return _thing(world, name, number, apart=False)
        case [name, number, "more"] if name in owned:
            return _thing(world, name, number, apart=True)
    return frame.not_found(world.site)


def profile(world: SiteWorld) -> list[Element] | None:
    """What the account says of the login itself."""
    entity = world.domain.profile
    if entity is None:
        return None
    hidden = told_by_messages(world.domain)
    row = world.site.rows[entity.name][0]
    fields = [spec for spec in entity.fields if spec.name not in hidden]
    return [
        e("h2", "About you"),
        frame.facts((spec.label, shown(world.site, spec, row[spec.name])) for spec in fields),
    ]


def statuses(world: SiteWorld, name: str) -> dict[int, str]:
    """The status of each owned row of an entity."""
    return dict(world.db.execute("SELECT id, status FROM owned WHERE entity = ?", (name,)))


def _owned(world: SiteWorld, name: str) -> Response:
    entity, site = world.domain.entities[name], world.site
    fields, states = lists.list_fields(entity), statuses(world, name)
    heads = [
        (entity.field(entity.title).label, "text"),
        *((spec.label, lists.sort_kind(spec)) for spec in fields),
        ("State", "text"),
    ]
    rows: list[Sequence[Content]] = [
        (
            e("a", site.name(name, row), href=f"/account/{name}/{row['id']}"),
            *(details.value(world, spec, row) for spec in fields),
            states.get(row["id"], ""),
        )
        for row in site.rows[name]
    ]
    title = f"My {entity.plural}"
    return frame.page(
        site,
        title,
        building.sortable_table(title, heads, rows),
        lists.elsewhere(world, entity, 35 + len(rows) * len(heads)),
        crumbs=[("Home", "/"), ("My account", "/account")],
        beside=lists.beside(world, title),
    )


def _thing(world: SiteWorld, name: str, number: str, apart: bool) -> Response:
    entity, row = world.domain.entities[name], world.row(name, number)
    if row is None:
        return frame.not_found(world.site)
    base, title = f"/account/{name}/{row['id']}", world.site.name(name, row)
    crumbs = [("Home", "/"), ("My account", "/account"), (f"My {entity.plural}", f"/account/{name}")]
    if apart:
        return details.apart(world, entity, row, [*crumbs, (title, base)])
    state = frame.facts([("State", statuses(world, name).get(row["id"], ""))])
    return frame.page(
        world.site,
        title,
        details.details(world, entity, row, base),
        state,
        details.panels(world, name, row),
        lists.elsewhere(world, entity, 50),
        crumbs=crumbs,
        beside=lists.beside(world, title),
    )


def messages(world: SiteWorld, rest: list[str]) -> Response:
    """The inbox, and a message in it."""
    crumbs = [("Home", "/")]
    if world.site.by_mail and not rest:
        told = e("p", "Messages come to your mail: ", e("a", "open the mail", href="//mail/"))
        return frame.page(world.site, "Messages", told, crumbs=crumbs)
    inbox = () if world.site.by_mail else world.domain.messages
    if not rest:
        rows = [
            (e("a", one.subject, href=f"/messages/{place}"), one.sender) for place, one in enumerate(inbox, start=1)
        ]
        content = frame.table(("Subject", "From"), rows, "Inbox") if rows else e("p", "There are no messages.")
        return frame.page(world.site, "Messages", content, crumbs=crumbs)
    if len(rest) == 1 and rest[0].isascii() and rest[0].isdigit() and 1 <= int(rest[0][:6]) <= len(inbox):
        one = inbox[int(rest[0]) - 1]
        text = message_text(world.site, one)
        crumbs.append(("Messages", "/messages"))
        return frame.page(world.site, one.subject, e("p", f"From {one.sender}"), e("p", text), crumbs=crumbs)
    return frame.not_found(world.site)


def help_pages(world: SiteWorld, rest: list[str]) -> Response:
    """Help, and the rules of each service."""
    services = world.domain.services
    if not rest:
        links = [e("li", e("a", f"{one.label}: rules", href=f"/help/{one.name}")) for one in services.values()]
        return frame.page(world.site, "Help", e("ul", links), crumbs=[("Home", "/")])
    if len(rest) == 1 and rest[0] in services:
        service = services[rest[0]]
        rules = [e("li", rule.text) for rule in world.domain.rules_of(service.name)]
        content = e("ul", rules) if rules else e("p", "There are no rules beyond good sense.")
        title = f"{service.label}: rules"
        return frame.page(world.site, title, content, crumbs=[("Home", "/"), ("Help", "/help")])
    return frame.not_found(world.site)
