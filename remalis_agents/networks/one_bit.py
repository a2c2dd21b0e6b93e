"""A one-bit channel: each agent tells its neighbours one bit a step; the least that can be called communication.

Bits are drawn and learnt through by the straight-through estimator: Bengio et al., "Estimating or Propagating
Gradients Through Stochastic Neurons for Conditional Computation", 2013, arXiv:1308.3432.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import linear
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network

HEARD = 2
"""Shares of neighbours that said 1 and that said 0; both are 0 for who has none."""


@register_network("one_bit")
class OneBitNetwork(CommunicatingNetwork):
    r"""Broadcasts :math:`b_i = [u_i < \sigma(w^\top h_i)]` with uniform noise :math:`u_i`.

    What is stored and used again is the noise, not the bit: as a function of vector and noise the policy is exact, so
    PPO's ratio sees a bit that flips in the course of the updates. Its gradient is that of the probability, so a
    speaker learns from what its listeners gain.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.
    """

    rounds = 1
    message_floats = 1 / 32

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(observation_size, action_count, HEARD, hidden, option_hidden, layout)
        self.speak = linear(self.width, 1, 1.0)

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        share = torch.sigmoid(self.speak(hidden)).squeeze(-1)
        if team.drawn is not None:
            noise = team.drawn["noise"]
        else:
            noise = torch.rand_like(share) if team.sample else torch.full_like(share, 0.5)
        # In this order the value is exactly 0 or 1: the difference is exactly 0.
        bits = (noise < share).to(share.dtype) + (share - share.detach())
        edges = team.edges()
        said = edges @ torch.stack([bits, 1 - bits], -1)
        content = said / edges.sum(-1, keepdim=True).clamp(min=1.0)
        return Heard(content, {"bits": bits}, drawn={"noise": noise})
