"""Grounding: attention over the vocabulary, feedback that changes it, concepts that are learnt, work that is shared."""

from __future__ import annotations

import math

import pytest
import torch
from remalis_teams import ARMS, CONCEPTS, begin, line, network, team

from remalis_agents.networks.remalis import losses
from remalis_agents.networks.remalis.grounding import Grounded
from remalis_agents.networks.remalis.uncertainty import Ambiguity, Uncertainty


def thought(net, given):
    return net(begin(net, given)).extras["thought"]


def test_attention_is_a_distribution_over_the_vocabulary():
    t = thought(network(), team(line(3)))
    assert t.grounded.attention.shape == (1, 1, 3, ARMS, CONCEPTS)
    torch.testing.assert_close(t.grounded.attention.sum(-1), torch.ones(1, 1, 3, ARMS))


def test_what_is_told_upstream_changes_the_embedding():
    net, given = network(), team(line(3))
    whole = thought(net, given).grounded.embedding
    with torch.no_grad():
        net.grounding.told.weight.zero_()
    assert not torch.allclose(whole, thought(net, given).grounded.embedding)


def test_arms_that_do_not_exist_change_nothing():
    net, given = network(), team(line(3), arms=2)
    other = given.observations.clone()
    at = net.entities.layout
    block = other[..., at.entity_start : at.entity_start + 12].unflatten(-1, (ARMS, -1))
    block[..., 2:, 1:] += 1.0
    seen = thought(net, given._replace(observations=other))
    assert (seen.things[..., 2:, :] == 0).all()
    assert (seen.thing_exists == torch.tensor([1.0, 1.0, 0.0, 0.0])).all()


def test_concepts_are_learnt():
    """The true concept of an arm is told by one of its numbers."""
    net = network(spread=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)

    def batch(seed):
        given = team(line(4, steps=2, batch=8), seed=seed)
        served = torch.randint(ARMS, given.alive.shape, generator=torch.manual_seed(seed))
        things = net.entities._split(given.observations)[0]
        level = losses.of_entity(things, served)[..., 1]
        return given, served, torch.bucketize(level, torch.tensor([-0.8, -0.2, 0.4, 1.0]))

    def accuracy():
        given, served, true = batch(999)
        logits = losses.of_entity(thought(net, given).grounded.concept_logits, served)
        return float((logits.argmax(-1) == true).float().mean())

    before = accuracy()
    for step in range(150):
        given, served, true = batch(step)
        logits = losses.of_entity(thought(net, given).grounded.concept_logits, served)
        loss = losses.of_labels(logits, true, given.alive)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert accuracy() > max(before + 0.2, 0.6)


def test_what_was_looked_at_is_the_arm_that_was_served():
    concepts, served = torch.tensor([3, 2, 1, -1]), torch.tensor([0, ARMS, -1, 2])
    entity, true = losses.looked_at(concepts, served, ARMS)
    assert entity.tolist() == [0, 0, 0, 2] and true.tolist() == [3, -1, -1, -1]
    assert losses.looked_at(concepts, served, 1)[1].tolist() == concepts.tolist()


def test_module_weights_sum_to_one_and_learn_who_does_the_work():
    net, given = network(), team(line(5, steps=2, batch=4))
    t = thought(net, given)
    torch.testing.assert_close(t.module_weights.sum(-1), torch.ones(4, 2, 5))
    assert (t.module_weights[..., :-1][t.announced.delivered == 0] == 0).all()
    work = given.observations[..., -1].exp()
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)

    def error():
        t = thought(net, given)
        return losses.modules_loss(t.module_weights, t.links, work, given.alive), t

    before = float(error()[0])
    for _ in range(60):
        loss, _ = error()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    loss, t = error()
    done = torch.cat([t.links.hear(work.unsqueeze(-1)).squeeze(-1) * t.links.heard, work.unsqueeze(-1)], -1)
    share = done / done.sum(-1, keepdim=True)
    least = -(share * share.clamp(min=1e-9).log()).sum(-1).mean()
    assert loss < before and loss - least < 0.5 * (before - least)


def test_uncertainty_is_the_entropy_of_the_concepts():
    def of(logits):
        attention = torch.tensor(logits).softmax(-1).expand(1, 1, 1, 2, 4)
        return float(Grounded(torch.zeros(1), attention, attention, torch.tensor([1.0, 0.0]), attention).uncertainty())

    assert of([0.0] * 4) == pytest.approx(math.log(4)) and of([1000.0, 0.0, 0.0, 0.0]) == pytest.approx(0.0)


def test_a_reading_is_drawn_stored_and_read_again():
    part, embedding = Uncertainty(6, 3), torch.randn(2, 5, 6)
    drawn, ambiguity = part(embedding, None, True)
    again, _ = part(embedding, ambiguity.noise, True)
    other, _ = part(embedding, ambiguity.noise + 1.0, True)
    best, mean = part(embedding, None, False)
    assert torch.equal(drawn, again) and not torch.allclose(drawn, other)
    torch.testing.assert_close(best, embedding + part.add(mean.mean))


def test_with_a_spread_of_nothing_a_reading_is_its_mean():
    part, embedding = Uncertainty(6, 3), torch.randn(2, 5, 6)
    with torch.no_grad():
        for layer in part.read.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.bias[3:] = -50.0
    drawn, ambiguity = part(embedding, None, True)
    torch.testing.assert_close(drawn, embedding + part.add(ambiguity.mean), atol=0.05, rtol=0.0)


def test_divergence_is_that_of_two_normals():
    mean, log_std = torch.randn(4, 3), torch.randn(4, 3)
    q = torch.distributions.Normal(mean, log_std.exp())
    p = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    expected = torch.distributions.kl_divergence(q, p).sum(-1)
    torch.testing.assert_close(Ambiguity(mean, log_std, mean).divergence(), expected)


def test_another_reading_is_another_policy():
    net, given = network(), team(line(3))._replace(drawn=None)
    first = net(begin(net, given))
    replayed = net(begin(net, given)._replace(drawn=first.drawn))
    other = net(begin(net, given)._replace(drawn={**first.drawn, "noise": first.drawn["noise"] + 1.0}))
    assert torch.equal(first.logits, replayed.logits) and not torch.allclose(first.logits, other.logits)
