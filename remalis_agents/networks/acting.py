"""From a network's output to legal actions and their log-probabilities."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from remalis_agents.networks.base import TeamInputs, TeamOutput
from remalis_agents.networks.model import TeamModel

ILLEGAL_LOGIT = -1e9
"""Finite, so that a row without a legal action gives no NaN; its probability is exactly 0 in float32."""


class Decision(NamedTuple):
    """What a team does: actions ``[*, N]``, their log-probabilities ``[*, N]``, and the pass behind them."""

    actions: Tensor
    log_probs: Tensor
    output: TeamOutput


def mask_logits(logits: Tensor, action_mask: Tensor) -> Tensor:
    """Logits ``[*, N, A]`` with illegal actions (mask 0) out of reach."""
    return logits.masked_fill(action_mask.logical_not(), ILLEGAL_LOGIT)


def draw(log_probabilities: Tensor) -> Tensor:
    """One action ``[*, N]`` from log-probabilities ``[*, N, A]``."""
    # The exponential race: argmax(p / E), E ~ Exp(1), is a draw from p.
    noise = torch.empty_like(log_probabilities).exponential_().clamp_(min=1e-30)
    return (log_probabilities.exp() / noise).argmax(-1)


def decide(model: TeamModel, team: TeamInputs, epsilon: float = 0.0) -> Decision:
    """One pass, and what the team does after it.

    Args:
        model: the team's model.
        team: the inputs; ``team.sample`` says whether actions are drawn or the best is taken.
        epsilon: for value-based networks, the share of agents' actions drawn uniformly from the legal ones.
    """
    output = model.act(team)
    log_probabilities = torch.log_softmax(mask_logits(output.logits, team.action_mask), -1)
    if model.network.value_based or not team.sample:
        actions = log_probabilities.argmax(-1)
        if epsilon > 0 and team.sample:
            anything = draw(mask_logits(torch.zeros_like(log_probabilities), team.action_mask))
            actions = torch.where(torch.rand(actions.shape, device=actions.device) < epsilon, anything, actions)
    else:
        actions = draw(log_probabilities)
    log_probs = log_probabilities.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    if output.log_probs is not None:
        log_probs = log_probs + output.log_probs
    return Decision(actions, log_probs, output)
