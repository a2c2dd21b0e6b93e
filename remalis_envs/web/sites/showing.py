"""How values are written on pages and in instructions, and read back from what somebody typed."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from remalis_envs.web.sites.domain import Domain, FieldSpec, Input
from remalis_envs.web.sites.drawing import Site


def money(domain: Domain, amount: float) -> str:
    """An amount with its currency."""
    return f"{domain.currency}{amount:.2f}"


def shown(site: Site, spec: FieldSpec, value: Any) -> str:
    """A field's value as a page shows it."""
    match spec.kind:
        case "money":
            return money(site.domain, value)
        case "flag":
            return "yes" if value else "no"
        case "ref":
            row = site.row(spec.entity, value)
            return "" if row is None else site.name(spec.entity, row)
        case "number":
            return f"{value} {spec.unit}" if spec.unit else str(value)
    return str(value)


def bare(site: Site, spec: FieldSpec, value: Any) -> str:
    """A field's value as a form takes it: without currency and unit."""
    if spec.kind == "money":
        return f"{value:.2f}"
    if spec.kind == "number":
        return str(value)
    return shown(site, spec, value)


def normal(one: Input, typed: str) -> str | None:
    """What was typed into a field, as it is kept: numbers without currency and unit; None where it makes no sense.

    Args:
        one: the input.
        typed: what the form sent; "" is kept as it is.
    """
    text = " ".join(typed.split())
    if not text:
        return "no" if one.kind == "flag" else ""
    match one.kind:
        case "number":
            found = re.fullmatch(r"\D{0,4}?(-?\d{1,9})(?:\.0+)?(?: [\w ]+)?", text.replace(",", ""))
            return str(int(found[1])) if found else None
        case "money":
            found = re.fullmatch(r"\D{0,4}?(-?\d{1,9}(?:\.\d{1,2})?)(?: \w+)?", text.replace(",", ""))
            return f"{float(found[1]):.2f}" if found else None
        case "date":
            try:
                return dt.date.fromisoformat(text).isoformat()
            except ValueError:
                return None
        case "time":
            found = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
            return f"{int(found[1]):02d}:{found[2]}" if found and int(found[1]) < 24 and int(found[2]) < 60 else None
        case "choice":
            return text if not one.of or text in one.of else None
        case "flag":
            return "yes" if text in ("yes", "on", "1") else "no"
    return text[:200]


def long_date(iso: str) -> str:
    """A date in words: ``4 March 2031``."""
    day = dt.date.fromisoformat(iso)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


_NAMES = "January February March April May June July August September October November December"
MONTHS = tuple(_NAMES.split())
