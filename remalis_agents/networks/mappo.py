"""MAPPO: agents act on their own observations, a central critic sees the whole team while they learn.

Yu et al., "The Surprising Effectiveness of PPO in Cooperative Multi-Agent Games", 2021, arXiv:2103.01955.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from remalis_agents.networks.agent_parts import ValueHead
from remalis_agents.networks.base import TeamInputs, TeamOutput
from remalis_agents.networks.ippo import IPPONetwork
from remalis_agents.networks.layers import mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network


@register_network("mappo")
class MAPPONetwork(IPPONetwork):
    r"""IPPO's actor with a critic that looks at everybody, neighbour or not.

    .. math:: V_i = v(x_i, \operatorname{mean}_j \phi(x_j), \max_j \phi(x_j))

    over all agents j that take part. Pooling in place of the paper's joined vectors keeps the critic's parameters the
    same for every size of team, and its values indifferent to the agents' order (Zaheer et al., "Deep Sets", 2017,
    arXiv:1703.06114).

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        recurrent: width of a GRU behind the policy's hidden layers; 0 for none.
        pooled: width of what the critic makes of each agent before pooling.
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
        pooled: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
        option_blocks: int = 0,
        option_dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__(
            observation_size,
            action_count,
            hidden,
            option_hidden,
            recurrent,
            layout,
            option_blocks,
            option_dropout,
            input_dropout,
        )
        seen = self.reader.size + recurrent
        self.member = mlp([seen, pooled])
        self.value = ValueHead(seen + 2 * pooled, hidden)

    def forward(self, team: TeamInputs) -> TeamOutput:
        output, context = self._policy(team)
        return output._replace(values=self._central(context, output.extras, team.alive))

    def values(self, team: TeamInputs) -> Tensor:
        if self.memory is None:
            return self._central(self.reader(team.observations)[1], {}, team.alive)
        return self(team).values

    def _central(self, context: Tensor, extras: dict[str, Any], alive: Tensor) -> Tensor:
        """Values ``[*, N]`` from contexts ``[*, N, C]`` and, where there is one, the policy's memory."""
        seen = torch.cat([context, extras["memory"].detach()], -1) if extras else context
        present = alive.unsqueeze(-1)
        # Behind a ReLU: a row of zeros for who does not take part never is the maximum of somebody who does.
        members = self.member(seen) * present
        mean = members.sum(-2, keepdim=True) / present.sum(-2, keepdim=True).clamp(min=1.0)
        team = torch.cat([mean, members.amax(-2, keepdim=True)], -1)
        return self.value(torch.cat([seen, team.expand(*seen.shape[:-1], -1)], -1))
