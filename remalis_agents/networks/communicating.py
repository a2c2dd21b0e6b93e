"""Base of the networks whose agents send messages: read, encode, communicate, then score and value."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import mlp
from remalis_agents.networks.layout import Layout


class Heard(NamedTuple):
    """What agents heard in one step; all but the content as in :class:`.TeamOutput`."""

    content: Tensor
    """``[*, N, H]``."""
    extras: dict[str, Any] = {}
    state: dict[str, Tensor] = {}
    drawn: dict[str, Tensor] = {}
    log_probs: Tensor | None = None


class CommunicatingNetwork(TeamNetwork):
    """IPPO with something heard: logits and values see, besides the own vector, what neighbours sent.

    Subclasses implement :meth:`communicate` alone. What is heard must be exactly 0 for an agent without neighbours,
    so that without edges the network is its silent twin.

    Args:
        observation_size: D.
        action_count: A.
        heard: H, width of what :meth:`communicate` returns.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        heard: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.reader = AgentReader(observation_size, action_count, layout)
        self.encoder = mlp([self.reader.size, *hidden])
        self.width = hidden[-1]
        self.heard = heard
        self.head = ActionHead(self.width + heard, action_count, self.reader.option_features, option_hidden)
        self.value = ValueHead(self.reader.size + heard, hidden)

    @abstractmethod
    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        """Lets the agents talk.

        Args:
            hidden: ``[*, N, width]``, each agent's encoding of its own vector.
            team: the inputs; :meth:`.TeamInputs.edges` says who hears whom.
        """

    def forward(self, team: TeamInputs) -> TeamOutput:
        options, context = self.reader(team.observations)
        hidden = self.encoder(context)
        heard = self.communicate(hidden, team)
        logits = self.head(options, torch.cat([hidden, heard.content], -1))
        values = self.value(torch.cat([context, heard.content], -1))
        return TeamOutput(logits, values, heard.extras, heard.state, heard.drawn, heard.log_probs)

    def value_heads(self) -> list[nn.Linear]:
        return self.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
