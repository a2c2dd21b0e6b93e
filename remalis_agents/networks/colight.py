"""CoLight: each light attends to itself and its neighbours, and values its phases by what it finds.

Wei et al., "CoLight: Learning Network-level Cooperation for Traffic Signal Control", 2019, arXiv:1905.05717.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.q_network import QNetwork, Related, with_self
from remalis_agents.networks.registry import register_network
from remalis_agents.networks.relations import RelationLayer


@register_network("colight")
class CoLightNetwork(QNetwork):
    """Q-values from one round of attention over the own encoding and the neighbours'.

    The agent itself is one of those attended to, and nothing goes around the attention but the options' own features.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the encoder.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        heads: attention heads, which are averaged.
        head_size: width of a head.
        layout: see :class:`.Layout`.
    """

    rounds = 1

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        heads: int = 5,
        head_size: int = 32,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(observation_size, action_count, None, hidden, option_hidden, False, layout)
        self.relation = RelationLayer(self.width, self.width, heads, head_size, average=True)
        self.message_floats = self.width

    def relate(self, context: Tensor, team: TeamInputs) -> Related:
        heard, attention = self.relation(self.encoder(context), with_self(team))
        return Related(heard, {"attention": attention})
