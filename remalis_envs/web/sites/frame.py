"""What every page of a site has around its content, and small pieces that many pages use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zlib import crc32

from remalis_envs.web.pages.elements import Content, Element, Fixed, Page, e
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.protocol import Response

Crumb = tuple[str, str]
"""Words and address."""
TOOLS = (
    ("Calculator", "//calculator/"),
    ("Calendar", "//calendar/"),
    ("Map", "//map/"),
    ("Mail", "//mail/"),
    ("Manual", "//manual/"),
)


def page(
    site: Site, title: str, *content: Content, crumbs: Sequence[Crumb] = (), status: int = 200, beside: Content = None
) -> Response:
    """A page of the main site.

    Args:
        site: whose name and theme it carries.
        title: heading and document title.
        *content: below the heading.
        crumbs: the way to it, without itself.
        status: HTTP's.
        beside: what stands beside it.
    """
    trail = None
    if crumbs:
        trail = e(
            "nav",
            e("ol", [e("li", e("a", name, href=href)) for name, href in crumbs], e("li", title, aria_current="page")),
            aria_label="Breadcrumb",
            class_="breadcrumb",
        )
    main = e("main", trail, e("h1", title), *content, id="main")
    body = e("body", _header(site), main, beside, _footer(site))
    return Response(page=Page(f"{title} - {site.title}", body, site.theme), status=status)


def _header(site: Site) -> Fixed:
    """What stands above the content of all pages of the main site."""
    if "header" not in site.frames:
        lists = [
            (entity.plural.capitalize(), f"/list/{entity.name}")
            for entity in site.domain.entities.values()
            if entity.place == "catalogue"
        ]
        links = [
            ("Home", "/"),
            *lists,
            ("Basket", "/basket"),
            ("Your draft", "/draft"),
            ("My account", "/account"),
            ("Messages", "/messages"),
            ("Help", "/help"),
        ]
        header = e(
            "header",
            e("p", site.title, class_="site-title"),
            e("nav", e("ul", [e("li", e("a", name, href=href)) for name, href in links]), aria_label="Main"),
        )
        site.frames["header"] = Fixed(header)
    return site.frames["header"]


def _footer(site: Site) -> Fixed:
    """What stands below it."""
    if "footer" not in site.frames:
        links = [e("li", e("a", name, href=href)) for name, href in TOOLS]
        site.frames["footer"] = Fixed(e("footer", e("nav", e("ul", links), aria_label="Tools")))
    return site.frames["footer"]


def tool_page(site: Site, host: str, title: str, *content: Content, status: int = 200) -> Response:
    """A page of a tool site.

    Args:
        site: whose theme it carries, and to which it links.
        host: name of the tool site.
        title: heading and document title.
        *content: below the heading.
        status: HTTP's.
    """
    if host not in site.frames:
        links = [(host.capitalize(), "/"), (site.title, "//main/")]
        listed = e("ul", [e("li", e("a", name, href=href)) for name, href in links])
        site.frames[host] = Fixed(e("header", e("nav", listed)))
    body = e("body", site.frames[host], e("main", e("h1", title), *content))
    return Response(page=Page(f"{title} - {host.capitalize()}", body, site.theme), status=status)


PASSING = (
    "Renew your interest",
    "Order of service",
    "Cancel the noise",
    "Book of answers",
    "Return of the season",
    "Reserve of strength",
    "Quote of the day",
    "Apply a fresh look",
    "Pay attention",
    "Submit to no one",
    "Change of scene",
    "Confirm you are human",
)
"""Names of links that sound like services and are none."""


def decoys(site: Site, title: str, many: int) -> Element:
    """Links beside a dense page whose words mean something else here than in the services' labels.

    Args:
        site: whose homonyms they are.
        title: of the page: which of the common ones it has follows from it.
        many: how many at most.
    """
    links = []
    for one in site.domain.homonyms:
        known = one.leads in site.domain.entities
        links.append((one.label, f"/list/{one.leads}" if known else "/help"))
    entities = [one for one in site.domain.entities.values() if one.place == "catalogue"]
    first = crc32(title.encode())
    for ahead in range(len(PASSING)):
        entity = entities[(first + ahead) % len(entities)]
        links.append((PASSING[(first + ahead) % len(PASSING)], f"/list/{entity.name}"))
    return e(
        "aside",
        e("h2", "More from us"),
        e("ul", [e("li", e("a", name, href=href)) for name, href in links[:many]]),
        aria_label="More from us",
    )


def notice(site: Site, title: str, text: str, *links: Crumb, role: str = "alert", status: int = 200) -> Response:
    """A page that says one thing, and where to go from there."""
    return page(
        site,
        title,
        e("p", text, role=role),
        e("ul", [e("li", e("a", name, href=href)) for name, href in links]) if links else None,
        status=status,
    )


def not_found(site: Site) -> Response:
    """What there is where there is nothing."""
    return notice(site, "Page not found", "There is no such page.", ("Go to the home page", "/"), status=404)


def refused(site: Site, text: str, *links: Crumb) -> Response:
    """What a site answers when it does not do what was asked of it."""
    return notice(site, "This could not be done", text, *links, status=409)


def facts(pairs: Iterable[tuple[str, Content]]) -> Element:
    """Terms and what they are, as a list of definitions."""
    return e("dl", [one for term, value in pairs for one in (e("dt", term), e("dd", value))])


def table(heads: Sequence[str], rows: Iterable[Sequence[Content]], caption: str) -> Element:
    """A table whose first column names the rows."""
    return e(
        "table",
        e("caption", caption, class_="visually-hidden"),
        e("thead", e("tr", [e("th", head, scope="col") for head in heads])),
        e(
            "tbody",
            [e("tr", e("th", cells[0], scope="row"), [e("td", cell) for cell in cells[1:]]) for cells in rows],
        ),
    )


def button_form(action: str, label: str, **hidden: str | int) -> Element:
    """A form that is one button."""
    return e(
        "form",
        [e("input", type="hidden", name=name, value=value) for name, value in hidden.items()],
        e("button", label, type="submit"),
        method="post",
        action=action,
        novalidate=True,
    )


def select(name: str, options: Iterable[str], chosen: str, first: str) -> Element:
    """A select whose first option stands for none.

    Args:
        name: of the form field.
        options: what can be chosen.
        chosen: what is, "" for none.
        first: words of the first option, which sends "".
    """
    return e(
        "select",
        e("option", first, value="", selected=True if not chosen else None),
        [e("option", one, value=one, selected=True if one == chosen else None) for one in options],
        name=name,
    )
