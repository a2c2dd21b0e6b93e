"""What can be done with something that the login owns: pay it, hand it back, pass it on, change it, decide on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.mechanics.base import Mechanic
from remalis_envs.web.sites.showing import shown

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Owned(Mechanic):
    """Begins in the account."""

    source = "account"
    begins = "account"


class Payment(Owned):
    """Pay a bill. Option ``amount``: the field that says how much."""

    name = "payment"
    ends = "pay"
    status = "paid"

    def summary(self, world: SiteWorld, service: Service, target: int, slot: str) -> list[tuple[str, str]]:
        """With the amount."""
        pairs = super().summary(world, service, target, slot)
        row, name = world.site.row(service.entity, target), service.options.get("amount")
        if row is None or name is None:
            return pairs
        spec = world.domain.entities[service.entity].field(str(name))
        return [*pairs, ("Amount", shown(world.site, spec, row[spec.name]))]


class TopUp(Owned):
    """Put money on a card or an account that stays as it is."""

    name = "top_up"
    ends = "pay"


class Return(Owned):
    """Hand something bought back, within the window that the rules give."""

    name = "return"
    ends = "submit"
    status = "returned"


class Transfer(Owned):
    """Pass something on to somebody else."""

    name = "transfer"
    status = "transferred"


class Change(Owned):
    """Change the terms of something."""

    name = "change"
    status = "changed"


class Approval(Owned):
    """Approve something that waits for it."""

    name = "approval"
    status = "approved"


class Refusal(Owned):
    """Decline something that waits for a decision."""

    name = "decline"
    status = "declined"


class Report(Owned):
    """Report what is wrong with something."""

    name = "report"
    ends = "submit"
    status = "reported"


class Feedback(Owned):
    """Rate something that was had."""

    name = "feedback"
    ends = "submit"
    status = "rated"
