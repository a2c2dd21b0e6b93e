"""What agents hear from each other in a pass: taken down, and passes in which they hear something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.remalis.limits import letters
from remalis_agents.networks.remalis.links import Links
from remalis_agents.networks.remalis.network import RemalisNetwork
from remalis_envs.errors import RemalisError

if TYPE_CHECKING:
    from remalis_agents.team import Team


@dataclass(frozen=True)
class Heard:
    """What one team's agents hear in one step: N agents with K slots each.

    A pass sends its messages in a fixed order, gates and choices of whom to tell among them, so that the n-th is the
    same type and round in every pass of a network.

    Attributes:
        sender: ``[N, K]`` long, the agent in each slot, -1 where nobody is heard.
        mutual: ``[N, K]`` bool, whether that agent hears the slot's owner, too.
        letters: for each message of a pass ``[N, K, m]``, as its sender wrote it: before the channel loses, keeps back
            or delays it. Any numbers where nobody is heard.
    """

    sender: Tensor
    mutual: Tensor
    letters: list[Tensor]

    def slot(self, receiver: int, sender: int) -> int:
        """The slot in which one agent hears another; -1 where it does not."""
        found = (self.sender[receiver] == sender).nonzero()
        return int(found[0, 0]) if len(found) else -1


class Other(NamedTuple):
    """What is heard in the place of what was sent."""

    where: Tensor
    """``[N, K]`` bool, the slots in which something else is heard."""
    letters: list[Tensor]
    """For each message of a pass ``[N, K, m]``; any numbers elsewhere."""


class TappedLinks(Links):
    """The links of one step of one team: they take down what is heard, and may give something else.

    Args:
        team: the inputs of the pass, ``[1, 1, N, ...]``.

    Attributes:
        other: what is heard instead; None for what was sent.
        taken: what was sent, message by message.
        listening: whether the pass goes on. Losses and figures look through the links, too, once it is over.
    """

    def __init__(self, team: TeamInputs) -> None:
        super().__init__(team.state["slots"], team.edges() * team.alive.unsqueeze(-1))
        self.other: Other | None = None
        self.taken: list[Tensor] = []
        self.listening = True

    def hear(self, sent: Tensor) -> Tensor:
        return self._give(super().hear(sent))

    def hear_own(self, sent: Tensor) -> Tensor:
        return self._give(super().hear_own(sent))

    def _give(self, sent: Tensor) -> Tensor:
        if not self.listening:
            return sent
        self.taken.append(sent[0, 0])
        if self.other is None:
            return sent
        return torch.where(self.other.where.unsqueeze(-1), self.other.letters[len(self.taken) - 1], sent)

    def heard_now(self) -> Heard:
        """What was sent so far in this pass, or nothing yet."""
        there = self.heard[0, 0] > 0
        return Heard(torch.where(there, self.index[0, 0], -1), self.mutual[0, 0] > 0, self.taken)


Instead = Callable[[Heard], Other | None]
"""Who is heard, before anything was sent -> what is heard in its place; None for nothing else."""


@contextmanager
def tapped(network: RemalisNetwork, instead: Instead | None = None) -> Iterator[list[Heard]]:
    """Within it, agents hear what ``instead`` says; gives a list of what was sent, one for each pass of one step."""
    made: list[TappedLinks] = []
    heard: list[Heard] = []

    def correspond(team: TeamInputs) -> TappedLinks:
        links = TappedLinks(team)
        made.append(links)
        heard.append(links.heard_now())
        if instead is not None:
            links.other = instead(heard[-1])
        return links

    network.correspond = correspond
    try:
        yield heard
    finally:
        network.correspond = None
        for links in made:
            links.listening = False


@contextmanager
def silenced(network: RemalisNetwork) -> Iterator[None]:
    """Within it nobody is heard: every message is 0 and flagged as not delivered, as if all teammates were gone."""
    network.correspond = lambda team: Links(team.state["slots"], torch.zeros_like(team.edges()))
    try:
        yield
    finally:
        network.correspond = None


def from_elsewhere(now: Heard, then: Sequence[Heard]) -> Other | None:
    """What each agent heard from each of those whom it hears now at other times.

    Args:
        now: who is heard; with or without letters.
        then: other steps; each link takes the first in which there was one like it: the same two agents, and as mutual.

    Returns:
        The messages, where there are any; None where nobody heard anybody.
    """
    missing, where = now.sender >= 0, torch.zeros_like(now.mutual)
    found: list[Tensor] = []
    for one in then:
        if not bool(missing.any()):
            break
        alike = (now.sender.unsqueeze(-1) == one.sender.unsqueeze(-2)) & (
            now.mutual.unsqueeze(-1) == one.mutual.unsqueeze(-2)
        )
        here, slot = alike.any(-1) & missing, alike.to(torch.uint8).argmax(-1).unsqueeze(-1)
        theirs = [rows.gather(1, slot.expand(*slot.shape[:-1], rows.shape[-1])) for rows in one.letters]
        found = [torch.where(here.unsqueeze(-1), new, old) for new, old in zip(theirs, found or theirs, strict=True)]
        missing, where = missing & ~here, where | here
    return Other(where, found) if bool(where.any()) else None


def arriving(network: RemalisNetwork, state: dict[str, Tensor], now: Heard) -> Heard:
    """What arrives in a step where messages take steps: the oldest in each mailbox of one team.

    Args:
        network: with a delay.
        state: the team's, before the step.
        now: who is heard in it; of others nothing arrives any more.
    """
    sender = state["mail_from"][0, :, 0].long() - 1
    still = (sender.unsqueeze(-1) == now.sender.unsqueeze(-2)).any(-1)
    sender = torch.where(still, sender, -1)
    rows = [state[f"mail_{name}"][0, :, 0] for name, _ in letters(network.options)]
    return Heard(sender, sender >= 0, rows)


def arriving_instead(network: RemalisNetwork, state: dict[str, Tensor], other: Other) -> dict[str, Tensor]:
    """A team's state in whose mailboxes something else is about to arrive."""
    changed = dict(state)
    for (name, _), theirs in zip(letters(network.options), other.letters, strict=True):
        mail = state[f"mail_{name}"].clone()
        mail[0, :, 0] = torch.where(other.where.unsqueeze(-1), theirs, mail[0, :, 0])
        changed[f"mail_{name}"] = mail
    return changed


def talking(team: Team) -> RemalisNetwork:
    """The network of a team whose agents tell each other something.

    Raises:
        RemalisError: the team is of another method, or its agents are silent.
    """
    network = team.model.network
    if not isinstance(network, RemalisNetwork):
        raise RemalisError(
            f"This checkpoint holds a team of network {team.name!r}, whose messages cannot be replaced: give a "
            "checkpoint of a team that was trained with run: ReMALIS."
        )
    if not network.options.talks:
        raise RemalisError("The agents of this team do not talk (communication: none): there is no message to replace.")
    return network
