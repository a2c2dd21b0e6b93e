"""Random deeds for tests that compare engines."""

from __future__ import annotations

import random

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.pages.items import Item, Reading

TYPED = ("be", "Bergen", "", "a much too long text for it", "ä & <b>", "x\ny", "  c  ")
NUMBERS = ("3", "", "0", "12", "-2.5")
DATES = ("2026-06-11", "2026-05-02", "", "2027-01-31")


def random_deed(rng: random.Random, reading: Reading) -> Deed:
    """A deed that mostly fits the control that it is done to, now and then one that does not."""
    places = [k for k, item in enumerate(reading.items) if item.is_control]
    if not places or rng.random() < 0.12:
        return Deed("back")
    place = rng.choice(places)
    item = reading.items[place]
    if rng.random() < 0.04:
        return Deed(rng.choice(("click", "toggle", "fill", "submit")), place, "7")
    return Deed(*_fitting(rng, item, place))


def _fitting(rng: random.Random, item: Item, place: int) -> tuple[str, int, str]:
    if item.role in ("link", "button", "tab", "summary"):
        return "click", place, ""
    if item.role in ("checkbox", "radio"):
        return rng.choice(("toggle", "click")), place, ""
    if item.kind == "select":
        return "choose", place, rng.choice((*item.options, "no such option"))
    if rng.random() < 0.2:
        return "submit", place, ""
    values = {"spinbutton": NUMBERS, "date": DATES}.get(item.role, TYPED)
    return "fill", place, rng.choice(values)
