"""Mean-field PPO: an agent answers to the mean of what its neighbours are about to do.

Yang et al., "Mean Field Multi-Agent Reinforcement Learning", 2018, arXiv:1802.05438.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network


@register_network("mean_field")
class MeanFieldNetwork(TeamNetwork):
    r"""Policies that are each other's mean field, by fixed-point iterations inside a step.

    .. math:: \pi_i^0 = \pi(x_i, 0), \quad \bar a_i^k = \frac{1}{|N_i|} \sum_{j \in N_i} \pi_j^{k-1}, \quad
              \pi_i^k = \pi(x_i, \bar a_i^k)

    The paper's mean action is the one of the step before, or is sampled until it settles. Distributions instead of
    samples settle at once and can be differentiated, so an agent learns what its proposal does to its neighbours.

    Args:
        observation_size: D.
        action_count: A.
        iterations: how often agents answer to each other; as many hops are heard over.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.
    """

    rounds = 1

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        iterations: int = 1,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.iterations = self.rounds = iterations
        self.message_floats = iterations * action_count
        self.action_count = action_count
        self.reader = AgentReader(observation_size, action_count, layout)
        self.encoder = mlp([self.reader.size, *hidden])
        self.head = ActionHead(hidden[-1] + action_count, action_count, self.reader.option_features, option_hidden)
        self.value = ValueHead(self.reader.size + action_count, hidden)

    def forward(self, team: TeamInputs) -> TeamOutput:
        options, context = self.reader(team.observations)
        hidden, edges = self.encoder(context), team.edges()
        shares = edges / edges.sum(-1, keepdim=True).clamp(min=1.0)
        field = hidden.new_zeros(*hidden.shape[:-1], self.action_count)
        logits = self.head(options, torch.cat([hidden, field], -1))
        for _ in range(self.iterations):
            field = shares @ torch.softmax(mask_logits(logits, team.action_mask), -1)
            logits = self.head(options, torch.cat([hidden, field], -1))
        return TeamOutput(logits, self.value(torch.cat([context, field], -1)), {"mean_field": field})

    def value_heads(self) -> list[nn.Linear]:
        return self.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
