"""Where a fact stands: the page, the text to be read there, and the way to it by links alone."""

from __future__ import annotations

from dataclasses import dataclass

from remalis_envs.web.sites.account import message_text, told_by_messages
from remalis_envs.web.sites.details import MORE
from remalis_envs.web.sites.domain import FieldSpec, Service
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.lists import list_page
from remalis_envs.web.sites.showing import shown


@dataclass(frozen=True)
class Fact:
    """Something that can be read on the sites.

    Attributes:
        name: ``profile.card``, ``target.deposit``, ``target.branch.phone``.
        value: as it stands there.
        text: the whole text that holds it.
        context: what its item's context holds, such as the term beside it; "" where that does not matter.
        way: addresses (``host/path?query``) each linked from the one before it, the last its page.
        opened: name of the disclosure or tab that has to be opened first; "" for none.
    """

    name: str
    value: str
    text: str
    context: str
    way: tuple[str, ...]
    opened: str = ""


def way_to(site: Site, level: str, entity_name: str, row: Row) -> tuple[str, ...]:
    """The way to a row's details by links alone, from the home page."""
    entity = site.domain.entities[entity_name]
    number = row["id"]
    if entity.place != "catalogue":
        return ("main/", "main/account", f"main/account/{entity_name}", f"main/account/{entity_name}/{number}")
    page = list_page(site, level, entity_name, row)
    middle = (f"main/list/{entity_name}?page={page}",) if page > 1 else ()
    return ("main/", f"main/list/{entity_name}", *middle, f"main/item/{entity_name}/{number}")


def fact_of(site: Site, service: Service, row: Row, name: str, level: str = "medium") -> Fact:
    """Where a fact stands.

    Args:
        site: that it stands on.
        service: whose target ``row`` is.
        row: the target.
        name: ``profile.x``, ``target.x`` or ``target.reference.x``.
        level: of the task: lists have more pages where it is not ``hard``.
    """
    owner, _, rest = name.partition(".")
    if owner == "profile":
        return _of_profile(site, rest)
    entity_name, one = service.entity, row
    reference, dot, last = rest.partition(".")
    if dot:
        spec = site.domain.entities[entity_name].field(reference)
        other = site.row(spec.entity, one[reference])
        assert other is not None, f"{name}: row {one[reference]} of {spec.entity} is not there"
        entity_name, one, rest = spec.entity, other, last
    spec = site.domain.entities[entity_name].field(rest)
    return _of_row(site, level, entity_name, one, spec, name)


def _of_profile(site: Site, field_name: str) -> Fact:
    entity = site.domain.profile
    assert entity is not None, f"{site.domain.name} has no profile, and names profile.{field_name}"
    spec = entity.field(field_name)
    value = shown(site, spec, site.rows[entity.name][0][field_name])
    if field_name in told_by_messages(site.domain):
        for place, message in enumerate(site.domain.messages, start=1):
            if f"{{profile.{field_name}}}" in message.text:
                way: tuple[str, ...] = ("main/", "main/messages", f"main/messages/{place}")
                if site.by_mail:
                    way = ("mail/", f"mail/letter/{place}")
                return Fact(f"profile.{field_name}", value, message_text(site, message), "", way)
    return Fact(f"profile.{field_name}", value, value, spec.label, ("main/", "main/account"))


def _of_row(site: Site, level: str, entity_name: str, row: Row, spec: FieldSpec, name: str) -> Fact:
    way, value = way_to(site, level, entity_name, row), shown(site, spec, row[spec.name])
    if spec.shown == "apart":
        way = (*way, f"{way[-1]}/more")
    return Fact(name, value, value, spec.label, way, MORE if spec.shown == "more" else "")
