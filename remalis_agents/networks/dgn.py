"""DGN: graph convolution by attention, two layers deep, with relations that are kept steady over time.

Jiang et al., "Graph Convolutional Reinforcement Learning", 2018, arXiv:1810.09202.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import Following, Played, TeamInputs, TeamOutput
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.q_network import QNetwork, Related, with_self
from remalis_agents.networks.registry import register_network
from remalis_agents.networks.relations import RelationLayer


def relation_divergence(before: Tensor, after: Tensor) -> Tensor:
    r"""How far relations moved: :math:`\frac{1}{M} \sum_m \mathrm{KL}(\alpha'^m_i \,\|\, \alpha^m_i)`.

    Args:
        before: ``[*, M, N, N]``, attention that is to follow.
        after: ``[*, M, N, N]``, attention one step later, which it follows.

    Returns:
        ``[*, N]``.
    """
    tiny = 1e-8  # where nobody is attended to both are 0, and so is the term
    terms = after * ((after + tiny).log() - (before + tiny).log())
    return terms.sum(-1).mean(-2)


@register_network("dgn")
class DGNNetwork(QNetwork):
    r"""Q-values from what an agent sees and what two rounds of attention bring.

    .. math:: Q_i = f(h^0_i, h^1_i, h^2_i)

    Temporal relation regularisation pulls the attention of each layer towards what the target network attends to one
    step later.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the encoder.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        layers: rounds of attention, each reaching one hop further.
        heads: attention heads a layer.
        head_size: width of a head.
        regularisation: coefficient of the temporal relation regularisation.
        layout: see :class:`.Layout`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        layers: int = 2,
        heads: int = 8,
        head_size: int = 8,
        regularisation: float = 0.03,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        content = hidden[-1] * (layers + 1)
        super().__init__(observation_size, action_count, content, hidden, option_hidden, False, layout)
        self.relations = nn.ModuleList(RelationLayer(self.width, self.width, heads, head_size) for _ in range(layers))
        self.regularisation = regularisation
        self.rounds = layers
        self.message_floats = layers * self.width

    def relate(self, context: Tensor, team: TeamInputs) -> Related:
        links, features, attention = with_self(team), [self.encoder(context)], []
        for layer in self.relations:
            heard, weights = layer(features[-1], links)
            features.append(heard)
            attention.append(weights)
        return Related(torch.cat(features, -1), {"attention": attention})

    def replay_losses(
        self, team: TeamInputs, output: TeamOutput, played: Played, following: Following
    ) -> dict[str, Tensor]:
        if not self.regularisation:
            return {}
        pairs = zip(output.extras["attention"], following.target.extras["attention"], strict=True)
        moved = torch.stack([relation_divergence(before, after) for before, after in pairs]).mean(0)
        # An agent that ended has no relations to follow.
        goes_on = played._replace(weights=played.weights * following.team.alive)
        return {"relation_loss": self.regularisation * goes_on.mean(moved)}
