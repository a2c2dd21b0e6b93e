"""CommNet: agents send what they think, and hear the mean of what their neighbours think.

Sukhbaatar et al., "Learning Multiagent Communication with Backpropagation", 2016, arXiv:1605.07736.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import linear
from remalis_agents.networks.registry import register_network


def mean_heard(messages: Tensor, edges: Tensor) -> Tensor:
    """The mean ``[*, N, H]`` of what each agent hears; 0 for who hears nobody.

    Args:
        messages: ``[*, N, H]``.
        edges: ``[*, N, N]``, 1 where row i hears column j.
    """
    return edges @ messages / edges.sum(-1, keepdim=True).clamp(min=1.0)


@register_network("commnet")
class CommNetNetwork(CommunicatingNetwork):
    r"""Rounds of averaging over the neighbours, of whom an agent cannot tell one from another.

    .. math:: h_i^{k+1} = \tanh(H^k h_i^k + C^k c_i^k), \quad c_i^k = \operatorname{mean}_{j \in N_i} h_j^k

    What is heard is the last :math:`h_i`; the policy and the value see it beside the first one.

    Args:
        observation_size: D.
        action_count: A.
        rounds: K, rounds of messages in one step.
        **options: see :class:`.CommunicatingNetwork`.
    """

    def __init__(self, observation_size: int, action_count: int, rounds: int = 2, **options: Any) -> None:
        hidden = tuple(options.get("hidden", (64, 64)))
        super().__init__(observation_size, action_count, hidden[-1], **options)
        self.rounds, self.message_floats = rounds, rounds * self.width
        self.keep = nn.ModuleList(linear(self.width, self.width, 1.0) for _ in range(rounds))
        self.hear = nn.ModuleList(linear(self.width, self.width, 1.0, bias=False) for _ in range(rounds))

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        edges = team.edges()
        for keep, hear in zip(self.keep, self.hear, strict=True):
            hidden = torch.tanh(keep(hidden) + hear(mean_heard(hidden, edges)))
        # Who hears nobody is IPPO, and not a deeper network.
        return Heard(hidden * (edges.sum(-1, keepdim=True) > 0))
