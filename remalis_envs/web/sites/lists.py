"""What lists of rows show, page by page, and how dense pages are filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import Content, Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Entity, FieldSpec
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.showing import shown

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


PAGE_ROWS = {"easy": 12, "medium": 12, "hard": 40}


DENSE = 300
"""Items that a page of a hard task has at least, where there are things enough."""


def list_fields(entity: Entity) -> list[FieldSpec]:
    """The fields that lists show, beside the title."""
    return [spec for spec in entity.fields if spec.shown == "list" and spec.name != entity.title]


def by_name(site: Site, name: str) -> list[Row]:
    """The rows of an entity as lists show them."""
    return sorted(site.rows[name], key=lambda row: (site.name(name, row), row["id"]))


def list_page(site: Site, level: str, name: str, row: Row) -> int:
    """The page of the list on which a row is."""
    return by_name(site, name).index(row) // PAGE_ROWS[level] + 1


def sort_kind(spec: FieldSpec) -> str:
    """How a column of a field is sorted."""
    return "number" if spec.kind in ("number", "money") else "text"


def linked_table(world: SiteWorld, entity: Entity, rows: list[Row], caption: str) -> Element:
    """A table of rows whose names lead to their details."""
    fields = list_fields(entity)
    heads = [(entity.field(entity.title).label, "text"), *((spec.label, sort_kind(spec)) for spec in fields)]
    cells: list[Sequence[Content]] = [
        (
            e("a", world.site.name(entity.name, one), href=f"/item/{entity.name}/{one['id']}"),
            *(shown(world.site, spec, one[spec.name]) for spec in fields),
        )
        for one in rows
    ]
    return building.sortable_table(caption, heads, cells)


def elsewhere(world: SiteWorld, entity: Entity, items: int) -> list[Element]:
    """Tables of other things than those that a page is about, so that it is as full as large sites' pages are.

    Args:
        world: the world.
        entity: that the page is about.
        items: that the page has without them.
    """
    tables: list[Element] = []
    if world.level != "hard":
        return tables
    for other in world.domain.entities.values():
        if other.place == "catalogue" and other is not entity and items < DENSE:
            rows = world.site.rows[other.name][:30]
            tables.append(linked_table(world, other, rows, f"Others also looked at these {other.plural}"))
            items += len(rows) * (1 + len(list_fields(other)))
    return tables


def similar(world: SiteWorld, entity: Entity, row: Row) -> Element:
    """A table of rows that share most with one: what a dense page of details has below."""
    fields = list_fields(entity)
    rows = [one for one in world.site.rows[entity.name] if one["id"] != row["id"]]
    rows.sort(key=lambda one: (-sum(one[spec.name] == row[spec.name] for spec in fields), one["id"]))
    return linked_table(world, entity, rows[:36], f"Similar {entity.plural}")


def beside(world: SiteWorld, title: str) -> Element | None:
    """Decoys, where pages are dense."""
    return frame.decoys(world.site, title, 14) if world.level == "hard" else None
