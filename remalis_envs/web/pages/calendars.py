"""A month as a grid of days, for the date picker; `assets/widgets.js` builds the same."""

from __future__ import annotations

from datetime import date, timedelta

from remalis_envs.web.pages.elements import Element, e

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def month(shown: str, chosen: str = "", low: str = "", high: str = "") -> list[Element | str]:
    """What a calendar's dialog holds.

    Args:
        shown: the month, ``YYYY-MM``.
        chosen: the day that the field holds, ``YYYY-MM-DD``, or "".
        low: first day that can be chosen, or "".
        high: last day that can be chosen, or "".
    """
    year, number = int(shown[:4]), int(shown[5:7])
    first = date(year, number, 1)
    weeks, day = [], first - timedelta(days=first.weekday())
    while day <= first or day.month == number:
        weeks.append([day + timedelta(days=k) for k in range(7)])
        day += timedelta(days=7)
    rows = [e("tr", [e("td", _day(one, number, chosen, low, high)) for one in week]) for week in weeks]
    return [
        e("h2", f"{MONTHS[number - 1]} {year}"),
        e(
            "p",
            e("button", "Previous month", type="button", data_month=_beside(year, number, -1)),
            e("button", "Next month", type="button", data_month=_beside(year, number, 1)),
            e("button", "Close calendar", type="button", data_closes=True),
            class_="calendar-bar",
        ),
        e("table", e("thead", e("tr", [e("th", name) for name in DAYS])), e("tbody", rows), class_="calendar"),
    ]


def _beside(year: int, number: int, by: int) -> str:
    months = year * 12 + number - 1 + by
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _day(day: date, number: int, chosen: str, low: str, high: str) -> Element | None:
    """The button of a day; days of the months beside are left out."""
    if day.month != number:
        return None
    iso = day.isoformat()
    return e(
        "button",
        str(day.day),
        type="button",
        data_day=iso,
        aria_label=f"{day.day} {MONTHS[number - 1]} {day.year}",
        aria_pressed="true" if iso == chosen else None,
        disabled=bool(low and iso < low) or bool(high and iso > high),
    )
