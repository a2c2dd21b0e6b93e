"""The channel: from the messages of a teammate to a belief about what it intends (section 3.1, algorithm 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import AgentGRU, linear
from remalis_agents.networks.remalis.few import softmax, weighted_sum


class Belief(NamedTuple):
    r"""What agents believe of their teammates' intentions, :math:`b_i(I_j | m_{ij})`."""

    logits: Tensor
    """``[*, N, K, S]``: the next sub-goal of each slot's agent."""
    goal: Tensor
    """``[*, N, K, d]``: where it is heading."""


class Channel(nn.Module):
    r"""A recurrent network over each teammate's messages.

    .. math:: h_{ij,t} = \mathrm{GRU}(\mathrm{enc}(m_{ij,t}), h_{ij,t-1})

    The same weights for every pair. A step in which nothing came is a step of its own: a flag says so.

    Args:
        inputs: m, width of a message.
        hidden: H.
        layers: of the GRU.

    Shapes:
        messages ``[B, T, N, K, m]``, delivered ``[B, T, N, K]``, state ``[B, N, K, layers H]`` -> h
        ``[B, T, N, K, H]``, state.
    """

    def __init__(self, inputs: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.encoder = linear(inputs + 1, hidden)
        self.unit = AgentGRU(hidden, hidden, layers)

    def forward(self, messages: Tensor, delivered: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        encoded = torch.relu(self.encoder(torch.cat([messages, delivered.unsqueeze(-1)], -1)))
        return self.unit(encoded, state)


class BeliefHead(nn.Module):
    """Reads a belief off the channel's state.

    Shapes:
        h ``[*, N, K, H]`` -> :class:`Belief`.
    """

    def __init__(self, hidden: int, subgoals: int, goal: int) -> None:
        super().__init__()
        self.subgoals = subgoals
        self.read = linear(hidden, subgoals + goal, 0.1)

    def forward(self, hidden: Tensor) -> Belief:
        read = self.read(hidden)
        return Belief(read[..., : self.subgoals], read[..., self.subgoals :].tanh())


class Hearing(nn.Module):
    r"""What an agent makes of all it believes: attention over its slots by its own goal.

    .. math:: x_i = \sum_{j \in N_i} \mathrm{softmax}_j(W_q \gamma_i \cdot W_k h_{ij}) W_v h_{ij}

    0 for an agent who hears nobody.

    Shapes:
        goal ``[*, N, d]``, h ``[*, N, K, H]``, delivered ``[*, N, K]`` -> x ``[*, N, size]``.
    """

    def __init__(self, goal: int, hidden: int, size: int, key: int = 16) -> None:
        super().__init__()
        self.query = linear(goal, key, 1.0, bias=False)
        self.key = linear(hidden, key, 1.0, bias=False)
        self.content = linear(hidden, size, 1.0, bias=False)

    def forward(self, goal: Tensor, hidden: Tensor, delivered: Tensor) -> Tensor:
        query = self.query(goal).unsqueeze(-2)
        scores = (self.key(hidden) * query).sum(-1) / query.shape[-1] ** 0.5
        return weighted_sum(softmax(scores, delivered), self.content(hidden))
