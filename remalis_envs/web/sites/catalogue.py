"""The public pages: home, lists, search with filters and sorting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import Content, Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import SORTABLE, Entity, FieldSpec
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.lists import PAGE_ROWS, beside, by_name, elsewhere, list_fields
from remalis_envs.web.sites.protocol import Response
from remalis_envs.web.sites.showing import shown

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


MOST_OPTIONS = 9
"""Choices of a filter; a field with more of them is found by words."""


def home(world: SiteWorld) -> Response:
    """What there is, in short."""
    site = world.site
    sections: list[Element] = []
    for entity in world.domain.entities.values():
        if entity.place != "catalogue":
            continue
        few = site.rows[entity.name][: 3 if world.level != "hard" else 10]
        sections.append(
            e(
                "section",
                e("h2", entity.plural.capitalize()),
                e("ul", [item_link(site, entity, row) for row in few], id=f"few-{entity.name}"),
                building.load_more(
                    f"few-{entity.name}", f"/more/{entity.name}?after={len(few)}", f"Show more {entity.plural}"
                ),
                e("p", e("a", f"All {entity.plural}", href=f"/list/{entity.name}")),
                e("p", e("a", f"Search {entity.plural}", href=f"/search/{entity.name}")),
                aria_label=entity.plural.capitalize(),
            )
        )
    news = (
        [e("h2", "News"), e("ul", [e("li", text) for text in world.domain.notices])] if world.domain.notices else None
    )
    return frame.page(site, site.title, e("p", world.domain.about), sections, news, beside=beside(world, site.title))


def item_link(site: Site, entity: Entity, row: Row) -> Element:
    """An entry of a list that leads to a row."""
    return e("li", e("a", site.name(entity.name, row), href=f"/item/{entity.name}/{row['id']}"))


def more_items(world: SiteWorld, name: str, query: dict[str, str]) -> Response:
    """The next entries of a list on the home page."""
    entity, text = world.domain.entities[name], query.get("after", "")
    if entity.place != "catalogue" or not (text.isascii() and text.isdigit() and len(text) < 6):
        return frame.not_found(world.site)
    after = int(text)
    rows = world.site.rows[name]
    following = f"/more/{name}?after={after + 6}" if after + 6 < len(rows) else ""
    links = [item_link(world.site, entity, row) for row in rows[after : after + 6]]
    return Response(fragment=building.more("ul", links, after=following))


def suggest(world: SiteWorld, name: str, query: dict[str, str]) -> Response:
    """Names of rows that begin like what was typed."""
    entity = world.domain.entities[name]
    typed = query.get("q", "").strip().lower()
    if entity.place != "catalogue":
        return frame.not_found(world.site)
    names = [world.site.name(name, row) for row in by_name(world.site, name)]
    found = [one for one in names if typed and typed in one.lower()]
    return Response(fragment=building.suggestions(found[:5]))


def search_page(world: SiteWorld) -> Response:
    """Where one chooses what to search."""
    found = [one for one in world.domain.entities.values() if one.place == "catalogue"]
    return frame.page(
        world.site,
        "Search",
        e("ul", [e("li", e("a", f"Search {one.plural}", href=f"/search/{one.name}")) for one in found]),
    )


def filters_of_entity(site: Site, entity: Entity) -> list[tuple[FieldSpec, list[str]]]:
    """The fields by which results can be narrowed, and their choices as they are shown."""
    found = []
    for spec in list_fields(entity):
        if spec.kind in ("choice", "flag", "ref"):
            values = sorted({shown(site, spec, row[spec.name]) for row in site.rows[entity.name]})
            if 2 <= len(values) <= MOST_OPTIONS:
                found.append((spec, values))
    return found


def sorts_of(entity: Entity) -> list[tuple[str, FieldSpec, bool]]:
    """Ways to sort: words, field, whether downwards."""
    found = []
    for spec in list_fields(entity):
        if spec.kind in SORTABLE:
            found.append((f"{spec.label}: up", spec, False))
            found.append((f"{spec.label}: down", spec, True))
    return found


def listing(world: SiteWorld, name: str, query: dict[str, str]) -> Response:
    """All rows, by name, in pages of links."""
    entity = world.domain.entities[name]
    if entity.place != "catalogue":
        return frame.not_found(world.site)
    rows = by_name(world.site, name)
    return frame.page(
        world.site,
        entity.plural.capitalize(),
        e("p", e("a", f"Search {entity.plural}", href=f"/search/{name}")),
        _results(world, entity, rows, f"/list/{name}", query),
        elsewhere(world, entity, 35 + min(len(rows), PAGE_ROWS["hard"]) * (1 + len(list_fields(entity)))),
        crumbs=[("Home", "/")],
        beside=beside(world, entity.plural),
    )


def search(world: SiteWorld, name: str, query: dict[str, str]) -> Response:
    """A form of filters, and what they leave."""
    entity = world.domain.entities[name]
    if entity.place != "catalogue":
        return frame.not_found(world.site)
    filters, sorts = filters_of_entity(world.site, entity), sorts_of(entity)
    rows = find(world, entity, query)
    controls = [building.autocomplete("q", "Words", f"/suggest/{name}", query.get("q", ""))]
    controls += [
        building.labelled(spec.label, frame.select(spec.name, values, query.get(spec.name, ""), "Any"), spec.name)
        for spec, values in filters
    ]
    if sorts:
        names = [words for words, _, _ in sorts]
        chosen = frame.select("sort", names, query.get("sort", ""), "Name")
        controls.append(building.labelled("Sort by", chosen, "sort"))
    form = e(
        "form",
        controls,
        e("button", "Search", type="submit"),
        method="get",
        action=f"/search/{name}",
        role="search",
        novalidate=True,
        aria_label=f"Search {entity.plural}",
    )
    count = f"{len(rows)} {entity.singular if len(rows) == 1 else entity.plural} found"
    return frame.page(
        world.site,
        f"Search {entity.plural}",
        form,
        e("p", count, role="status"),
        _results(world, entity, rows, f"/search/{name}", query),
        elsewhere(world, entity, 45 + min(len(rows), PAGE_ROWS["hard"]) * (1 + len(list_fields(entity)))),
        crumbs=[("Home", "/")],
        beside=beside(world, entity.plural),
    )


def find(world: SiteWorld, entity: Entity, query: dict[str, str]) -> list[Row]:
    """The rows that a query leaves, in the order that it asks for."""
    site = world.site
    rows = by_name(site, entity.name)
    words = query.get("q", "").lower().split()
    visible = [entity.field(entity.title), *list_fields(entity)]
    if words:
        texts = {row["id"]: " ".join(shown(site, spec, row[spec.name]) for spec in visible).lower() for row in rows}
        rows = [row for row in rows if all(word in texts[row["id"]] for word in words)]
    for spec, _ in filters_of_entity(world.site, entity):
        wanted = query.get(spec.name, "")
        if wanted:
            rows = [row for row in rows if shown(site, spec, row[spec.name]) == wanted]
    for label, spec, down in sorts_of(entity):
        if query.get("sort") == label:
            rows = sorted(rows, key=lambda row: row[spec.name], reverse=down)
    return rows


def found_on_page(world: SiteWorld, name: str, query: dict[str, str]) -> list[int]:
    """Ids of the rows that a page of results shows; none where nothing was asked for."""
    entity = world.domain.entities.get(name)
    if entity is None or entity.place != "catalogue" or not any(v for k, v in query.items() if k != "page"):
        return []
    return [row["id"] for row in _page_of(world, find(world, entity, query), query)[0]]


def _page_of(world: SiteWorld, rows: list[Row], query: dict[str, str]) -> tuple[list[Row], int, int]:
    """The rows of the page that is asked for, its number, and how many pages there are."""
    size = PAGE_ROWS[world.level]
    pages = max(1, -(-len(rows) // size))
    text = query.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= pages else 1
    return rows[(number - 1) * size : number * size], number, pages


def _results(world: SiteWorld, entity: Entity, rows: list[Row], path: str, query: dict[str, str]) -> Content:
    """One page of rows as a table, and links to the other pages."""
    if not rows:
        return [e("p", "Nothing was found. Try fewer filters.")]
    here, number, pages = _page_of(world, rows, query)
    fields = list_fields(entity)
    heads = [entity.field(entity.title).label, *(spec.label for spec in fields)]
    cells: list[Sequence[Content]] = [
        (
            e("a", world.site.name(entity.name, row), href=f"/item/{entity.name}/{row['id']}"),
            *(shown(world.site, spec, row[spec.name]) for spec in fields),
        )
        for row in here
    ]
    content: list[Element | str | None] = [frame.table(heads, cells, entity.plural.capitalize())]
    if pages > 1:
        rest = [(key, value) for key, value in query.items() if key != "page" and value]

        def link(page: int, words: str) -> Element:
            return e("li", e("a", words, href=f"{path}?{urlencode([*rest, ('page', page)])}"))

        links = [link(page, f"Page {page}") for page in range(1, pages + 1) if page != number]
        content.append(e("nav", e("p", f"Page {number} of {pages}"), e("ul", links), aria_label="Pages"))
    return content
