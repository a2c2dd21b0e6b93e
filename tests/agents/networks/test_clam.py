"""CLAM: nothing is sent; a contrastive loss makes the own view say what the neighbours see."""

from __future__ import annotations

import math

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import Played, make_network
from remalis_agents.networks.clam import info_nce


def network(**options):
    torch.manual_seed(0)
    return make_network("clam", SIZE, COUNT, {"layout": LAYOUT, **options})


def played(team, weights=None):
    none = torch.full(team.alive.shape, -1)
    return Played(none, torch.zeros_like(team.alive), team.alive if weights is None else weights, none, none)


def loss_of(net, team, weights=None):
    return net.losses(team, net(team), played(team, weights))["contrastive_loss"]


def test_an_agent_acts_on_its_own_view_alone():
    net, team = network(), inputs(edges="all")
    other = team.observations.clone()
    other[:, 1:] = other[:, 1:].roll(1, 0)
    before, after = net(team), net(team._replace(observations=other, adjacency=torch.zeros_like(team.adjacency)))
    assert torch.equal(before.logits[:, 0], after.logits[:, 0])
    assert torch.equal(before.values[:, 0], after.values[:, 0])
    assert net.rounds == 0 and net.message_floats == 0


def test_the_loss_of_matching_and_of_meaningless_embeddings():
    """R pairs that all look alike cost log R; pairs that match exactly and differ cost next to nothing."""
    same, matching = torch.ones(8, 4) / 2, torch.eye(8)
    assert info_nce(same, same, 0.1).item() == pytest.approx(math.log(8), abs=1e-5)
    assert info_nce(matching, matching, 0.1).item() == pytest.approx(math.log(1 + 7 * math.exp(-10)), abs=1e-5)
    assert info_nce(matching, matching.roll(1, 0), 0.1) > 9


def test_the_loss_falls_as_embeddings_come_to_match():
    """Where the own view tells what the neighbours see, the loss makes the embedding tell it, on new data too."""

    def correlated(seed):
        team = inputs(batch=16, agents=2, seed=seed)
        return team._replace(observations=team.observations[:, :1].expand(-1, 2, -1).clone())

    net = network(coefficient=1.0)
    held_out = correlated(99)
    # Both agents of a pair have the same neighbourhood here: half of the pairs cannot be told from another one.
    before, floor = loss_of(net, held_out).item(), math.log(2)
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    for step in range(60):
        optimiser.zero_grad()
        loss_of(net, correlated(step)).backward()
        optimiser.step()
    after = loss_of(net, held_out).item()
    assert after - floor < 0.5 * (before - floor)


def test_its_gradient_reaches_both_encoders_and_no_head():
    net, team = network(), inputs()
    loss_of(net, team).backward()
    reached = {
        name.split(".")[0] for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().max() > 0
    }
    assert reached == {"others", "target"}
    assert "target" in net.trained_by_own_losses


def test_the_coefficient_scales_it():
    team = inputs()
    assert loss_of(network(coefficient=0.3), team).item() == pytest.approx(
        3 * loss_of(network(), team).item(), rel=1e-5
    )


def test_targets_are_what_the_neighbours_see():
    net, team = network(), inputs(agents=4, edges="line")
    observations = team.observations.clone().requires_grad_()
    context = net.reader(observations)[1]
    (gradient,) = torch.autograd.grad(net.targets(context, team)[:, 0].sum(), observations)
    assert (gradient.abs().amax((0, 2)) > 0).tolist() == [False, True, False, False]


def test_who_did_not_act_or_has_no_neighbours_is_not_contrasted():
    net, team = network(), inputs(agents=4)
    weights = team.alive.clone()
    weights[:, 3] = 0
    fewer = loss_of(net, team, weights)
    outputs = net(team).extras
    rows = weights.flatten() > 0
    by_hand = info_nce(
        outputs["others"].flatten(0, 1)[rows],
        net.targets(outputs["context"], team).flatten(0, 1)[rows],
        net.temperature,
    )
    torch.testing.assert_close(fewer, net.coefficient * by_hand)
    alone = loss_of(net, inputs(edges="none"))
    assert alone == 0
    alone.backward()
    assert all(p.grad is not None for p in net.target.parameters()), "distributed learners want every parameter"


def test_large_batches_are_thinned_out_evenly():
    """All pairs of a large team's minibatch would cost memory with the square of its rows."""
    net, team = network(pairs=16), inputs(batch=40, agents=12)
    output = net(team)
    loss = net.losses(team, output, played(team))["contrastive_loss"]
    (gradient,) = torch.autograd.grad(loss, output.extras["others"])
    rows = (gradient.flatten(0, 1).abs().amax(-1) > 0).nonzero().squeeze(-1)
    assert len(rows) == 16
    gaps = rows.diff()
    assert gaps.max() - gaps.min() <= 1 and rows[0] == 0 and rows[-1] == 40 * 12 - 1
