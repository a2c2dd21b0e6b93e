"""The tool sites: a calculator and a calendar, sites like any other."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import e
from remalis_envs.web.sites import frame, maps, reading_rooms
from remalis_envs.web.sites.protocol import Request, Response
from remalis_envs.web.sites.showing import MONTHS

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld

TOOLS = ("calculator", "calendar", "map", "mail", "manual")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OPERATIONS = ("plus", "minus", "times", "divided by")


Seen = tuple[Response, str]
"""An answer, and the name under which a task may watch whether it was shown; "" for none."""


def handle(world: SiteWorld, request: Request) -> Seen:
    """Answers a request to a tool site."""
    parts = [part for part in request.path.split("/") if part]
    if request.host == "calculator":
        return _calculator(world, parts, dict(request.query))
    if request.host in _READ:
        return _READ[request.host](world, parts)
    return _calendar(world, parts, request)


def number(text: str) -> float | None:
    """A number somebody typed, without currency and unit; None where it is none."""
    kept = "".join(one for one in text if one.isascii() and (one.isdigit() or one in ".-"))
    try:
        value = float(kept)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


def compute(first: float, operation: str, second: float) -> float | None:
    """What the calculator makes of two numbers, to two places; None where there is no result."""
    match operation:
        case "plus":
            result = first + second
        case "minus":
            result = first - second
        case "times":
            result = first * second
        case "divided by" if second:
            result = first / second
        case _:
            return None
    return round(result, 2) if abs(result) < 1e9 else None


def written(value: float) -> str:
    """A number as the calculator writes it: two places where it is no whole number."""
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def _calculator(world: SiteWorld, parts: list[str], query: dict[str, str]) -> Seen:
    if parts not in ([], ["result"]):
        return frame.tool_page(world.site, "calculator", "Page not found", status=404), ""
    form = e(
        "form",
        building.labelled(
            "First number", e("input", type="number", name="a", step="any", value=query.get("a", "")), "a"
        ),
        building.labelled("Operation", frame.select("op", OPERATIONS, query.get("op", ""), "Choose"), "op"),
        building.labelled(
            "Second number", e("input", type="number", name="b", step="any", value=query.get("b", "")), "b"
        ),
        e("button", "Work it out", type="submit"),
        method="get",
        action="/result",
        novalidate=True,
        aria_label="Calculation",
    )
    if not parts:
        return frame.tool_page(world.site, "calculator", "Calculator", form), ""
    a, b = number(query.get("a", "")), number(query.get("b", ""))
    result = None if a is None or b is None else compute(a, query.get("op", ""), b)
    if result is None:
        told = e("p", "This cannot be worked out: give two numbers and an operation.", role="alert")
        return frame.tool_page(world.site, "calculator", "Calculator", told, form), ""
    told = frame.facts([("Result", written(result))])
    return frame.tool_page(world.site, "calculator", "Calculator", told, form), f"calculator {written(result)}"


def _map(world: SiteWorld, parts: list[str]) -> Seen:
    """Landmarks, and how far places are from one."""
    site = world.site
    match parts:
        case []:
            links = [e("li", e("a", f"Distances from the {one}", href=f"/from/{one}")) for one in maps.LANDMARKS]
            return frame.tool_page(world.site, "map", "Map", e("ul", links)), ""
        case ["from", landmark] if landmark in maps.LANDMARKS:
            tables = []
            for entity in world.domain.entities.values():
                if entity.mapped:
                    rows = [
                        (site.name(entity.name, row), f"{maps.distance_km(site, landmark, entity.name, row['id'])}")
                        for row in site.rows[entity.name]
                    ]
                    heads = (("Place", "text"), ("Kilometres", "number"))
                    tables.append(building.sortable_table(entity.plural.capitalize(), heads, rows))
            page = frame.tool_page(world.site, "map", f"Distances from the {landmark}", tables)
            return page, f"map/from/{landmark}"
    return frame.tool_page(world.site, "map", "Page not found", status=404), ""


def _calendar(world: SiteWorld, parts: list[str], request: Request) -> Seen:
    if request.method == "POST":
        return _add(world, parts, request), ""
    match parts:
        case []:
            start = world.site.today
        case ["week", text]:
            try:
                start = dt.date.fromisoformat(text)
            except ValueError:
                return frame.tool_page(world.site, "calendar", "Page not found", status=404), ""
            if not 2000 < start.year < 2100:
                return frame.tool_page(world.site, "calendar", "Page not found", status=404), ""
        case _:
            return frame.tool_page(world.site, "calendar", "Page not found", status=404), ""
    start -= dt.timedelta(days=start.weekday())
    days = [start + dt.timedelta(days=ahead) for ahead in range(7)]
    found = world.db.execute(
        "SELECT date, time, title FROM event WHERE date BETWEEN ? AND ? ORDER BY date, time, id",
        (days[0].isoformat(), days[-1].isoformat()),
    ).fetchall()
    rows = [
        (
            day.isoformat(),
            DAYS[day.weekday()],
            "; ".join(f"{time} {title}" for date, time, title in found if date == day.isoformat()) or "free",
        )
        for day in days
    ]
    before, after = (start + dt.timedelta(days=ahead) for ahead in (-7, 7))
    add = e(
        "form",
        building.date_picker("date", "Date", world.site.today.isoformat()),
        building.labelled("Time", e("input", type="text", name="time", value=""), "time"),
        building.labelled("What", e("input", type="text", name="title", value=""), "title"),
        e("button", "Add to calendar", type="submit"),
        method="post",
        action="/add",
        novalidate=True,
        aria_label="New entry",
    )
    title = f"Week of {start.day} {MONTHS[start.month - 1]} {start.year}"
    moves = [("Week before", f"/week/{before.isoformat()}"), ("Week after", f"/week/{after.isoformat()}")]
    page = frame.tool_page(
        world.site,
        "calendar",
        title,
        e("nav", e("ul", [e("li", e("a", name, href=href)) for name, href in moves]), aria_label="Weeks"),
        frame.table(("Date", "Day", "Entries"), rows, title),
        add,
    )
    return page, "calendar/" + "/".join(parts)


_READ = {"map": _map, "mail": reading_rooms.mail, "manual": reading_rooms.manual}


def _add(world: SiteWorld, parts: list[str], request: Request) -> Response:
    sent = dict(request.form)
    title = " ".join(sent.get("title", "").split())[:80]
    try:
        date = dt.date.fromisoformat(sent.get("date", "").strip())
    except ValueError:
        date = None
    if parts != ["add"] or date is None or not title:
        told = e("p", "An entry needs a date and some words.", role="alert")
        return frame.tool_page(world.site, "calendar", "Not added", told, e("p", e("a", "Back", href="/")), status=400)
    values = (date.isoformat(), sent.get("time", "").strip()[:5], title, "team")
    world.write(
        request.tab, "calendar", [("INSERT INTO event (date, time, title, source) VALUES (?, ?, ?, ?)", values)], title
    )
    return Response(redirect=f"/week/{date.isoformat()}")
