"""What the network is trained for beside its reward, and what is logged of it: every term of the paper's objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import Mean, Played
from remalis_agents.networks.remalis import losses as terms
from remalis_agents.networks.remalis.thought import Thought

if TYPE_CHECKING:
    from remalis_agents.networks.remalis.network import RemalisNetwork


def labelled_concepts(t: Thought, played: Played) -> tuple[Tensor, Tensor]:
    """The true concept of what each agent looked at, ``[*, N]`` (-1 where unknown), and its logits ``[*, N, V]``."""
    entity, true = terms.looked_at(played.concepts, played.subgoals, t.things.shape[-2])
    return true, terms.of_entity(t.grounded.concept_logits, entity)


def losses(network: RemalisNetwork, t: Thought, played: Played) -> dict[str, Tensor]:
    """The losses whose weights are not 0, by name, each times its weight; see :class:`.Losses`."""
    return {
        **_of_intentions(network, t, played),
        **_of_grounding(network, t, played),
        **_of_feedback(network, t, played),
    }


def _of_intentions(network: RemalisNetwork, t: Thought, played: Played) -> dict[str, Tensor]:
    """Equations 1 and 5, and the gate's budget."""
    w, found = network.options.losses, {}
    if w.subgoal:
        found["subgoal_loss"] = w.subgoal * terms.of_labels(t.plan_logits, played.subgoals, played.weights)
    if w.intention:
        loss = terms.intention_loss(t.intention, t.subgoal_exists, played)
        found["intention_loss"] = w.intention * loss
    if network.belief is not None:
        loss = terms.belief_loss(t.belief, t.intention.goal, t.links, t.announced.delivered, played)
        found["belief_loss"] = w.belief * loss
    if w.gate and network.gate is not None:
        found["gate_loss"] = w.gate * network.gate.budget_loss(t.gate_logits, played.weights)
    return found


def _of_grounding(network: RemalisNetwork, t: Thought, played: Played) -> dict[str, Tensor]:
    """Concepts, equations 3 and 11, and L_com."""
    w, found = network.options.losses, {}
    true, logits = labelled_concepts(t, played)
    if w.concept:
        found["concept_loss"] = w.concept * terms.of_labels(logits, true, played.weights)
    if network.confusion_loss is not None:
        words = network.grounding.vocabulary.weight
        loss = network.confusion_loss(logits.softmax(-1), true, played.weights, words)
        found["confusion_loss"] = w.confusion * loss
    if w.modules and network.composition is not None and played.carried is not None:
        loss = terms.modules_loss(t.module_weights, t.links, played.carried, played.weights)
        found["modules_loss"] = w.modules * loss
    if w.uncertainty and network.ambiguity is not None:
        found["uncertainty_loss"] = w.uncertainty * played.mean(t.ambiguity.divergence())
    return found


def _of_feedback(network: RemalisNetwork, t: Thought, played: Played) -> dict[str, Tensor]:
    """E, R, and equation 8 with the policy that it needs."""
    w, found, mask = network.options.losses, {}, t.team.action_mask
    if w.error and network.error is not None and played.misaligned is not None:
        label, known = played.misaligned.clamp(0.0, 1.0), played.weights * (played.misaligned >= 0)
        gaps = nn.functional.binary_cross_entropy_with_logits(t.error_logits, label, reduction="none")
        found["error_loss"] = w.error * terms.weighted(gaps, known)
    if network.feedback_policy is not None:
        theirs = network.feedback_policy(t.choices, t.joined(t.past, t.patterns).detach())
        found["auxiliary_loss"] = w.auxiliary * terms.auxiliary_loss(t.logits, theirs, mask, played.weights)
        found["feedback_policy_loss"] = terms.imitation_loss(theirs, mask, played.actions, played.weights)
    if w.replanning and network.trigger is not None:
        found["replanning_loss"] = w.replanning * played.mean(torch.sigmoid(t.replan_logits))
    return found


def figures(network: RemalisNetwork, t: Thought, played: Played) -> dict[str, Mean]:
    """Accuracy of beliefs and concepts, uncertainty, coordination error, and how much is said and planned anew."""
    acted = played.weights
    found = {"grounding_uncertainty_nats": Mean.of(t.uncertainty, acted)}
    true, logits = labelled_concepts(t, played)
    known = played.weights * (true >= 0)
    found["concept_accuracy"] = Mean.of((logits.argmax(-1) == true).to(known.dtype), known)
    served = played.weights * (played.subgoals >= 0)
    meant = (t.intention.next_subgoal.argmax(-1) == played.subgoals).to(served.dtype)
    found["intention_accuracy"] = Mean.of(meant, served)
    if network.belief is not None:
        found["belief_accuracy"] = terms.belief_accuracy(t.belief, t.links, t.announced.delivered, played)
    if network.options.talks:
        found["received_bytes"] = Mean.of(t.post.received_bytes(), acted)
        if t.post.limits is not None:
            found |= t.post.limits.figures(acted)
    if network.error is not None:
        found["coordination_error"] = Mean.of(t.error, acted)
    for name, made in t.draws.items():
        if name in ("gate", "replan"):
            found[f"{name}_share"] = Mean.of(made, acted)
    return found
