"""Networks that test the learner: one that breaks, one most of which is frozen. Named "odd_networks:<name>"."""

from __future__ import annotations

import torch
from torch import nn

from remalis_agents.networks import register_network
from remalis_agents.networks.ippo import IPPONetwork


@register_network("breaking")
class BreakingNetwork(IPPONetwork):
    """Its own loss, "riddle", is not a number from the third minibatch on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = 0

    def losses(self, team, output, played):
        self.calls += 1
        return {"riddle": output.values.sum() * (float("nan") if self.calls > 2 else 0.0)}


@register_network("frozen")
class FrozenNetwork(IPPONetwork):
    """Looks at its observations through a large layer that nobody trains, the same wherever it is built."""

    WIDTH = 100_000

    def __init__(self, observation_size, *args, **kwargs):
        super().__init__(observation_size, *args, **kwargs)
        self.backbone = nn.Linear(observation_size, self.WIDTH, bias=False).requires_grad_(False)
        generator = torch.Generator().manual_seed(0)
        self.backbone.weight.data = torch.randn(self.WIDTH, observation_size, generator=generator)

    def forward(self, team):
        seen = torch.tanh(self.backbone(team.observations)).mean(-1, keepdim=True)
        return super().forward(team._replace(observations=team.observations + seen))
