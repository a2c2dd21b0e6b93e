"""Execution: from plan and grounding to an action, over the graph of the own actions (3.3, equations 4, 7, 8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, Match, Read
from remalis_agents.networks.layers import linear, mlp
from remalis_agents.networks.remalis.few import softmax


class ActionGraph(nn.Module):
    r"""Scores an agent's actions from their features, their relations and what the agent knows (section 3.3.2).

    .. math:: x_k = \mathrm{ReLU}\big(W_o o_k + W_c c + W_e \textstyle\sum_m s_{km} e_m\big), \quad
              h^a_k = \mathrm{ReLU}\big(W x_k + U \textstyle\sum_l \mathrm{softmax}_l(q_k \cdot k_l) x_l\big), \quad
              \text{logit}_k = w^\top h^a_k + r_k

    one layer of a graph network over the actions that exist, with r the :class:`.Match` of action and context, e_m the
    grounded entities and s_km how much action k has to do with each (the arms that a phase serves). Which actions
    compete, the weights of the edges learn from that. Permuting actions permutes the scores.

    Args:
        context: C.
        action_count: A.
        features: F, of one action.
        hidden: width of x and h.
        key: width of the match between actions.
        entity: width of e; 0 where it is not known which entities an action has to do with.

    Shapes:
        what was read with options ``[*, N, K, F]``, e ``[*, N, M, entity]``, context ``[*, N, C]`` -> ``[*, N, A]``,
        0 where none stands.
    """

    def __init__(
        self, context: int, action_count: int, features: int, hidden: int = 32, key: int = 8, entity: int = 0
    ) -> None:
        super().__init__()
        self.action_count, self.key_size = action_count, key
        self.option, self.context = linear(features, hidden), linear(context, hidden)
        self.entity = linear(entity, hidden, 1.0, bias=False) if entity else None
        self.query, self.key = linear(hidden, key, 1.0, bias=False), linear(hidden, key, 1.0, bias=False)
        self.own, self.related = linear(hidden, hidden), linear(hidden, hidden, 1.0, bias=False)
        self.score = mlp([hidden, 1], last_gain=0.01)
        self.match = Match(context, features, hidden)

    def forward(self, read: Read, entities: Tensor, context: Tensor) -> Tensor:
        assert read.options is not None and read.exists is not None
        hidden = self.option(read.options) + self.context(context).unsqueeze(-2)
        if self.entity is not None and read.shares is not None:
            hidden = hidden + read.shares @ self.entity(entities)
        hidden = torch.relu(hidden)
        scores = self.query(hidden) @ self.key(hidden).transpose(-1, -2) / self.key_size**0.5
        weights = softmax(scores, read.exists.unsqueeze(-2))
        hidden = torch.relu(self.own(hidden) + self.related(weights @ hidden))
        scores = self.score(hidden).squeeze(-1) + self.match(read.options, context)
        return nn.functional.pad(scores, (0, self.action_count - scores.shape[-1]))


class FeedbackPolicy(nn.Module):
    r"""The policy that knows the feedback alone, :math:`\hat\pi_\phi(a | s, f)` (equation 8).

    It learns by imitating what the team does; the team's policy is drawn to it by :math:`L_{aux}`, whose gradient does
    not reach it.

    Shapes:
        options ``[*, N, K, F]`` or None, context ``[*, N, C]`` -> logits ``[*, N, A]``.
    """

    def __init__(self, context: int, action_count: int, features: int, hidden: int = 32) -> None:
        super().__init__()
        self.head = ActionHead(context, action_count, features, hidden)

    def forward(self, options: Tensor | None, context: Tensor) -> Tensor:
        return self.head(options, context)
