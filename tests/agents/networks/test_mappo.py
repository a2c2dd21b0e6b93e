"""MAPPO: its critic sees the whole team, its actor nobody else."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs, run

from remalis_agents.networks import make_network


def build(**options):
    torch.manual_seed(0)
    return make_network("mappo", SIZE, COUNT, {"layout": LAYOUT, **options})


def gradients(network, team, of):
    team = team._replace(observations=team.observations.clone().requires_grad_())
    scalar = getattr(run(network, team), of)[:, 0].square().sum()
    return torch.autograd.grad(scalar, team.observations)[0].abs().amax((0, 2))


@pytest.mark.parametrize("recurrent", [0, 6])
def test_values_see_everybody_and_logits_nobody_else(recurrent):
    network, team = build(recurrent=recurrent), inputs(edges="none")
    assert (gradients(network, team, "values") > 0).all(), "neighbours or not"
    seen = gradients(network, team, "logits")
    assert seen[0] > 0 and (seen[1:] == 0).all()


def test_values_do_not_see_who_takes_no_part():
    network, team = build(), inputs()
    team.alive[:, 2] = 0.0
    assert gradients(network, team, "values")[2] == 0
    smaller = team._replace(
        **{k: getattr(team, k)[:, [0, 1, 3]] for k in ("observations", "alive", "action_mask")},
        adjacency=team.adjacency[:, :3, :3],
    )
    torch.testing.assert_close(network(smaller).values, network(team).values[:, [0, 1, 3]])


def test_the_critic_takes_a_mean_and_a_maximum_and_not_a_sum():
    """A team of twins has the value of one of them, however many they are."""
    network, team = build(), inputs()
    twins = team._replace(observations=team.observations[:, :1].expand(-1, 4, -1))
    one = twins._replace(
        **{k: getattr(twins, k)[:, :1] for k in ("observations", "alive", "action_mask")},
        adjacency=twins.adjacency[:, :1, :1],
    )
    torch.testing.assert_close(network(twins).values[:, :1], network(one).values)


def test_the_critic_tells_agents_apart_and_does_not_care_how_the_others_are_ordered():
    network, team = build(), inputs()
    values = network(team).values
    assert values.std(-1).min() > 0
    swapped = network(team._replace(observations=team.observations[:, [0, 3, 1, 2]])).values
    torch.testing.assert_close(swapped[:, 0], values[:, 0])


def test_nothing_of_the_critic_reaches_the_actors_memory():
    network, team = build(recurrent=6), inputs()
    run(network, team).values.sum().backward()
    assert all(parameter.grad is None for parameter in network.memory.parameters())
