"""DGN: two hops of attention, whose relations are pulled towards what they will be."""

from __future__ import annotations

import math

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import Following, Played, network_class
from remalis_agents.networks.dgn import relation_divergence


def build(**options):
    torch.manual_seed(0)
    return network_class("dgn")(SIZE, COUNT, layout=LAYOUT, **options)


def played_of(team):
    zeros = torch.zeros_like(team.alive)
    return Played(zeros.long(), zeros, team.alive, zeros.long(), zeros.long())


def test_agents_attend_to_themselves_and_their_neighbours_only():
    network, team = build(), inputs(agents=5, edges="line")
    for attention in network(team).extras["attention"]:
        assert attention.shape == (3, 8, 5, 5)
        torch.testing.assert_close(attention.sum(-1), torch.ones(3, 8, 5))
        reached = (team.adjacency + torch.eye(5)).unsqueeze(1).expand_as(attention)
        assert (attention[reached == 0] == 0).all() and (attention[reached > 0] > 0).all()


def test_divergence_of_known_relations():
    before = torch.tensor([[[[0.5, 0.5], [0.0, 1.0]]]])
    after = torch.tensor([[[[0.9, 0.1], [0.0, 1.0]]]])
    expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert relation_divergence(before, after)[0].tolist() == pytest.approx([expected, 0.0], abs=1e-5)


def test_the_regularisation_pulls_relations_towards_the_next_step():
    """Its gradient moves this step's attention towards the target's next one, and the target not at all."""
    network, target = build(regularisation=1.0), build()
    team, after = inputs(seed=1), inputs(seed=2)
    with torch.no_grad():
        for parameter in target.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        following = Following(after, network(after), target(after))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    divergences = []
    for _ in range(30):
        loss = network.replay_losses(team, network(team), played_of(team), following)["relation_loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        divergences.append(loss.item())
    assert divergences[0] > 0 and divergences[-1] < 0.5 * divergences[0]


def test_the_regularisation_is_scaled_left_out_and_blind_to_those_that_end():
    team, after = inputs(seed=1), inputs(seed=2)

    def loss(coefficient, team, after):
        network = build(regularisation=coefficient)
        following = Following(after, network(after), network(after))
        return network.replay_losses(team, network(team), played_of(team), following)

    one, two = (loss(c, team, after)["relation_loss"].item() for c in (1.0, 2.0))
    assert two == pytest.approx(2 * one) and one > 0
    assert loss(0.0, team, after) == {}
    gone = after._replace(alive=torch.zeros_like(after.alive))
    assert loss(1.0, team, gone)["relation_loss"].item() == 0.0


def test_one_layer_reaches_one_hop():
    assert build(layers=1).rounds == 1 and build().rounds == 2
