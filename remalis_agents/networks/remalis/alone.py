"""One agent by itself: the same network, with its own view and the messages that it really received.

What a team computes in one pass over all its agents, each agent can compute in a process or on a machine of its own:
the network asks :class:`Correspondence` for what the neighbours sent, instead of looking it up in the team's tensors.

Gates, byte budget and delay are kept where messages arrive: what a gate or the budget holds back travels, but is not
looked at, and the receiver keeps what is late. What is lost is the real network's business, so ``drop_rate`` draws
nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remalis_agents.networks.acting import Decision, decide
from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.model import TeamModel
from remalis_agents.networks.remalis.links import place
from remalis_agents.networks.remalis.network import RemalisNetwork
from remalis_envs.errors import RemalisError


class Transport(Protocol):
    """How an agent's messages travel. Neighbours are named by their rows in the team."""

    def send(self, neighbour: int, numbers: NDArray[np.float32]) -> None:
        """Sends one message; must not wait for the other side to read it."""

    def receive(self, neighbour: int) -> NDArray[np.float32]:
        """The neighbour's next message, in the order in which it sent them; waits for it."""


class Correspondence:
    """One agent's neighbourhood; stands in the place of :class:`.Links`.

    Every value is ``[1, 1, 1, ...]``: one step of one team of one.

    Args:
        slots: ``[1, 1, K]``, which neighbour stands in which slot, as it was in the step before.
        hears: ``[N]``, 1 for those whom the agent can hear now.
        heard_by: ``[N]``, 1 for those who can hear it.
        transport: takes and brings messages.
    """

    alone = True

    def __init__(self, slots: Tensor, hears: Tensor, heard_by: Tensor, transport: Transport) -> None:
        self.slots = place(slots, hears.view(1, 1, -1))
        self._transport = transport
        self._rows = [int(row) - 1 for row in self.slots.flatten().tolist()]
        self._hears = [row for row in self._rows if row >= 0 and hears[row] > 0]
        self._readers = [int(row) for row in heard_by.nonzero().flatten()]
        flags = [float(row in self._hears) for row in self._rows]
        self.heard = torch.tensor(flags).view(1, 1, 1, -1)
        both = [float(row in self._hears and row in self._readers) for row in self._rows]
        self.mutual = torch.tensor(both).view(1, 1, 1, -1)
        self.index = torch.tensor([max(row, 0) for row in self._rows]).view(1, 1, 1, -1)

    def hear(self, sent: Tensor) -> Tensor:
        """Sends the own message to all who hear it, and gives back theirs; as :meth:`.Links.hear`."""
        mine = sent.reshape(-1).numpy()
        for reader in self._readers:
            self._transport.send(reader, mine)
        return self._received(sent.shape[-1], self._hears)

    def hear_own(self, sent: Tensor) -> Tensor:
        """Sends each neighbour what stands in its slot, and gives back what they sent; as :meth:`.Links.hear_own`."""
        mine = sent.reshape(len(self._rows), -1).numpy()
        mutual = [row for row in self._hears if row in self._readers]
        for slot, row in enumerate(self._rows):
            if row in mutual:
                self._transport.send(row, mine[slot])
        return self._received(sent.shape[-1], mutual)

    def _received(self, size: int, senders: list[int]) -> Tensor:
        rows = np.zeros((len(self._rows), size), np.float32)
        for slot, row in enumerate(self._rows):
            if row in senders:
                rows[slot] = self._transport.receive(row)
        return torch.from_numpy(rows).view(1, 1, 1, len(self._rows), size)


class Agent:
    """One member of a ReMALIS team, which computes from its own observation and what it receives.

    Args:
        model: the team's model; every member has a copy.
        row: this agent's row in the team, by which neighbours know each other.
        transport: takes and brings its messages.
        sample: whether actions are drawn, or the most probable is taken.

    Raises:
        RemalisError: the model's network is another method's, or needs to know all agents at once.
    """

    def __init__(self, model: TeamModel, row: int, transport: Transport, sample: bool = False) -> None:
        if not isinstance(model.network, RemalisNetwork):
            raise RemalisError(
                f"Only a ReMALIS team plays one by one, but this model's network is {model.spec.network!r}."
            )
        if model.spec.sharing == "none":
            raise RemalisError("With sharing: none an agent's weights go by its row, so that it cannot be alone.")
        self.model, self.row, self.sample = model.eval(), row, sample
        self._network, self._transport = model.network, transport
        self.reset()

    def reset(self) -> None:
        """Forgets the episode before."""
        self._state = {name: value.unsqueeze(0) for name, value in self.model.initial_state(1).items()}

    @torch.no_grad()
    def act(self, observation: Mapping[str, NDArray[np.generic]], adjacency: NDArray[np.generic]) -> int:
        """The agent's next action.

        Args:
            observation: its own, as the environment gives it: ``observation`` and ``action_mask``; and ``tokens``,
                ``(L,)``, for a network that reads, see :attr:`.TeamInputs.tokens`.
            adjacency: ``(N, N)``, who hears whom now; only the own row and column are looked at.
        """
        return int(self.decide(observation, adjacency).actions.item())

    @torch.no_grad()
    def decide(self, observation: Mapping[str, NDArray[np.generic]], adjacency: NDArray[np.generic]) -> Decision:
        """As :meth:`act`, with all that the pass gave."""
        links = torch.as_tensor(np.asarray(adjacency), dtype=torch.float32)
        hears, heard_by = links[self.row].clone(), links[:, self.row].clone()
        hears[self.row] = heard_by[self.row] = 0.0
        self._network.correspond = lambda team: Correspondence(team.state["slots"], hears, heard_by, self._transport)
        tokens = observation.get("tokens")
        team = TeamInputs(
            torch.as_tensor(observation["observation"], dtype=torch.float32).view(1, 1, 1, -1),
            torch.ones(1, 1, 1),
            torch.zeros(1, 1, 1, 1),
            torch.as_tensor(observation["action_mask"], dtype=torch.float32).view(1, 1, 1, -1),
            self._state,
            sample=self.sample,
            tokens=None if tokens is None else torch.as_tensor(tokens).view(1, 1, 1, -1),
        )
        try:
            decision = decide(self.model, team)
        finally:
            self._network.correspond = None
        self._state = decision.output.state
        return decision
