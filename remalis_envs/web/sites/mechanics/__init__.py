"""How services go; a domain file names them."""

from __future__ import annotations

from .application import Application, Registration
from .base import Mechanic
from .booking import Booking
from .collection import Collection
from .message import StaffMessage
from .owned import Approval, Change, Feedback, Payment, Refusal, Report, Return, TopUp, Transfer
from .purchase import Purchase
from .quota import Quota
from .quote import Quote
from .renewal import Cancellation, Renewal
from .reschedule import Reschedule
from .seats import Seats
from .waiting import WaitingList

_ALL: tuple[Mechanic, ...] = (
    *(Collection(), Purchase(), Booking(), Seats(), Quote(), Quota(), WaitingList(), Application(), Registration()),
    *(StaffMessage(), Renewal(), Cancellation(), Reschedule(), Payment(), TopUp(), Return(), Transfer(), Change()),
    *(Approval(), Refusal(), Report(), Feedback()),
)
MECHANICS: dict[str, Mechanic] = {one.name: one for one in _ALL}
"""Name in domain files -> the mechanic."""

__all__ = ["MECHANICS", "Mechanic"]
