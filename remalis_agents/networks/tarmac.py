"""TarMAC: messages carry a signature of whom they are for, and receivers attend to those that fit them.

Das et al., "TarMAC: Targeted Multi-Agent Communication", 2018, arXiv:1810.11187.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.attention import masked_softmax
from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import AgentGRU, linear
from remalis_agents.networks.registry import register_network


@register_network("tarmac")
class TarMACNetwork(CommunicatingNetwork):
    r"""Signature, value and query, over several rounds.

    .. math:: c_i = \sum_{j \in N_i} \alpha_{ij} v_j, \quad
              \alpha_i = \operatorname{softmax}_{j \in N_i} (q_i^\top k_j / \sqrt{d}), \quad
              h_i \leftarrow \tanh(W [h_i, c_i])

    with signatures k, values v and queries q linear in h; the last round's c is what is heard. Unlike in the paper an
    agent does not attend to itself (its policy sees its own encoding in any case), and what is sent is heard in the
    same step.

    ``extras["attention"]`` is ``[*, R, N, N]``, row i's weights in each round.

    Args:
        observation_size: D.
        action_count: A.
        rounds: R, rounds of messages in one step.
        signature: d, length of signatures and queries.
        message: length of values.
        recurrent: width of a GRU between encoding and messages, heard along with them; 0 for none.
        **options: see :class:`.CommunicatingNetwork`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        rounds: int = 2,
        signature: int = 16,
        message: int = 32,
        recurrent: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(observation_size, action_count, message + recurrent, **options)
        self.rounds, self.message_floats = rounds, rounds * (signature + message)
        self.recurrent = recurrent
        self.memory = AgentGRU(self.width, recurrent) if recurrent else None
        width = recurrent or self.width
        self.signature = linear(width, signature, 1.0)
        self.query = linear(width, signature, 1.0)
        self.message = linear(width, message, 1.0)
        self.updates = nn.ModuleList(linear(width + message, width, 1.0) for _ in range(rounds - 1))

    def initial_state(self) -> dict[str, Tensor]:
        return {"memory": torch.zeros(self.recurrent)} if self.recurrent else {}

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        state, edges = {}, team.edges()
        if self.memory is not None:
            hidden, state["memory"] = self.memory(hidden, team.state["memory"])
        weights = [self.attend(hidden, edges)]
        heard, thought = weights[0] @ self.message(hidden), hidden
        for update in self.updates:
            thought = torch.tanh(update(torch.cat([thought, heard], -1)))
            weights.append(self.attend(thought, edges))
            heard = weights[-1] @ self.message(thought)
        content = torch.cat([hidden, heard], -1) if self.memory is not None else heard
        return Heard(content, {"attention": torch.stack(weights, -3)}, state)

    def attend(self, hidden: Tensor, edges: Tensor) -> Tensor:
        """Weights ``[*, N, N]`` of those whom each agent hears, from hidden vectors ``[*, N, H]``."""
        signatures = self.signature(hidden)
        scores = self.query(hidden) @ signatures.transpose(-1, -2) / signatures.shape[-1] ** 0.5
        return masked_softmax(scores, edges)
