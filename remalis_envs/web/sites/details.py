"""The details of a row: facts on tabs or in disclosures, what is kept apart, what begins a service."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import Content, Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Entity, FieldSpec
from remalis_envs.web.sites.drawing import Row
from remalis_envs.web.sites.lists import beside, elsewhere, list_fields, similar
from remalis_envs.web.sites.protocol import Response
from remalis_envs.web.sites.showing import shown

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


MORE = "More details"
"""Name of the tab or disclosure with the fields that are shown as ``more``."""


APART_LABELS = (
    "Good to know",
    "The small print",
    "For the curious",
    "Behind the scenes",
    "A word from us",
    "Before you ask",
    "Odds and ends",
)
"""Names of links to what is kept apart: none says what is there."""


def apart_label(entity: Entity, site_seed: int) -> str:
    """The name of the link to what is kept apart."""
    return APART_LABELS[crc32(f"{entity.name}/{site_seed}".encode()) % len(APART_LABELS)]


def value(world: SiteWorld, spec: FieldSpec, row: Row) -> Content:
    """A field's value; a reference is a link."""
    text = shown(world.site, spec, row[spec.name])
    if spec.kind == "ref" and world.domain.entities[spec.entity].place == "catalogue":
        return e("a", text, href=f"/item/{spec.entity}/{row[spec.name]}")
    return text


def in_tabs(entity: Entity) -> bool:
    """Whether details of an entity are parted by tabs; else they are by a disclosure."""
    return crc32(entity.name.encode()) % 2 == 0


def details(world: SiteWorld, entity: Entity, row: Row, base: str) -> list[Element]:
    """What a page of details says of a row: the first facts, more of them to be opened, the way to the rest."""
    first = [spec for spec in entity.fields if spec.shown in ("list", "detail") and spec.name != entity.title]
    more = [spec for spec in entity.fields if spec.shown == "more"]
    content: list[Element] = [frame.facts((spec.label, value(world, spec, row)) for spec in first)]
    if more:
        facts = frame.facts((spec.label, value(world, spec, row)) for spec in more)
        if in_tabs(entity):
            content = [building.tabs("about", [("Overview", content), (MORE, facts)])]
        else:
            content.append(building.details(MORE, facts))
    if any(spec.shown == "apart" for spec in entity.fields):
        content.append(e("p", e("a", apart_label(entity, world.site.seed), href=f"{base}/more")))
    return content


def item(world: SiteWorld, name: str, number: str, rest: list[str]) -> Response:
    """The details of a row, or what is kept apart of it."""
    entity = world.domain.entities[name]
    row = world.row(name, number)
    if entity.place != "catalogue" or row is None or rest not in ([], ["more"]):
        return frame.not_found(world.site)
    base, title = f"/item/{name}/{row['id']}", world.site.name(name, row)
    crumbs = [("Home", "/"), (entity.plural.capitalize(), f"/list/{name}")]
    if rest:
        return apart(world, entity, row, [*crumbs, (title, base)])
    return frame.page(
        world.site,
        title,
        details(world, entity, row, base),
        panels(world, name, row),
        *_around(world, entity, row),
        crumbs=crumbs,
        beside=beside(world, title),
    )


def _around(world: SiteWorld, entity: Entity, row: Row) -> list[Element]:
    """What a dense page of details has below."""
    if world.level != "hard":
        return []
    rows = min(len(world.site.rows[entity.name]) - 1, 36)
    return [similar(world, entity, row), *elsewhere(world, entity, 50 + rows * (1 + len(list_fields(entity))))]


def panels(world: SiteWorld, name: str, row: Row) -> list[Element]:
    """What begins the services of a row, each with its conditions in a dialog."""
    found = []
    for service in world.domain.services.values():
        if service.entity == name:
            found.append(world.mechanic(service).panel(world, service, row))
            rules = world.domain.rules_of(service.name)
            if rules:
                key, title = f"rules-{service.name}", f"Conditions: {service.label}"
                found.append(e("p", building.opens(key, title)))
                found.append(building.dialog(key, title, e("ul", [e("li", rule.text) for rule in rules])))
    return found


def apart(world: SiteWorld, entity: Entity, row: Row, crumbs: list[frame.Crumb]) -> Response:
    """What is kept apart of a row."""
    kept = [spec for spec in entity.fields if spec.shown == "apart"]
    facts = frame.facts((spec.label, value(world, spec, row)) for spec in kept)
    return frame.page(world.site, apart_label(entity, world.site.seed), facts, crumbs=crumbs)
