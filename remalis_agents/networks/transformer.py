"""Attention over a team as a centre sees it, or over an agent's options: none has a place in a row, links are a bias.

Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762. Built with one set of weights, whatever
parameters the agents share: a centre is one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.attention import masked_softmax
from remalis_agents.networks.layers import linear, mlp, sharing


class TeamAttention(nn.Module):
    r"""Multi-head attention to those who are present.

    .. math:: y_q = W_o \sum_k \mathrm{softmax}_k\left(q_q^\top k_k / \sqrt{d} + b\,l_{qk}\right) v_k

    Args:
        width: W, a multiple of ``heads``.
        heads: heads, each of width d = W / heads.
        linked: whether there are links l to weigh, by one learnt b a head.

    Shapes:
        queries ``[*, Q, W]``, keys ``[*, K, W]``, present ``[*, Q or 1, K]``, links ``[*, Q, K]`` -> ``[*, Q, W]``;
        a query to which nobody is present gets the output layer's bias.
    """

    def __init__(self, width: int, heads: int = 4, linked: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"The width of attention must be a multiple of its {heads} heads, but it is {width}.")
        self.heads, self.scale = heads, (width // heads) ** -0.5
        with sharing(None):
            self.query, self.key, self.value = (linear(width, width, 1.0) for _ in range(3))
            self.out = linear(width, width, 1.0)
        self.link = nn.Parameter(torch.ones(heads)) if linked else None

    def forward(self, queries: Tensor, keys: Tensor, present: Tensor, links: Tensor | None = None) -> Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(-2, -3)
            for layer, x in ((self.query, queries), (self.key, keys), (self.value, keys))
        )
        scores = q @ k.transpose(-1, -2) * self.scale
        if self.link is not None and links is not None:
            scores = scores + self.link.view(-1, 1, 1) * links.unsqueeze(-3)
        weights = masked_softmax(scores, present.unsqueeze(-3))
        return self.out((weights @ v).transpose(-2, -3).flatten(-2))


class EncoderBlock(nn.Module):
    """Attention among rows, such as agents, and a layer for each of them, around which the input is added.

    Args:
        width: W, a multiple of ``heads``.
        heads: of the attention.
        linked: whether rows have links, see :class:`TeamAttention`.
        dropout: share of what is added to the rows that is left out in training.

    Shapes:
        rows ``[*, N, W]``, alive ``[*, N]``, links ``[*, N, N]`` -> ``[*, N, W]``.
    """

    def __init__(self, width: int, heads: int = 4, linked: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = TeamAttention(width, heads, linked)
        with sharing(None):
            self.own = mlp([width, width, width], last_gain=1.0)

    def forward(self, rows: Tensor, alive: Tensor, links: Tensor | None = None) -> Tensor:
        given = self.before(rows)
        rows = rows + self.dropout(self.attention(given, given, alive.unsqueeze(-2), links))
        return rows + self.dropout(self.own(self.between(rows)))
