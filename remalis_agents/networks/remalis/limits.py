"""Limits of the channel: it loses messages, carries so many bytes and no more, and takes its time.

All three are the channel's, and no agent decides on them: a draw of what is lost is stored with the step and used again
when it is learnt from, but is no part of anybody's log-probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from remalis_agents.networks.base import BYTES_PER_FLOAT, Mean
from remalis_agents.networks.remalis.draws import Draws
from remalis_agents.networks.remalis.mailbox import Mailbox, empty_mailbox, nth
from remalis_envs.errors import RemalisError

if TYPE_CHECKING:
    from remalis_agents.networks.remalis.options import Options
    from remalis_agents.networks.remalis.thought import Thought


def letters(o: Options) -> list[tuple[str, int]]:
    """Names and widths of all that an agent sends a neighbour in a step, in the order in which a pass sends it."""
    return list(_letters(o))


def _letters(o: Options) -> Iterator[tuple[str, int]]:
    if not o.talks:
        return
    if o.whole and o.feedback:
        yield "feedback", o.coordination
    yield "goal", o.message
    if o.communication != "basic":
        yield "subgoals", o.message
    if not o.whole:
        return
    yield "assignment", o.message
    yield from ((nth("recursion", k), o.channel) for k in range(o.rounds))
    if o.composition:
        yield "grounding", o.grounding + 1
    yield from ((nth("planning", k), o.planning) for k in range(o.shared_planning * o.planning_layers))


def within(sizes: Sequence[int], budget: int | None) -> int:
    """Numbers that fit into a budget of bytes when messages of these sizes are sent one after the other."""
    spent = 0
    for size in sizes:
        if budget is None or BYTES_PER_FLOAT * (spent + size) <= budget:
            spent += size
    return spent


def check_limits(delay: int, drop_rate: float, byte_budget: int | None) -> None:
    """Checks the options of :class:`.Options`.

    Raises:
        RemalisError: one of them makes no sense.
    """
    if not _whole_number(delay) or delay < 0:
        raise RemalisError(f"delay is the steps that a message takes, a whole number of 0 or more, not {delay!r}.")
    if isinstance(drop_rate, bool) or not isinstance(drop_rate, int | float) or not 0.0 <= drop_rate < 1.0:
        raise RemalisError(
            f"drop_rate is the probability that a message is lost, 0 or more and below 1, not {drop_rate!r}; to lose "
            "all of them say communication: none."
        )
    if byte_budget is not None and (not _whole_number(byte_budget) or byte_budget < 1):
        raise RemalisError(
            "byte_budget is the bytes that a link carries in a step, a whole number of 1 or more, or null for any "
            f"number, not {byte_budget!r}."
        )


def _whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass
class Posted:
    """One type of message in one pass, before the channel does its worst.

    Attributes:
        meant: ``[*, N, K]``, how many messages the agent in each slot meant to send.
        sent: ``[*, N, K]``, how many the budget let through.
        floats: ``[*, N, K]``, numbers in those.
    """

    meant: Tensor
    sent: Tensor
    floats: Tensor


@dataclass
class Limits:
    """What the channel does to one pass's messages.

    Everything is ``[*, N, K]``: from the agent in each of a receiver's slots to the receiver.

    Attributes:
        byte_budget: bytes that a link carries in a step; None for any number.
        lost: 1 where what is sent in a step is lost; None where nothing is.
        mailbox: holds messages back; None where they arrive at once.
        posted: what was sent, by type.
    """

    byte_budget: int | None
    lost: Tensor | None
    mailbox: Mailbox | None
    posted: dict[str, Posted] = field(default_factory=dict)
    _spent: Tensor | None = None

    def carry(self, kind: str, letters: Tensor, meant: Tensor) -> tuple[Tensor, Tensor]:
        """Carries messages as far as they get.

        Args:
            kind: the type of message.
            letters: ``[*, N, K, m]``, as the sender wrote them.
            meant: 1 where there is one.

        Returns:
            What arrives in this step, 0 where nothing does, and 1 where something does.
        """
        sent = self._within_budget(letters.shape[-1], meant)
        self._note(kind, letters.shape[-1], meant, sent)
        crosses = sent if self.lost is None else sent * (1.0 - self.lost)
        if self.mailbox is not None:
            return self.mailbox.exchange(kind, letters, crosses)
        return letters * crosses.unsqueeze(-1), crosses

    def _within_budget(self, floats: int, meant: Tensor) -> Tensor:
        """Keeps back what no longer fits; what is smaller and comes later may."""
        if self.byte_budget is None:
            return meant
        spent = torch.zeros_like(meant) if self._spent is None else self._spent
        size = BYTES_PER_FLOAT * floats
        sent = meant * (spent + size <= self.byte_budget).to(meant.dtype)
        self._spent = spent + size * sent
        return sent

    def _note(self, kind: str, floats: int, meant: Tensor, sent: Tensor) -> None:
        before = self.posted.get(kind)
        if before is None:
            self.posted[kind] = Posted(meant, sent, floats * sent)
        else:
            self.posted[kind] = Posted(before.meant + meant, before.sent + sent, before.floats + floats * sent)

    def figures(self, weights: Tensor) -> dict[str, Mean]:
        """Shares of messages, by receivers ``[*, N]`` that count: lost of those sent, kept back of those meant."""
        everything = list(self.posted.values())
        counted, found = weights.unsqueeze(-1), {}
        sent = torch.stack([one.sent for one in everything]).sum(0) * counted
        if self.lost is not None:
            found["lost_share"] = Mean((sent * self.lost).sum(), sent.sum())
        if self.byte_budget is not None:
            meant = torch.stack([one.meant for one in everything]).sum(0) * counted
            found["withheld_share"] = Mean((meant - sent).sum(), meant.sum())
        return found


class ChannelLimits:
    """The limits that a network's options name.

    Args:
        options: of a network that talks.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.draws = Draws("channel")

    @classmethod
    def of(cls, options: Options) -> ChannelLimits | None:
        """None where there are none."""
        o = options
        return cls(o) if o.talks and (o.delay or o.drop_rate or o.byte_budget is not None) else None

    def initial_state(self) -> dict[str, Tensor]:
        """See :func:`.empty_mailbox`; nothing without a delay."""
        o = self.options
        return empty_mailbox(letters(o), o.delay, o.neighbours) if o.delay else {}

    def begin(self, t: Thought, alone: bool = False) -> Limits:
        """The limits of one pass.

        Args:
            t: the pass; its links are known. Takes the draws and the mailbox's state.
            alone: whether messages travel for real: then to lose some is the real network's business.
        """
        o, lost = self.options, None
        if o.drop_rate and not alone:
            lost = t.drawn("lost")
            if lost is None:
                lost = self.draws.happens(torch.full_like(t.links.heard, o.drop_rate))
            t.draws["lost"] = lost
        mailbox = Mailbox(o.delay, t.links, t.team.state, t.state) if o.delay else None
        return Limits(o.byte_budget, lost, mailbox)
