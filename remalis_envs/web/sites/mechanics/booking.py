"""Booking: a slot is held for the tab that asked for it, the draft says for whom and how, confirming books it."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import TYPE_CHECKING

from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.drawing import Row, Site, day
from remalis_envs.web.sites.mechanics.base import Mechanic, Statement, address
from remalis_envs.web.sites.protocol import Request, Response

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Booking(Mechanic):
    """Hold a slot, fill in, confirm. Options: ``days`` (how many from tomorrow), ``times``, ``taken`` (share)."""

    name = "booking"
    begins = "hold"
    slots = True
    slot_word = "Time"

    def prepare(self, db: sqlite3.Connection, site: Site, service: Service, after: int = 0) -> None:
        """Draws the slots of each row."""
        for row in site.rows[service.entity][after:]:
            rng = Random(f"{site.domain.name}/{site.seed}/{service.name}/{row['id']}")
            slots = self.draw_slots(site, service, row, rng)
            db.executemany(
                "INSERT INTO slot VALUES (?, ?, ?, ?)",
                [(service.name, row["id"], slot, int(taken)) for slot, taken in slots],
            )

    def draw_slots(self, site: Site, service: Service, row: Row, rng: Random) -> list[tuple[str, bool]]:
        """Slots such as ``2031-03-04 10:30``; every row has some of the days and times."""
        days, times = (
            int(str(service.options.get("days", 5))),
            service.options.get("times", ["09:00", "11:00", "15:00"]),
        )
        assert isinstance(times, list)
        share = float(str(service.options.get("taken", 0.4)))
        base = site.today.toordinal() + 1
        chosen = sorted(rng.sample(range(days + 4), days))
        slots = [f"{day(base + ahead)} {time}" for ahead in chosen for time in times if rng.random() < 0.8]
        return [(slot, rng.random() < share) for slot in slots]

    def panel(self, world: SiteWorld, service: Service, row: Row) -> Element:
        """A table of the slots with a button for each that is free."""
        rows: list[tuple[str | Element, ...]] = []
        for slot, free in self.slots_of(world, service, row):
            date, _, time = slot.partition(" ")
            control = frame.button_form(self.start_path(service, row["id"]), service.label, slot=slot)
            rows.append((date, time, free, control if free == "free" else "-"))
        return e(
            "section",
            e("h2", service.label),
            frame.table(("Date", "Time", "State", "Choose"), rows, f"Times for {service.label}"),
            aria_label=service.label,
        )

    def slots_of(self, world: SiteWorld, service: Service, row: Row) -> list[tuple[str, str]]:
        """The slots of a row, each ``free``, ``held`` or ``taken``."""
        found = world.db.execute(
            "SELECT slot.slot, taken, hold.tab FROM slot LEFT JOIN hold USING (service, target, slot) "
            "WHERE slot.service = ? AND slot.target = ? ORDER BY slot.rowid",
            (service.name, row["id"]),
        )
        return [(slot, "taken" if taken else "free" if tab is None else "held") for slot, taken, tab in found]

    def start(self, world: SiteWorld, service: Service, row: Row, request: Request) -> Response:
        """Holds a slot for the tab; what the tab held before is free again."""
        back = address(world, service.entity, row["id"])
        slot = dict(request.form).get("slot", "")
        key = (service.name, row["id"], slot)
        found = world.db.execute("SELECT taken FROM slot WHERE service = ? AND target = ? AND slot = ?", key).fetchone()
        holder = world.db.execute("SELECT tab FROM hold WHERE service = ? AND target = ? AND slot = ?", key).fetchone()
        reason = self.available(world, service, row, request)
        if not reason and (found is None or found[0]):
            reason = f"This {self.slot_word.lower()} is not free."
        if not reason and holder is not None and holder[0] != request.tab:
            reason = f"This {self.slot_word.lower()} is held for another tab of your login."
        if reason:
            return frame.refused(world.site, reason, ("Back", back), ("Rules", f"/help/{service.name}"))
        statements: list[Statement] = [
            ("DELETE FROM hold WHERE tab = ?", (request.tab,)),
            ("INSERT INTO hold VALUES (?, ?, ?, ?)", (*key, request.tab)),
            *self.begin(world, service, row, request, slot),
        ]
        world.write(request.tab, f"start {service.name}", statements, f"{row['id']} {slot}")
        return Response(redirect="/draft")

    def finish(self, world: SiteWorld, service: Service, target: int, slot: str) -> list[Statement]:
        """The slot is taken."""
        taken = "UPDATE slot SET taken = 1 WHERE service = ? AND target = ? AND slot = ?"
        return [(taken, (service.name, target, slot)), *super().finish(world, service, target, slot)]
