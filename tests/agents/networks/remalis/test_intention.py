"""Intentions: distributions are distributions, the dead are assigned nothing, and all four parts learn."""

from __future__ import annotations

import pytest
import torch
from remalis_teams import SUBGOALS, begin, line, network, team, think

from remalis_agents.networks import Played
from remalis_agents.networks.remalis import losses
from remalis_agents.networks.remalis.intention import Announcement


def test_rows_sum_to_one_and_what_does_not_exist_gets_nothing():
    net, given = network(), team(line(4), arms=3)
    given = given._replace(alive=torch.tensor([[[1.0, 1.0, 0.0, 1.0]]]))
    intention = think(net, given).extras["thought"].intention
    ones = torch.ones_like(intention.next_subgoal[..., 0])
    torch.testing.assert_close(intention.next_subgoal.sum(-1), ones)
    torch.testing.assert_close(intention.assignment.sum(-2), torch.ones_like(intention.assignment[..., 0, :]))
    assert (intention.next_subgoal[..., 3] == 0).all() and (intention.subgoals[..., 3] == 0).all(), "the arm is missing"
    assert ((intention.subgoals >= 0) & (intention.subgoals <= 1)).all()
    links = think(net, given).extras["thought"].links
    assert links.heard.sum() == 2, "on the line 0, 1, 2, 3 only 0 and 1 hear each other while 2 is dead"
    assert (intention.assignment[..., :-1, :][links.heard == 0] == 0).all()


@pytest.mark.parametrize("part", ["goal", "subgoals", "next_subgoal", "assignment"])
def test_gradients_of_the_policy_reach_every_part(part):
    net, given = network(), team(line(4, steps=2))
    kept = {}

    def keep(module, inputs, output):
        kept["intention"] = output
        for value in output[:4]:
            value.retain_grad()

    net.intention.register_forward_hook(keep)
    assign = net.intention.assign

    def kept_assignment(*args):
        kept["assignment"] = assign(*args)
        kept["assignment"].retain_grad()
        return kept["assignment"]

    net.intention.assign = kept_assignment
    think(net, given).logits.square().sum().backward()
    value = kept["assignment"] if part == "assignment" else getattr(kept["intention"], part)
    assert value.grad is not None and value.grad.abs().sum() > 0


def test_assignment_knows_what_a_teammate_said_before_and_not_what_it_says_now():
    net, given = network(feedback=False), team(line(2, steps=2))
    seen = given.observations.clone().requires_grad_()
    t = think(net, given._replace(observations=seen)).extras["thought"]
    (gradient,) = torch.autograd.grad(t.intention.assignment[:, 1, 0].square().sum(), seen)
    assert gradient[0, 1, 1].abs().sum() == 0 and gradient[0, 0, 1].abs().sum() > 0


def test_what_is_served_most_is_counted_from_each_step_on():
    subgoals = torch.tensor([[[0], [2], [2], [1], [-1]]])
    weights = torch.tensor([[[1.0], [1.0], [1.0], [1.0], [1.0]]])
    assert losses.served_most(subgoals, weights, 3).flatten().tolist() == [2, 2, 1, 1, -1]
    assert losses.served_most(subgoals, weights, 2).flatten().tolist() == [0, 1, 1, 1, -1], (
        "2 is no word of this family"
    )
    weights[0, 1:3] = 0.0
    assert losses.served_most(subgoals, weights, 3).flatten().tolist() == [0, 1, 1, 1, -1]


def test_words_of_an_intention_come_to_mean_what_is_done():
    """Each agent serves the sub-goal that the largest entry at the end of its vector names."""
    net = network(spread=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)

    def batch(seed):
        given = team(line(4, steps=2, batch=8), seed=seed)
        served = given.observations[..., -4:].argmax(-1)
        none = torch.full_like(served, -1)
        return given, Played(none, given.alive, given.alive, served, none)

    def accuracy():
        given, played = batch(999)
        meant = think(net, given).extras["thought"].intention.next_subgoal.argmax(-1)
        return float((meant == played.subgoals).float().mean())

    before = accuracy()
    for step in range(80):
        given, played = batch(step)
        t = think(net, given).extras["thought"]
        loss = losses.intention_loss(t.intention, t.subgoal_exists, played)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert accuracy() > max(0.8, before)


def test_more_is_said_from_mode_to_mode():
    """Bytes a step are ordered: none, basic, selective, full."""
    said = []
    for mode in ("none", "basic", "selective", "full"):
        t = think(network(communication=mode), team(line(5))).extras["thought"]
        said.append(0.0 if mode == "none" else float(t.post.received_bytes().sum()))
    assert said[0] == 0 < said[1] <= said[2] < said[3]


def test_selected_are_those_with_more_than_their_share():
    net, given = network(communication="selective"), team(line(4))
    t = think(net, given).extras["thought"]
    chosen = Announcement.chosen(t.intention, t.post)
    given_mass = (t.intention.assignment[..., :-1, :] * t.intention.next_subgoal.unsqueeze(-2)).sum(-1)
    fair = 1.0 / (t.links.heard.sum(-1, keepdim=True) + 1.0)
    assert torch.equal(chosen > 0, (given_mass >= fair) & (t.links.heard > 0))
    sent = t.post.ledger["subgoals"].delivered
    assert 0 < sent.sum() < t.links.heard.sum(), "some are told and some are not"
    assert sent.sum() == chosen.sum()


def test_without_a_mode_nothing_crosses():
    net, given = network(communication="none"), team(line(4))
    seen = given.observations.clone().requires_grad_()
    output = net(begin(net, given._replace(observations=seen)))
    (gradient,) = torch.autograd.grad(output.logits[0, 0, 0].square().sum() + output.values[0, 0, 0], seen)
    assert gradient[0, 0, 1:].abs().sum() == 0 and gradient[0, 0, 0].abs().sum() > 0
    assert net.subgoal_count == SUBGOALS
