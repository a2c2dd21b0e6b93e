"""Planning: which sub-goal comes next (equation 1, algorithm 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import linear
from remalis_agents.networks.remalis.few import softmax, weighted_sum
from remalis_agents.networks.remalis.post import Post


class Planning(nn.Module):
    r"""Predicts the next sub-goal from state, intention, grounding and feedback, over the graph of agents.

    .. math:: h^0 = \mathrm{Encoder}(s, I, e, f), \quad
              h^{l+1}_i = h^l_i + \mathrm{ReLU}\big(W^l h^l_i + U^l \overline{h^l_j}\big), \quad
              s_{t+1} = \mathrm{softmax}(T h^L)

    the mean running over the neighbourhood. Each layer sends one message of type ``planning``; where agents do not talk
    its second term is 0.

    Args:
        inputs: width of (s, I, e, f).
        subgoals: S.
        width: of h.
        layers: L.
        talks: whether there are neighbours to hear.

    Shapes:
        inputs ``[*, N, inputs]``, exists ``[*, N, S]`` -> logits and distribution ``[*, N, S]``, h ``[*, N, width]``.
    """

    def __init__(self, inputs: int, subgoals: int, width: int, layers: int, talks: bool) -> None:
        super().__init__()
        self.talks = talks
        self.encoder = linear(inputs, width)
        self.own = nn.ModuleList(linear(width, width, 1.0) for _ in range(layers))
        self.heard = nn.ModuleList(linear(width, width, 1.0, bias=False) for _ in range(layers if talks else 0))
        self.head = linear(width, subgoals, 0.1)

    def forward(self, inputs: Tensor, exists: Tensor, post: Post | None) -> tuple[Tensor, Tensor, Tensor]:
        hidden = torch.relu(self.encoder(inputs))
        for k, own in enumerate(self.own):
            change = own(hidden)
            if post is not None:
                told, reach = post.tell_all("planning", hidden)
                change = change + self.heard[k](weighted_sum(reach.share, told))
            hidden = hidden + torch.relu(change)
        logits = self.head(hidden)
        return logits, softmax(logits, exists), hidden
