"""Recursive reasoning: what I believe that you believe of me enters what I tell you next (sections 3.3 and 4.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import linear
from remalis_agents.networks.remalis.few import weighted_sum
from remalis_agents.networks.remalis.links import Reach
from remalis_agents.networks.remalis.post import Post

KINDS = ("recursive", "convolution", "recurrent")
"""The paper's reasoning, and the two that stand in its place in the ablations."""


class RecursiveReasoning(nn.Module):
    r"""Rounds of messages about beliefs, with the same weights in each.

    .. math:: \rho^r_{j \to i} = \tanh W [h^{r-1}_{ji}, \textstyle\sum_{l} h^{r-1}_{jl} / |N_j|], \quad
              h^r_{ij} = h^{r-1}_{ij} + \tanh U [h^{r-1}_{ij}, \rho^r_{j \to i}]

    j tells i what it believes of i, and what it believes on the whole; i revises what it believes of j. So each round
    carries what is observed one hop further: k rounds and the announcement before them make k + 1.

    Args:
        hidden: H, width of the channel's state.
        rounds: k.
        kind: one of :data:`KINDS`. ``convolution`` sends the mean belief to all and revises by a convolution over the
            slots; ``recurrent`` does so by a plain recurrent layer. Neither tells a teammate what is believed of it.

    Shapes:
        h ``[*, N, K, H]`` -> h ``[*, N, K, H]``; the mean runs over those whose announcement arrived.
    """

    def __init__(self, hidden: int, rounds: int, kind: str = "recursive") -> None:
        super().__init__()
        self.rounds, self.kind, self.hidden = rounds, kind, hidden
        if kind == "recursive":
            self.tell = linear(2 * hidden, hidden, 1.0)
            self.revise = linear(2 * hidden, hidden, 1.0)
        elif kind == "convolution":
            self.tell = linear(hidden, hidden, 1.0)
            self.convolve = nn.Conv1d(2 * hidden, hidden, 3, padding=1)
        else:
            self.tell = linear(hidden, hidden, 1.0)
            self.unit = nn.RNNCell(hidden, hidden)

    def forward(self, hidden: Tensor, announced: Reach, post: Post) -> Tensor:
        for _ in range(self.rounds):
            whole = weighted_sum(announced.share, hidden)
            if self.kind == "recursive":
                both = torch.cat([hidden, whole.unsqueeze(-2).expand_as(hidden)], -1)
                told = post.tell_each("recursion", torch.tanh(self.tell(both)))
                hidden = hidden + torch.tanh(self.revise(torch.cat([hidden, told], -1)))
            else:
                hidden = self._instead(hidden, post.tell_all("recursion", torch.tanh(self.tell(whole)))[0])
        return hidden

    def _instead(self, hidden: Tensor, told: Tensor) -> Tensor:
        if self.kind == "convolution":
            rows = torch.cat([hidden, told], -1).flatten(0, -3).transpose(-1, -2)
            return hidden + torch.tanh(self.convolve(rows).transpose(-1, -2).view_as(hidden))
        return self.unit(told.reshape(-1, self.hidden), hidden.reshape(-1, self.hidden)).view_as(hidden)
