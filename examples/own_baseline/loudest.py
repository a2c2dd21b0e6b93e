"""Loudest: each agent hears, number by number, the loudest of its neighbours; a baseline of one's own, in 40 lines."""

from __future__ import annotations

import torch
from torch import Tensor

from remalis_agents.networks import TeamInputs, register_network
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import linear


@register_network("loudest")
class Loudest(CommunicatingNetwork):
    """IPPO that hears the maximum over its neighbours' messages.

    Args:
        observation_size: D, length of an agent's vector; given by the trainer.
        action_count: A, number of its actions; given by the trainer.
        message: numbers that each agent sends.
        options: of ``CommunicatingNetwork``: hidden, option_hidden, layout.
    """

    rounds = 1

    def __init__(self, observation_size: int, action_count: int, message: int = 16, **options) -> None:
        super().__init__(observation_size, action_count, heard=message, **options)
        self.message_floats = message
        self.speak = linear(self.width, message)

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        said = torch.relu(self.speak(hidden)).unsqueeze(-3)  # [*, 1, N, message], 0 or more
        heard = said * team.edges().unsqueeze(-1)  # [*, N, N, message], 0 from who is not heard
        return Heard(heard.amax(-2))
