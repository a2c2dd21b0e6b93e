"""Intentions: what an agent is after, which sub-goals that takes, and who should see to them (section 3.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import linear
from remalis_agents.networks.remalis.few import softmax
from remalis_agents.networks.remalis.links import Reach
from remalis_agents.networks.remalis.post import Post


class Intention(NamedTuple):
    r"""An agent's private tuple :math:`I_i = (\gamma_i, \Sigma_i, \pi_i, \delta_i)`."""

    goal: Tensor
    r""":math:`\gamma`, ``[*, N, d]``: where the agent is heading."""
    goal_logits: Tensor
    """``[*, N, S]``: which sub-goal that is, most likely."""
    subgoals: Tensor
    r""":math:`\Sigma`, ``[*, N, S]`` in [0, 1]: what belongs to it."""
    next_subgoal: Tensor
    r""":math:`\pi(\sigma)`, ``[*, N, S]``: a distribution over what comes next."""
    assignment: Tensor | None
    r""":math:`\delta(\sigma)`, ``[*, N, K + 1, S]``: for each sub-goal a distribution over the neighbours in the slots
    and, last, the agent itself; None where nobody is told."""

    def own(self) -> tuple[Tensor, Tensor, Tensor]:
        """The parts that need no neighbours, ``[*, N, d]`` and twice ``[*, N, S]``."""
        return self.goal, self.subgoals, self.next_subgoal


class IntentionInference(nn.Module):
    r"""Infers an agent's intention from its state and its past (line 7 of algorithm 1).

    .. math:: \ell = W_\gamma x, \quad \gamma = \tanh(\mathrm{softmax}(\ell) E + W_g x), \quad
              \Sigma = \sigma(W_\Sigma x), \quad \pi = \mathrm{softmax}(W_\pi x), \quad
              \delta(\sigma) = \mathrm{softmax}_{j}(q_\sigma \cdot k_j)

    with x the state and the summary of the past, and k_j what teammate j last said of its goal: whom an agent wants to
    see to something depends on what it knows of him. Sub-goals that do not exist here have probability 0.

    Args:
        inputs: width of x.
        subgoals: S.
        goal: d.
        heard: width of what is known of a teammate; 0 where nobody is assigned anything.
        key: width of the match between sub-goal and teammate.
    """

    def __init__(self, inputs: int, subgoals: int, goal: int, heard: int = 0, key: int = 8) -> None:
        super().__init__()
        self.subgoals, self.key_size = subgoals, key
        self.heads = linear(inputs, 3 * subgoals, 0.1)
        self.goal = linear(inputs, goal, 1.0)
        self.embedding = linear(subgoals, goal, 1.0, bias=False)
        if heard:
            self.query = linear(inputs, subgoals * key, 1.0)
            self.known = linear(heard, key, 1.0)
            self.myself = linear(inputs, subgoals, 0.1)

    def forward(self, inputs: Tensor, exists: Tensor) -> Intention:
        """Infers all but the assignment.

        Args:
            inputs: ``[*, N, inputs]``.
            exists: ``[*, N, S]``, 1 for sub-goals that make sense here.
        """
        wanted, parts, following = self.heads(inputs).chunk(3, -1)
        both = softmax(torch.stack([wanted, following], -2), exists.unsqueeze(-2))
        chosen, next_subgoal = both.unbind(-2)
        goal = torch.tanh(self.embedding(chosen) + self.goal(inputs))
        return Intention(goal, wanted, parts.sigmoid() * exists, next_subgoal, None)

    def assign(self, inputs: Tensor, known: Tensor, there: Tensor) -> Tensor:
        """Who should see to each sub-goal, ``[*, N, K + 1, S]``.

        Args:
            inputs: ``[*, N, inputs]``.
            known: ``[*, N, K, heard]``, what each slot's agent said in the step before.
            there: ``[*, N, K + 1]``, 1 in slots of agents that are there and, last, for the agent itself.
        """
        query = self.query(inputs).unflatten(-1, (self.subgoals, self.key_size))
        scores = query @ self.known(known).transpose(-1, -2) / self.key_size**0.5
        scores = torch.cat([scores, self.myself(inputs).unsqueeze(-1)], -1)
        return softmax(scores, there.unsqueeze(-2)).transpose(-1, -2)


class Announcement(nn.Module):
    """What leaves an agent of its intention: more or less of it, as the mode of communication says.

    * ``basic``: the goal, to every neighbour (type ``goal``).
    * ``selective``: besides, the sub-goals and what comes next (type ``subgoals``), to those who are assigned more than
      their share of what comes next.
    * ``full``: goal and sub-goals to every neighbour, and to each what is assigned to him, with as much of the goal as
      the sender pays attention to him (type ``assignment``).

    Args:
        goal: d.
        subgoals: S.
        message: width of each part.
        mode: one of the above.

    Attributes:
        size: m, width of what arrives in a slot.
    """

    def __init__(self, goal: int, subgoals: int, message: int, mode: str) -> None:
        super().__init__()
        self.mode = mode
        self.goal = linear(goal, message, 1.0)
        self.size = message
        if mode != "basic":
            self.subgoals = linear(2 * subgoals, message, 1.0)
            self.size += message
        if mode == "full":
            self.attention = linear(message + goal, 1, 1.0)
            self.share = linear(subgoals + goal, message, 1.0)
            self.size += message

    def tell_goal(self, intention: Intention, post: Post) -> tuple[Tensor, Reach]:
        """Sends the goal; what arrived in each slot, ``[*, N, K, message]``, and whom it reached.

        It goes first and is no larger than the rest of the announcement: where it does not come, nothing of it does.
        """
        return post.tell_all("goal", torch.tanh(self.goal(intention.goal)))

    def forward(self, intention: Intention, goals: Tensor, known: Tensor | None, post: Post) -> Tensor:
        """Sends the rest.

        Args:
            intention: the senders'.
            goals: what arrived by :meth:`tell_goal`.
            known: the same of the step before, ``[*, N, K, message]``; None where nobody is assigned anything.
            post: delivers.

        Returns:
            ``[*, N, K, m]``, all that arrived in each slot.
        """
        heard = [goals]
        if self.mode != "basic":
            details = torch.tanh(self.subgoals(torch.cat([intention.subgoals, intention.next_subgoal], -1)))
            if self.mode == "full":
                heard.append(post.tell_all("subgoals", details)[0])
            else:
                chosen = self.chosen(intention, post)
                slots = details.unsqueeze(-2).expand(*chosen.shape, -1)
                heard.append(post.tell_each("subgoals", slots, chosen))
        if self.mode == "full":
            assert intention.assignment is not None and known is not None
            goal = intention.goal.unsqueeze(-2).expand(*known.shape[:-1], -1)
            attention = self.attention(torch.cat([known, goal], -1)).sigmoid()
            mine = intention.assignment[..., :-1, :] * intention.next_subgoal.unsqueeze(-2)
            share = torch.tanh(self.share(torch.cat([mine, attention * goal], -1)))
            heard.append(post.tell_each("assignment", share))
        return torch.cat(heard, -1)

    @staticmethod
    def chosen(intention: Intention, post: Post) -> Tensor:
        """``[*, N, K]``, 1 for the teammates who are assigned at least an equal share of what comes next."""
        assert intention.assignment is not None
        given = (intention.assignment[..., :-1, :] * intention.next_subgoal.unsqueeze(-2)).sum(-1)
        fair = 1.0 / (post.links.heard.sum(-1, keepdim=True) + 1.0)
        return (given >= fair).to(given.dtype) * post.links.heard
