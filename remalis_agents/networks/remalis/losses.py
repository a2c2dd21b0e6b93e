"""The losses beside PPO's, each with its weight (equations 1, 3, 5, 8, 9, 11, and L_com)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.base import Mean, Played
from remalis_agents.networks.remalis.channel import Belief
from remalis_agents.networks.remalis.intention import Intention
from remalis_agents.networks.remalis.links import Links


def weighted(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of ``values`` over what ``weights`` count; 0 where nothing does."""
    return Mean.of(values, weights).value


def of_labels(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean cross-entropy of ``[..., S]`` to labels ``[...]``; a label of -1 does not count."""
    known = weights * ((labels >= 0) & (labels < logits.shape[-1]))
    found = nn.functional.cross_entropy(
        logits.flatten(0, -2), labels.clamp(0, logits.shape[-1] - 1).flatten(), reduction="none"
    )
    return weighted(found.view_as(known), known)


def intention_loss(intention: Intention, exists: Tensor, played: Played) -> Tensor:
    """How unlikely the intention made what was then served: next, and most often in the steps to come.

    Args:
        intention: ``[B, T, N, ...]``.
        exists: ``[B, T, N, S]``, 1 for sub-goals that make sense there.
        played: what then happened.
    """
    following = intention.next_subgoal.clamp(min=1e-8).log()
    goal = mask_logits(intention.goal_logits, exists)
    often = served_most(played.subgoals, played.weights, exists.shape[-1])
    return of_labels(following, played.subgoals, played.weights) + of_labels(goal, often, played.weights)


def served_most(subgoals: Tensor, weights: Tensor, count: int) -> Tensor:
    """The sub-goal that each agent serves most from each step on, as far as the sequence goes; the first of equals.

    Args:
        subgoals: ``[B, T, N]``, -1 for none.
        weights: ``[B, T, N]``, 0 for steps that do not count.
        count: S.

    Returns:
        ``[B, T, N]``, -1 where nothing is served any more.
    """
    counted = (weights > 0) & (subgoals >= 0) & (subgoals < count)
    rows = nn.functional.one_hot(subgoals.clamp(0, count - 1), count) * counted.unsqueeze(-1)
    ahead = rows.flip(1).cumsum(1).flip(1)
    return torch.where(ahead.sum(-1) > 0, ahead.argmax(-1), -1)


def belief_loss(belief: Belief, goals: Tensor, links: Links, delivered: Tensor, played: Played) -> Tensor:
    r"""Minus the coordination reward of equation 5 that a belief earns.

    .. math:: -\log b_i(\sigma_j^{t+1} | m_{ij}) + \overline{(\hat\gamma_j - \gamma_j)^2}

    over the teammates who were heard: how unlikely the sub-goal that j then really served was, as i believed, and how
    far i's idea of j's goal is from it. The goal itself is a label here and learns nothing from this.

    Args:
        belief: ``[*, N, K, ...]``.
        goals: ``[*, N, d]``, the agents' own.
        links: who stands in which slot.
        delivered: ``[*, N, K]``.
        played: what then happened.
    """
    served = links.hear(played.subgoals.unsqueeze(-1).to(goals.dtype)).squeeze(-1).long()
    counted = delivered * played.weights.unsqueeze(-1) * links.hear(played.weights.unsqueeze(-1)).squeeze(-1)
    errors = (belief.goal - links.hear(goals.detach())).square().mean(-1)
    return of_labels(belief.logits, served, counted) + weighted(errors, counted)


def belief_accuracy(belief: Belief, links: Links, delivered: Tensor, played: Played) -> Mean:
    """Share of teammates heard whose next sub-goal was the likeliest in one's belief."""
    served = links.hear(played.subgoals.unsqueeze(-1).to(belief.goal.dtype)).squeeze(-1).long()
    counted = delivered * played.weights.unsqueeze(-1) * (served >= 0)
    return Mean.of((belief.logits.argmax(-1) == served).to(counted.dtype), counted)


def looked_at(concepts: Tensor, subgoals: Tensor, entities: int) -> tuple[Tensor, Tensor]:
    """Which entity a true concept is about, and that concept.

    The first sub-goals of a vocabulary are to serve the entities, one each: what an agent served is what it looked at.

    Args:
        concepts: ``[*, N]``, -1 where unknown.
        subgoals: ``[*, N]``, what was served.
        entities: M.

    Returns:
        The entity ``[*, N]``, 0 where it is not known, and the concept, -1 there.
    """
    if entities == 1:
        return torch.zeros_like(concepts), concepts
    known = (subgoals >= 0) & (subgoals < entities)
    return torch.where(known, subgoals, 0), torch.where(known, concepts, -1)


def of_entity(values: Tensor, entity: Tensor) -> Tensor:
    """``[*, N, M, V]`` at entities ``[*, N]`` -> ``[*, N, V]``."""
    index = entity[..., None, None].expand(*entity.shape, 1, values.shape[-1])
    return values.gather(-2, index).squeeze(-2)


def modules_loss(weights: Tensor, links: Links, carried: Tensor, counted: Tensor) -> Tensor:
    """L_com: cross-entropy of the module weights to the share of the work that each neighbour really carried.

    Args:
        weights: ``[*, N, K + 1]`` over the slots and oneself.
        links: who stands in which slot.
        carried: ``[*, N]``, what each agent has done lately; negative where unknown.
        counted: ``[*, N]``, 1 where the step counts.
    """
    done = torch.cat([links.hear(carried.unsqueeze(-1)).squeeze(-1), carried.unsqueeze(-1)], -1).clamp(min=0.0)
    done = done * (weights.detach() > 0)
    total = done.sum(-1, keepdim=True)
    share = done / total.clamp(min=1e-6)
    known = counted * (total.squeeze(-1) > 0) * (carried >= 0)
    return weighted(-(share * weights.clamp(min=1e-8).log()).sum(-1), known)


def auxiliary_loss(logits: Tensor, feedback_logits: Tensor, action_mask: Tensor, counted: Tensor) -> Tensor:
    r"""L_aux (equation 8): mean squared distance of :math:`\pi` to :math:`\hat\pi` over the legal actions."""
    ours, theirs = (_policy(x, action_mask) for x in (logits, feedback_logits.detach()))
    gaps = ((ours - theirs).square() * action_mask).sum(-1) / action_mask.sum(-1).clamp(min=1.0)
    return weighted(gaps, counted)


def imitation_loss(logits: Tensor, action_mask: Tensor, actions: Tensor, counted: Tensor) -> Tensor:
    """L_exe (equation 4): minus the mean log-likelihood of the actions that were taken."""
    likelihood = mask_logits(logits, action_mask).log_softmax(-1)
    return weighted(-likelihood.gather(-1, actions.unsqueeze(-1)).squeeze(-1), counted)


def _policy(logits: Tensor, action_mask: Tensor) -> Tensor:
    return mask_logits(logits, action_mask).softmax(-1)
