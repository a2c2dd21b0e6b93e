"""Multi-head dot-product attention of each agent over itself and those whom it hears."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.attention import masked_softmax
from remalis_agents.networks.layers import linear


class RelationLayer(nn.Module):
    r"""One round of attention, the same weights for every pair.

    .. math:: \alpha^m_{ij} = \mathrm{softmax}_j\big(\tau\, W^m_q h_i \cdot W^m_k h_j\big), \quad
              h'_i = \sigma\big(W_o\, \mathrm{comb}_m \sum_j \alpha^m_{ij} W^m_v h_j\big)

    with ReLU behind the projections. Heads are joined (Jiang et al., "Graph Convolutional Reinforcement Learning",
    2018, arXiv:1810.09202) or averaged (Wei et al., "CoLight", 2019, arXiv:1905.05717).

    Args:
        inputs: width of what comes in.
        outputs: width of what goes out.
        heads: M.
        size: width of one head.
        average: average the heads instead of joining them.

    Shapes:
        features ``[*, N, inputs]``, links ``[*, N, N]`` (1 where i attends to j) -> ``[*, N, outputs]``, attention
        ``[*, M, N, N]``.
    """

    def __init__(self, inputs: int, outputs: int, heads: int, size: int, average: bool = False) -> None:
        super().__init__()
        self.heads, self.size, self.average = heads, size, average
        self.query = linear(inputs, heads * size)
        self.key = linear(inputs, heads * size)
        self.content = linear(inputs, heads * size)
        self.out = linear(size if average else heads * size, outputs)

    def forward(self, features: Tensor, links: Tensor) -> tuple[Tensor, Tensor]:
        query, key, content = (self._heads(part(features)) for part in (self.query, self.key, self.content))
        scores = query @ key.transpose(-1, -2) / self.size**0.5
        attention = masked_softmax(scores, links.unsqueeze(-3).expand_as(scores))
        heard = (attention @ content).transpose(-2, -3)
        joined = heard.mean(-2) if self.average else heard.flatten(-2)
        return torch.relu(self.out(joined)), attention

    def _heads(self, projected: Tensor) -> Tensor:
        """``[*, N, M size]`` -> ``[*, M, N, size]``."""
        return torch.relu(projected).unflatten(-1, (self.heads, self.size)).transpose(-2, -3)
