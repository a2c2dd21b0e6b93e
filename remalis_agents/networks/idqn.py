"""IDQN: every agent learns the value of its own actions from its own observation, all share one network.

Tampuu et al., "Multiagent Cooperation and Competition with Deep Reinforcement Learning", 2015, arXiv:1511.08779;
duelling after Wang et al., 2015, arXiv:1511.06581, double targets (of the learner) after van Hasselt et al., 2015,
arXiv:1509.06461.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.q_network import QNetwork, Related
from remalis_agents.networks.registry import register_network


@register_network("idqn")
class IDQNNetwork(QNetwork):
    """Own observation, no messages.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the hidden layers.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        duelling: whether Q is a value of the state plus advantages of the actions.
        layout: see :class:`.Layout`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        duelling: bool = True,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(observation_size, action_count, None, hidden, option_hidden, duelling, layout)

    def relate(self, context: Tensor, team: TeamInputs) -> Related:
        return Related(self.encoder(context))
