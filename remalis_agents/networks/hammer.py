"""HAMMER: a central agent that sees everything sends each agent a short message; agents cannot talk themselves.

Gupta et al., "HAMMER: Multi-Level Coordination of Reinforcement Learning Agents via Learned Messaging", 2021,
arXiv:2102.00824.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import linear, mlp, sharing
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network
from remalis_agents.networks.transformer import EncoderBlock


@register_network("hammer")
class HammerNetwork(CommunicatingNetwork):
    r"""A central messenger with weights of its own.

    .. math:: m_i = \tanh\left(W\,\mathrm{Encoder}(x_1, \dots, x_N)_i\right)

    The messenger of the paper reads all vectors in a row, so its size grows with the team and an agent is a place.
    Here it attends, and knows who neighbours whom, so one messenger serves teams of any size. The paper trains it by
    a PPO of its own, to which messages are actions. Here they are real numbers that are not drawn, and the agents'
    losses reach the messenger through them: a draw would be credited with the reward alone, which tells a message of
    several numbers to each of many agents very little.

    Args:
        observation_size: D.
        action_count: A.
        message: numbers in one message.
        messenger: width of the central agent's layers.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.

    Attributes:
        message_floats: numbers that the centre sends each agent; what it sees of them is not counted.
    """

    rounds = None

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        message: int = 4,
        messenger: int = 64,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(observation_size, action_count, message, hidden, option_hidden, layout)
        self.message_floats = message
        with sharing(None):
            self.see = mlp([self.reader.size, messenger])
            self.weigh = EncoderBlock(messenger)
            self.say = linear(messenger, message, 1.0)

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        # The centre reads the vectors themselves, not what the agents make of them: it has eyes of its own.
        rows = self.see(self.reader(team.observations)[1])
        return Heard(torch.tanh(self.say(self.weigh(rows, team.alive, team.edges()))))
