"""Networks: shapes on any team, no dependence on its size, scoring that does not care for the options' order."""

from __future__ import annotations

import pytest
import torch

from remalis_agents.networks import Layout, make_network, network_names
from remalis_agents.networks.scale import RunningScale
from remalis_envs.errors import UnknownNameError

COUNT, FEATURES, REST = 8, 5, 7
LAYOUT = {"start": 2, "count": COUNT, "features": FEATURES, "exists": 0}
SIZE = COUNT * FEATURES + REST


def team(batch=3, agents=4, options=5, seed=0):
    observations = torch.randn(batch, agents, SIZE, generator=torch.manual_seed(seed))
    rows = observations[..., 2 : 2 + COUNT * FEATURES].unflatten(-1, (COUNT, FEATURES))
    rows[..., 0] = 1.0
    rows[..., options:, :] = 0.0
    return observations, torch.ones(batch, agents), torch.ones(batch, agents, agents)


@pytest.fixture(params=[None, LAYOUT], ids=["plain", "layout"])
def network(request):
    torch.manual_seed(0)
    made = {name: make_network(name, SIZE, COUNT, {"layout": request.param}) for name in network_names()}
    return made["ippo"]


def test_shapes_and_partial_passes_agree(network):
    inputs = team()
    output = network(*inputs)
    assert output.logits.shape == (3, 4, COUNT)
    assert output.values.shape == (3, 4)
    torch.testing.assert_close(network.logits(*inputs), output.logits)
    torch.testing.assert_close(network.values(*inputs), output.values)


def test_runs_on_teams_of_any_size_and_permuting_agents_permutes_outputs(network):
    observations, alive, adjacency = team(agents=6)
    order = torch.randperm(6)
    straight = network(observations, alive, adjacency)
    permuted = network(observations[:, order], alive, adjacency)
    torch.testing.assert_close(permuted.logits, straight.logits[:, order])
    torch.testing.assert_close(permuted.values, straight.values[:, order])


def test_agents_of_ippo_cannot_influence_each_other(network):
    observations, alive, adjacency = team()
    observations.requires_grad_()
    output = network(observations, alive, adjacency)
    (gradient,) = torch.autograd.grad(output.logits[:, 0].sum() + output.values[:, 0].sum(), observations)
    assert gradient[:, 0].abs().sum() > 0
    assert gradient[:, 1:].abs().max() == 0


def test_permuting_options_permutes_logits():
    network = make_network("ippo", SIZE, COUNT, {"layout": LAYOUT})
    observations, alive, adjacency = team(options=COUNT)
    order = torch.randperm(COUNT, generator=torch.manual_seed(3))
    permuted = observations.clone()
    block = observations[..., 2 : 2 + COUNT * FEATURES].unflatten(-1, (COUNT, FEATURES))
    permuted[..., 2 : 2 + COUNT * FEATURES] = block[..., order, :].flatten(-2)
    straight, other = network(observations, alive, adjacency), network(permuted, alive, adjacency)
    torch.testing.assert_close(other.logits, straight.logits[..., order])
    torch.testing.assert_close(other.values, straight.values)


def test_leaving_out_unused_options_changes_nothing():
    """A map with five phases computes five scores; with a bigger map in the batch they must come out the same."""
    network = make_network("ippo", SIZE, COUNT, {"layout": LAYOUT})
    small, large = team(batch=1, options=5), team(batch=1, options=COUNT, seed=1)
    together = network(*(torch.cat(pair) for pair in zip(small, large, strict=True)))
    alone = network(*small)
    torch.testing.assert_close(together.logits[:1, :, :5], alone.logits[:, :, :5])
    torch.testing.assert_close(together.values[:1], alone.values)


def test_unknown_network_and_misfitting_layout_are_sentences():
    with pytest.raises(UnknownNameError, match="'ippo'"):
        make_network("ipo", SIZE, COUNT, {})
    with pytest.raises(ValueError, match="8 options up to index 42"):
        make_network("ippo", SIZE, 9, {"layout": LAYOUT})


def test_layout_is_read_from_an_environments_own():
    class Own:
        phases = slice(4, 4 + 24)

    assert Layout.of(Own(), 8) == Layout(start=4, count=8, features=3, exists=0)
    assert Layout.of(LAYOUT, COUNT).to_dict() == LAYOUT
    assert Layout.of(None, 8) is None


def test_running_scale_follows_the_data_and_settles():
    scale = RunningScale(2, settled=3)
    generator = torch.manual_seed(0)
    rows = torch.stack([torch.randn(400, generator=generator) * 0.1 + 3.0, torch.zeros(400)], -1)
    weights = torch.ones(400)
    weights[200:] = 0.0
    rows[200:] = 1e6  # padding
    for part in (slice(0, 100), slice(100, 200), slice(200, 400)):
        scale.observe(rows[part], weights[part])
    torch.testing.assert_close(scale.mean, rows[:200].mean(0))
    torch.testing.assert_close(scale.std[0], rows[:200, 0].std(unbiased=False))
    scaled = scale(rows[:200])
    assert scaled[:, 0].std() == pytest.approx(1.0, abs=0.01)
    assert torch.equal(scaled[:, 1], torch.zeros(200)), "what never moved is not blown up"
    assert scale.batches == 2, "a batch of padding is no batch"
    scale.observe(rows[:100], weights[:100])
    before = scale.mean.clone()
    scale.observe(rows[:100] + 5, weights[:100])
    assert torch.equal(scale.mean, before)


def test_scores_stay_equivariant_after_the_scale_has_moved():
    network = make_network("ippo", SIZE, COUNT, {"layout": LAYOUT})
    inputs = team()
    network.observe(*inputs[:2])
    small, large = team(batch=1, options=5), team(batch=1, options=COUNT, seed=1)
    together = network(*(torch.cat(pair) for pair in zip(small, large, strict=True)))
    torch.testing.assert_close(together.logits[:1, :, :5], network(*small).logits[:, :, :5])
