"""The post: every value that goes from one agent to another goes through here, typed, counted and cut where it must be.

The paper's channel carries intentions; but each hop of a graph network, each round of reasoning and each feedback
signal is a message as well, or agents could not compute alone what they compute together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

from remalis_agents.networks.base import BYTES_PER_FLOAT
from remalis_agents.networks.remalis.limits import Limits
from remalis_agents.networks.remalis.links import Links, Reach

MODES = ("none", "basic", "selective", "full")
"""What crosses: nothing; each agent's goal; that, and the sub-goals to those who are to help with one; all."""


@dataclass
class Parcel:
    """One type of message in one pass.

    Attributes:
        parts: a message's numbers, and ``[*, N, K]``, 1 where the agent received one in this slot; one pair for each
            round or layer.
    """

    parts: list[tuple[int, Tensor]]

    @property
    def floats(self) -> int:
        """Numbers in one message, all parts together."""
        return sum(floats for floats, _ in self.parts)

    @property
    def delivered(self) -> Tensor:
        """``[*, N, K]``, 1 where at least one part was received."""
        return reduce(torch.maximum, [delivered for _, delivered in self.parts])

    @property
    def received(self) -> Tensor:
        """``[*, N, K]``, numbers that were received."""
        return torch.stack([floats * delivered.detach() for floats, delivered in self.parts]).sum(0)


@dataclass
class Post:
    """Delivers one pass's messages.

    Attributes:
        links: who hears whom.
        reach: whom messages reach that no gate holds back; once made, whom those reach that are sent in this step.
        open: ``[*, N, 1]``, 1 for agents whose gate is open; None where there are no gates.
        limits: what the channel does to messages; None where all arrive, and at once.
        ledger: what arrived so far, by type.
    """

    links: Links
    reach: Reach
    open: Tensor | None = None
    limits: Limits | None = None
    ledger: dict[str, Parcel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.open is not None:
            delivered = self.reach.delivered * self.links.hear(self.open).squeeze(-1)
            self.reach = Reach(delivered, delivered * self.reach.mutual)

    @property
    def delivered(self) -> Tensor:
        """``[*, N, K]``, 1 where what the slot's agent sends in this step is for the agent, whatever becomes of it."""
        return self.reach.delivered

    def tell_all(self, kind: str, message: Tensor) -> tuple[Tensor, Reach]:
        """Each agent sends one message to all who hear it.

        Args:
            kind: the type of message.
            message: ``[*, N, m]``.

        Returns:
            ``[*, N, K, m]``, what arrived from the agent in each of the receiver's slots, 0 where nothing did; and
            whom it reached.
        """
        letters = self.links.hear(message)
        if self.limits is None:
            arrived, reach = self.reach.delivered, self.reach
            letters = letters * arrived.unsqueeze(-1)
        else:
            letters, arrived = self.limits.carry(kind, letters, self.reach.delivered)
            reach = Reach(arrived, arrived * self.links.mutual)
        self._count(kind, message, arrived)
        return letters, reach

    def tell_each(self, kind: str, messages: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Each agent sends each neighbour a message of its own.

        Args:
            kind: the type of message.
            messages: ``[*, N, K, m]``, for the agent in each of the sender's slots.
            chosen: ``[*, N, K]``, 1 for those who get one; None for all.

        Returns:
            ``[*, N, K, m]``, what came from the agent in each of the receiver's slots; 0 where nothing did.
        """
        arrived = self.reach.mutual
        if chosen is not None:
            arrived = arrived * self.links.hear_own(chosen.unsqueeze(-1)).squeeze(-1)
        letters = self.links.hear_own(messages)
        if self.limits is None:
            letters = letters * arrived.unsqueeze(-1)
        else:
            letters, arrived = self.limits.carry(kind, letters, arrived)
        self._count(kind, messages, arrived)
        return letters

    def _count(self, kind: str, message: Tensor, arrived: Tensor) -> None:
        # Rounds and layers send the same type again.
        self.ledger.setdefault(kind, Parcel([])).parts.append((message.shape[-1], arrived))

    def received_bytes(self) -> Tensor:
        """Bytes that each agent received, over all types: ``[*, N]``."""
        total = self.links.heard.new_zeros(self.links.heard.shape[:-1])
        for parcel in self.ledger.values():
            total = total + BYTES_PER_FLOAT * parcel.received.sum(-1)
        return total
