"""MPLight: phases compete in pairs, with the same weights for every pair."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, FEATURES, LAYOUT, SIZE, inputs

from remalis_agents.networks import network_class


def build(**options):
    torch.manual_seed(0)
    return network_class("mplight")(SIZE, COUNT, layout=LAYOUT, **options)


def rows(team):
    """A view of the phases' features, ``[B, N, COUNT, FEATURES]``."""
    return team.observations[..., LAYOUT["start"] : LAYOUT["types"]].unflatten(-1, (COUNT, FEATURES))


def test_swapping_phases_swaps_their_values():
    network, team, other = build(), inputs(), inputs()
    order = torch.tensor([3, 1, 4, 0, 2, 5, 6, 7])
    rows(other).copy_(rows(team)[..., order, :])
    torch.testing.assert_close(network(other).logits, network(team).logits[..., order])


def test_each_phase_depends_on_all_its_competitors_and_on_nothing_else():
    network, team = build(), inputs()
    observations = team.observations.clone().requires_grad_()
    q_values = network(team._replace(observations=observations)).logits
    (gradient,) = torch.autograd.grad(q_values[..., 1].sum(), observations)
    phases = rows(team._replace(observations=gradient)).abs().sum((0, 1, 3))
    assert (phases[:5] > 0).all() and (phases[5:] == 0).all(), "phases that do not exist do not compete"
    rest = torch.cat([gradient[..., : LAYOUT["start"]], gradient[..., LAYOUT["types"] :]], -1)
    assert (rest == 0).all()


def test_the_value_is_the_mean_over_pairs():
    network, team = build(), inputs(options=3)
    phases = network.reader(team.observations)[0]
    exists = torch.ones(*phases.shape[:-1])
    together = network.compete(phases, exists)
    pairs = [network.compete(phases[..., [0, other], :], exists[..., :2])[..., 0] for other in (1, 2)]
    torch.testing.assert_close(together[..., 0], sum(pairs) / 2)


def test_a_lone_phase_has_nobody_to_beat():
    assert (build()(inputs(options=1)).logits == 0).all()


def test_only_the_features_that_are_named_are_read():
    network, team = build(features=[0, 2]), inputs()
    before = network(team).logits
    other = inputs()
    rows(other)[..., :5, 1] += 3.0
    torch.testing.assert_close(network(other).logits, before)
    rows(other)[..., :5, 2] += torch.arange(5.0)
    assert not torch.allclose(network(other).logits, before)


def test_features_that_a_phase_does_not_have_are_refused():
    with pytest.raises(TypeError, match=r"from 0 to 4, but it is \[9\]"):
        build(features=[9])
