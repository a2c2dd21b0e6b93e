"""The channel: beliefs come true on a scripted team, and learn along its edges alone."""

from __future__ import annotations

import torch
from remalis_teams import begin, line, network, row_of, team

from remalis_agents.networks import Played
from remalis_agents.networks.remalis import losses


def scripted(given):
    """Each agent serves the sub-goal that the largest entry at the end of its vector names."""
    served = given.observations[..., -4:].argmax(-1)
    zeros = torch.zeros(served.shape)
    return Played(torch.zeros_like(served), zeros, torch.ones_like(zeros), served, torch.full_like(served, -1))


def loss_of(net, given, played):
    t = net(begin(net, given)).extras["thought"]
    return losses.belief_loss(t.belief, t.intention.goal, t.links, t.announced.delivered, played), t


def test_beliefs_about_a_scripted_team_come_true():
    net = network(spread=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(150):
        given = team(line(6, steps=2, batch=8), seed=step)
        loss, _ = loss_of(net, given, scripted(given))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    given = team(line(6, steps=2, batch=8), seed=1000)
    _, t = loss_of(net, given, scripted(given))
    right = losses.belief_accuracy(t.belief, t.links, t.announced.delivered, scripted(given)).value
    assert right > 0.6, f"{right:.2f} of the next sub-goals were as believed; chance is 0.25"


def test_it_teaches_the_sender_along_the_edge_and_nobody_off_it():
    net = network(rounds=0, feedback=False, composition=False, shared_planning=False)
    given = team(line(4))
    seen = given.observations.clone().requires_grad_()
    t = net(begin(net, given._replace(observations=seen))).extras["thought"]
    slot = row_of(t.post, receiver=0, sender=1)
    likelihood = t.belief.logits[0, 0, 0, slot].log_softmax(-1)[2]
    (gradient,) = torch.autograd.grad(likelihood, seen)
    reach = gradient[0, 0].abs().sum(-1)
    assert reach[1] > 0 and (reach[[0, 2, 3]] == 0).all()


def test_what_nobody_sent_is_not_believed_in():
    """Who hears nobody makes nothing of it, and a slot that nothing came to counts for nothing in the loss."""
    net, given = network(), team(torch.zeros(1, 1, 3, 3))
    loss, t = loss_of(net, given, scripted(given))
    assert (t.heard == 0).all() and loss == 0


def test_memory_of_a_teammate_is_one_slots_own():
    """What one neighbour said before changes the belief about him, and about nobody else."""
    net = network(rounds=0, feedback=False, composition=False, shared_planning=False)
    given = team(line(3, steps=2))
    other = given.observations.clone()
    other[0, 0, 0] += 1.0
    beliefs = [
        net(begin(net, given._replace(observations=seen))).extras["thought"].belief.logits[0, 1, 1]
        for seen in (given.observations, other)
    ]
    t = net(begin(net, given)).extras["thought"]
    about_0, about_2 = row_of(t.post, 1, 0), row_of(t.post, 1, 2)
    assert not torch.allclose(beliefs[0][about_0], beliefs[1][about_0])
    torch.testing.assert_close(beliefs[0][about_2], beliefs[1][about_2])
