"""MPLight: phases compete in pairs for the green, by the pressure that each would relieve.

Chen et al., "Toward A Thousand Lights: Decentralized Deep Reinforcement Learning for Large-Scale Traffic Signal
Control", 2020, doi:10.1609/aaai.v34i04.5744; its head is FRAP: Zheng et al., "Learning Phase Competition for Traffic
Signal Control", 2019, arXiv:1905.04722.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import AgentReader
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import linear, mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.q_network import best_values
from remalis_agents.networks.registry import register_network


class PhaseCompetition(nn.Module):
    r"""Values each phase by how it fares against each other one.

    .. math:: Q_p = \frac{1}{K - 1} \sum_{q \ne p} w^\top \mathrm{ReLU}\big(
              \mathrm{ReLU}(U d_p + V d_q) \odot \mathrm{ReLU}(R\,[x_p, x_q])\big), \quad d = \mathrm{ReLU}(D x)

    The same weights serve every pair, so swapping two phases swaps their values. FRAP tells pairs that share a movement
    from those that do not; here a pair's relation is learnt from the features of both. FRAP adds up over the others;
    the mean keeps values alike where there are more phases to choose from.

    Args:
        features: F, of one phase.
        hidden: width of demands and competitions.

    Shapes:
        phases ``[*, N, K, F]``, exists ``[*, N, K]`` -> ``[*, N, K]``, 0 for a phase without a competitor.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.demand = mlp([features, hidden])
        self.own = linear(hidden, hidden)
        self.other = linear(hidden, hidden, bias=False)
        self.relation_own = linear(features, hidden)
        self.relation_other = linear(features, hidden, bias=False)
        self.score = mlp([hidden, hidden, 1], last_gain=1.0)

    def forward(self, phases: Tensor, exists: Tensor) -> Tensor:
        demand = self.demand(phases)
        competition = _pairs(self.own(demand), self.other(demand))
        relation = _pairs(self.relation_own(phases), self.relation_other(phases))
        wins = self.score(competition * relation).squeeze(-1)
        count = phases.shape[-2]
        against = exists.unsqueeze(-2) * (1.0 - torch.eye(count, device=phases.device, dtype=phases.dtype))
        return (wins * against).sum(-1) / against.sum(-1).clamp(min=1.0)


def _pairs(own: Tensor, other: Tensor) -> Tensor:
    """``[*, K, H]`` twice -> ``[*, K, K, H]``: row p against column q."""
    return torch.relu(own.unsqueeze(-2) + other.unsqueeze(-3))


@register_network("mplight")
class MPLightNetwork(TeamNetwork):
    """Own phases only, no messages: what neighbours do shows in the pressure.

    Where nothing is known of the vector, the features of a phase are a linear layer of all of it.

    Args:
        observation_size: D.
        action_count: A.
        features: which of a phase's features are read (for traffic those of its pressure), all by default.
        hidden: width of demands and competitions.
        plain_features: features made for each action where there is no layout.
        layout: see :class:`.Layout`.
    """

    value_based: ClassVar[bool] = True

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        features: Sequence[int] | None = None,
        hidden: int = 16,
        plain_features: int = 8,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.action_count = action_count
        self.reader = AgentReader(observation_size, action_count, layout)
        count = self.reader.option_features
        if count and features is not None and not all(0 <= index < count for index in features):
            raise TypeError(f"features names entries of a phase from 0 to {count - 1}, but it is {list(features)}")
        self.features = None if features is None or not count else list(features)
        self.plain = None if count else linear(self.reader.size, action_count * plain_features)
        width = plain_features if not count else count if self.features is None else len(self.features)
        self.compete = PhaseCompetition(width, hidden)

    def forward(self, team: TeamInputs) -> TeamOutput:
        seen = self.reader.read(team.observations)
        if self.plain is not None:
            phases = self.plain(seen.context).unflatten(-1, (self.action_count, -1))
            exists = torch.ones_like(phases[..., 0])
        else:
            assert seen.options is not None and seen.exists is not None
            phases, exists = seen.options, seen.exists
            if self.features is not None:
                phases = phases[..., self.features]
        q_values = self.compete(phases, exists)
        q_values = nn.functional.pad(q_values, (0, self.action_count - q_values.shape[-1]))
        return TeamOutput(q_values, best_values(q_values, team.action_mask))

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
