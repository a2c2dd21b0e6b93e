"""What all mechanics share: a service begins at a thing, fills the login's one draft, is reviewed, then made final."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import TYPE_CHECKING, ClassVar

from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Input, Service
from remalis_envs.web.sites.drawing import Row, Site, values_of
from remalis_envs.web.sites.protocol import Request, Response

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld

Statement = tuple[str, tuple[object, ...]]


class Mechanic:
    """A way in which a service goes; stateless, one instance for all.

    Attributes:
        name: in domain files.
        source: place of the entity that it is about.
        begins: first part of the path that begins it, from which ``roles.right_of`` knows whose business that is.
        ends: first part of the path that ends it.
        slots: whether a slot of the target is chosen.
        slot_word: what a slot is called.
        quantity: whether a quantity is chosen at the beginning.
        status: of an owned row afterwards; "" where nothing owned changes.
        parts: pages that its form has.
    """

    name: ClassVar[str]
    source: ClassVar[str] = "catalogue"
    begins: ClassVar[str] = "draft"
    ends: ClassVar[str] = "confirm"
    slots: ClassVar[bool] = False
    quantity: ClassVar[bool] = False
    slot_word: ClassVar[str] = ""
    status: ClassVar[str] = ""
    parts: ClassVar[int] = 1

    def fields_of(self, service: Service, part: int) -> tuple[Input, ...]:
        """The fields of a page of the form, counted from 1."""
        each = -(-len(service.form) // self.parts)
        return service.form[(part - 1) * each : part * each]

    def prepare(self, db: sqlite3.Connection, site: Site, service: Service, after: int = 0) -> None:
        """Puts into a database what the mechanic keeps there for rows with an id above ``after``."""

    def draw_slots(self, site: Site, service: Service, row: Row, rng: Random) -> list[tuple[str, bool]]:
        """The slots of a row and whether each is taken; none for most mechanics."""
        return []

    def start_path(self, service: Service, target: int) -> str:
        """Where a ``POST`` begins the service."""
        return f"/{self.begins}/start/{service.name}/{target}"

    def start_label(self, service: Service, slot: str) -> str:
        """Name of the control that begins the service."""
        return service.label

    def final_path(self, service: Service) -> str:
        """Where a ``POST`` ends it."""
        return f"/{self.ends}/{service.name}"

    def panel(self, world: SiteWorld, service: Service, row: Row) -> Element:
        """What a page of details shows to begin the service."""
        return e(
            "section",
            e("h2", service.label),
            frame.button_form(self.start_path(service, row["id"]), service.label),
            aria_label=service.label,
        )

    def excluded(self, site: Site, service: Service, row: Row) -> str:
        """The rule for which the service is refused for a row; "" where it is not."""
        values = None
        for rule in site.domain.rules_of(service.name):
            if rule.when is not None and rule.kind == "exclude":
                values = values or values_of(site, row, service.entity)
                if rule.when(values):
                    return rule.text
        return ""

    def available(self, world: SiteWorld, service: Service, row: Row, request: Request) -> str:
        """Why the service cannot begin for a row; "" where it can."""
        reason = self.excluded(world.site, service, row)
        if not reason and self.source == "account" and self.owned(world, service, row) != "active":
            reason = f"This {world.domain.entities[service.entity].singular} is no longer active."
        return reason

    def owned(self, world: SiteWorld, service: Service, row: Row) -> str:
        """The status of an owned row."""
        found = world.db.execute("SELECT status FROM owned WHERE entity = ? AND id = ?", (service.entity, row["id"]))
        status = found.fetchone()
        return "" if status is None else str(status[0])

    def start(self, world: SiteWorld, service: Service, row: Row, request: Request) -> Response:
        """Begins the service for a row: the login's draft is one about it from now on."""
        reason = self.available(world, service, row, request)
        if reason:
            back = address(world, service.entity, row["id"])
            return frame.refused(world.site, reason, ("Back", back), ("Rules", f"/help/{service.name}"))
        world.write(request.tab, f"start {service.name}", self.begin(world, service, row, request), str(row["id"]))
        return Response(redirect="/draft")

    def begin(self, world: SiteWorld, service: Service, row: Row, request: Request, slot: str = "") -> list[Statement]:
        """What beginning writes."""
        return [
            ("DELETE FROM draft_field", ()),
            (
                "UPDATE draft SET service = ?, target = ?, slot = ?, state = 'open', version = version + 1, tab = ?",
                (service.name, row["id"], slot, request.tab),
            ),
        ]

    def summary(self, world: SiteWorld, service: Service, target: int, slot: str) -> list[tuple[str, str]]:
        """What a draft is about, in terms and what they are."""
        row = world.site.row(service.entity, target)
        entity = world.domain.entities[service.entity]
        pairs = [("Service", service.label)]
        if row is not None:
            pairs.append((entity.singular.capitalize(), world.site.name(service.entity, row)))
        if slot:
            pairs.append((self.slot_word, slot))
        return pairs

    def refusal(self, world: SiteWorld, service: Service, target: int, values: dict[str, str]) -> str:
        """Why a draft that is filled in cannot be made final; "" where it can."""
        return ""

    def finish(self, world: SiteWorld, service: Service, target: int, slot: str) -> list[Statement]:
        """What ending writes, beside the end of the episode."""
        if not self.status:
            return []
        return [("UPDATE owned SET status = ? WHERE entity = ? AND id = ?", (self.status, service.entity, target))]


def address(world: SiteWorld, entity: str, number: int) -> str:
    """Where the details of a row are."""
    place = world.domain.entities[entity].place
    return f"/item/{entity}/{number}" if place == "catalogue" else f"/account/{entity}/{number}"
