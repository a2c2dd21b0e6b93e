"""IPPO: every agent acts on its own observation, all share one network.

de Witt et al., "Is Independent Learning All You Need in the StarCraft Multi-Agent Challenge?", 2020,
arXiv:2011.09533.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import AgentGRU, mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network


@register_network("ippo")
class IPPONetwork(TeamNetwork):
    """Own observation, no messages.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        recurrent: width of a GRU behind the policy's hidden layers; 0 for none.
        layout: see :class:`.Layout`; None for a plain MLP from the vector to all logits.
        option_blocks: blocks of attention by which options know of one another, see :class:`.ActionHead`.
        option_dropout: share of what these blocks add that is left out in training by demonstrations.
        input_dropout: share of the inputs that is, see :class:`.AgentReader`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        recurrent: int = 0,
        layout: Layout | Mapping[str, Any] | None = None,
        option_blocks: int = 0,
        option_dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.reader = AgentReader(observation_size, action_count, layout, input_dropout)
        self.encoder = mlp([self.reader.size, *hidden])
        self.memory = AgentGRU(hidden[-1], recurrent) if recurrent else None
        self.recurrent = recurrent
        width = recurrent or hidden[-1]
        self.head = ActionHead(
            width,
            action_count,
            self.reader.option_features,
            option_hidden,
            blocks=option_blocks,
            dropout=option_dropout,
        )
        # Where the policy remembers, so does the value: what is worth remembering is worth something.
        self.value = ValueHead(self.reader.size + recurrent, hidden)

    def forward(self, team: TeamInputs) -> TeamOutput:
        output, context = self._policy(team)
        return output._replace(values=self._value(context, output.extras))

    def act(self, team: TeamInputs) -> TeamOutput:
        return self._policy(team)[0]

    def values(self, team: TeamInputs) -> Tensor:
        if self.memory is None:
            return self.value(self.reader(team.observations)[1])
        return self(team).values

    def _policy(self, team: TeamInputs) -> tuple[TeamOutput, Tensor]:
        seen = self.reader.read(team.observations)
        hidden, state, extras = self.encoder(seen.context), {}, {}
        if self.memory is not None:
            hidden, last = self.memory(hidden, team.state["memory"])
            state, extras = {"memory": last}, {"memory": hidden}
        return TeamOutput(self.head(seen.options, hidden, seen.exists), team.alive, extras, state), seen.context

    def _value(self, context: Tensor, extras: dict[str, Any]) -> Tensor:
        return self.value(torch.cat([context, extras["memory"].detach()], -1) if extras else context)

    def initial_state(self) -> dict[str, Tensor]:
        return {"memory": torch.zeros(self.recurrent)} if self.recurrent else {}

    def value_heads(self) -> list[nn.Linear]:
        return self.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
