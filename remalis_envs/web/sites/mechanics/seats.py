"""A map of seats: one is held for the tab that chose it, then the draft is filled and confirmed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import Row, Site
from remalis_envs.web.sites.mechanics.booking import Booking

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Seats(Booking):
    """Options: ``rows`` (how many), ``letters`` (of the seats in a row), ``taken`` (share)."""

    name = "seats"
    slot_word = "Seat"

    def draw_slots(self, site: Site, service: Service, row: Row, rng: Random) -> list[tuple[str, bool]]:
        """Seats such as ``7C``."""
        rows, letters = int(str(service.options.get("rows", 6))), str(service.options.get("letters", "ABCD"))
        share = float(str(service.options.get("taken", 0.5)))
        return [(f"{number}{letter}", rng.random() < share) for number in range(1, rows + 1) for letter in letters]

    def start_label(self, service: Service, slot: str) -> str:
        """Each seat's button bears its name."""
        return slot

    def panel(self, world: SiteWorld, service: Service, row: Row) -> Element:
        """A grid with a button for each free seat."""
        letters = str(service.options.get("letters", "ABCD"))
        state: dict[str, Element | str] = {}
        for slot, free in self.slots_of(world, service, row):
            shown = frame.button_form(self.start_path(service, row["id"]), slot, slot=slot)
            state[slot] = shown if free == "free" else free
        numbers = range(1, int(str(service.options.get("rows", 6))) + 1)
        rows = [(f"Row {number}", *(state.get(f"{number}{letter}", "-") for letter in letters)) for number in numbers]
        return e(
            "section",
            e("h2", service.label),
            frame.table(("Row", *(f"Seat {letter}" for letter in letters)), rows, "Seats"),
            aria_label=service.label,
        )
