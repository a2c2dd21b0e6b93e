"""A team that is one agent to the learner: one ratio, one advantage and one entropy for all actions together."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

MAX_LOG_RATIO = 20.0
"""Many agents' log-ratios add up to more than float32 can exponentiate; far beyond where clipping begins."""


class Terms(NamedTuple):
    """What PPO's policy terms are made of, each ``[*, N]``."""

    log_ratio: Tensor
    advantages: Tensor
    entropies: Tensor


def as_one_agent(terms: Terms, weights: Tensor) -> Terms:
    r"""The terms of the team as one agent, the same at each of its rows.

    .. math:: \log\rho = \sum_i w_i \log\rho_i, \quad A = \frac{\sum_i w_i A_i}{\sum_i w_i}, \quad
              H = \sum_i w_i H_i

    Advantages are linear in rewards and a team of one agent has one value, so their mean is the advantage of the
    team's mean reward.

    Args:
        terms: of each agent.
        weights: ``[*, N]``, 1 for agents that chose their action themselves.
    """

    def total(values: Tensor) -> Tensor:
        return (values * weights).sum(-1, keepdim=True)

    acting = weights.sum(-1, keepdim=True).clamp(min=1.0)
    one = Terms(
        total(terms.log_ratio).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO),
        total(terms.advantages) / acting,
        total(terms.entropies),
    )
    return Terms(*(value.expand_as(weights) for value in one))
