"""The post: every value that goes from one agent to another goes through here, typed, counted and cut where it must be.

The paper's channel carries intentions; but each hop of a graph network, each round of reasoning and each feedback
signal is a message as well, or agents could not compute alone what they compute together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from remalis_agents.networks.remalis.links import Links, Reach

BYTES_PER_FLOAT = 4
MODES = ("none", "basic", "selective", "full")
"""What crosses: nothing; each agent's goal; that, and the sub-goals to those who are to help with one; all."""


@dataclass
class Parcel:
    """One type of message in one pass.

    Attributes:
        floats: numbers in one message; in all of a pass's, where rounds or layers send more than one.
        delivered: ``[*, N, K]``, 1 where the agent received one in this slot.
    """

    floats: int
    delivered: Tensor


@dataclass
class Post:
    """Delivers one pass's messages.

    Attributes:
        links: who hears whom.
        reach: whom messages reach that no gate holds back.
        open: ``[*, N, 1]``, 1 for agents whose gate is open; None where there are no gates.
        ledger: what was sent so far, by type.
    """

    links: Links
    reach: Reach
    open: Tensor | None = None
    ledger: dict[str, Parcel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.open is not None:
            delivered = self.reach.delivered * self.links.hear(self.open).squeeze(-1)
            self.reach = Reach(delivered, delivered * self.reach.mutual)

    @property
    def delivered(self) -> Tensor:
        """``[*, N, K]``, 1 in the slots of agents that are heard in this step."""
        return self.reach.delivered

    def tell_all(self, kind: str, message: Tensor) -> Tensor:
        """Each agent sends one message to all who hear it: ``[*, N, m]`` -> ``[*, N, K, m]``, 0 where none came."""
        self._count(kind, message, self.delivered)
        return self.links.hear(message) * self.delivered.unsqueeze(-1)

    def tell_each(self, kind: str, messages: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Each agent sends each neighbour a message of its own.

        Args:
            kind: the type of message.
            messages: ``[*, N, K, m]``, for the agent in each of the sender's slots.
            chosen: ``[*, N, K]``, 1 for those who get one; None for all.

        Returns:
            ``[*, N, K, m]``, what came from the agent in each of the receiver's slots; 0 where nothing did.
        """
        delivered = self.reach.mutual
        if chosen is not None:
            delivered = delivered * self.links.hear_own(chosen.unsqueeze(-1)).squeeze(-1)
        self._count(kind, messages, delivered)
        return self.links.hear_own(messages) * delivered.unsqueeze(-1)

    def _count(self, kind: str, message: Tensor, delivered: Tensor) -> None:
        # Rounds and layers send the same type again, along the same links.
        before = self.ledger.get(kind)
        self.ledger[kind] = Parcel(message.shape[-1] + (before.floats if before else 0), delivered)

    def received_bytes(self) -> Tensor:
        """Bytes that each agent received, over all types: ``[*, N]``."""
        total = self.links.heard.new_zeros(self.links.heard.shape[:-1])
        for parcel in self.ledger.values():
            total = total + BYTES_PER_FLOAT * parcel.floats * parcel.delivered.detach().sum(-1)
        return total
