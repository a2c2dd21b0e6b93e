"""What every registered network must keep to, whatever its method."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs, permuted, run

from remalis_agents.networks import network_names
from remalis_agents.networks.model import ModelSpec, TeamModel

NAMES = network_names()
ORDERED = {"single_agent"}
"""Networks for which an agent is a place in a row."""

BY_PLACE = {"mean_field", "remalis"}
"""Networks that also know an option by its place: what neighbours are likely to choose, or the vector as one thing."""


def build(name, agents=4, layout=LAYOUT):
    torch.manual_seed(0)
    return TeamModel(ModelSpec(name, SIZE, COUNT, agents, {}, layout)).network


TALKING = [name for name in NAMES if build(name).rounds]
"""Networks whose agents hear their neighbours, and not a centre."""


def spread(network, seed=1):
    """Small initial heads hide differences: make every weight matter."""
    generator = torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return network


@pytest.mark.parametrize("layout", [None, LAYOUT], ids=["plain", "layout"])
@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_partial_passes_agree(name, layout):
    network = build(name, layout=layout)
    team = inputs()._replace(sample=False)
    output = run(network, team)
    assert output.logits.shape == (3, 4, COUNT)
    assert output.values.shape == (3, 4)
    assert output.logits.isfinite().all() and output.values.isfinite().all()
    if not network.initial_state():
        torch.testing.assert_close(network.act(team).logits, output.logits)
        torch.testing.assert_close(network.values(team), output.values)
    if not network.value_based:
        assert network.value_heads(), "the scale of returns must reach the value's last layers"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_PLACE])
def test_the_ends_are_the_same_for_all(name):
    """Every method reads the options one by one and scores each by itself, where the layout says where they stand."""
    network = spread(build(name))
    team = inputs()._replace(sample=False)
    order = torch.tensor([3, 0, 4, 1, 2, 5, 6, 7])  # the last three are padding
    start, stop = LAYOUT["start"], LAYOUT["start"] + COUNT * LAYOUT["features"]
    turned = team.observations.clone()
    rows = turned[..., start:stop].unflatten(-1, (COUNT, LAYOUT["features"]))
    turned[..., start:stop] = rows[..., order, :].flatten(-2)
    before, after = run(network, team).logits, run(network, team._replace(observations=turned)).logits
    torch.testing.assert_close(after[..., :5], before[..., order][..., :5], rtol=1e-4, atol=1e-4)
    assert (before[..., :5].std(-1) > 1e-3).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ORDERED])
def test_parameters_do_not_depend_on_the_size_of_the_team(name):
    few, many = build(name, 3), build(name, 11)
    assert {k: v.shape for k, v in few.state_dict().items()} == {k: v.shape for k, v in many.state_dict().items()}
    assert run(few, inputs(agents=7)._replace(sample=False)).logits.shape == (3, 7, COUNT)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ORDERED])
def test_permuting_agents_permutes_outputs(name):
    network, team = spread(build(name, 6)), inputs(agents=6, edges="line")._replace(sample=False)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    straight, other = run(network, team), run(network, permuted(team, order))
    torch.testing.assert_close(other.logits, straight.logits[:, order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(other.values, straight.values[:, order], atol=1e-4, rtol=1e-4)


def reach(network, team, target=0):
    """Which agents' observations one agent's logits depend on: the largest gradient from each, ``[N]``."""
    team = team._replace(observations=team.observations.clone().requires_grad_())
    logits = run(network, team).logits[:, target]
    (gradient,) = torch.autograd.grad((logits * torch.arange(1.0, COUNT + 1)).sum(), team.observations)
    return gradient.abs().amax((0, 2))


@pytest.mark.parametrize("name", NAMES)
def test_nobody_outside_the_receptive_field_has_influence(name):
    team = inputs(agents=8, edges="line")._replace(sample=False)
    # Several weights: with some of them a gate may be closed.
    networks = [spread(build(name, 8), seed) for seed in range(1, 5)]
    network, influence = networks[0], torch.stack([reach(each, team) for each in networks]).amax(0)
    assert influence[0] > 0
    if network.rounds is None:
        assert (influence > 0).all(), "a centre hears everybody"
        return
    assert (influence[1 : network.rounds + 1] > 0).all(), "neighbours are heard"
    assert (influence[network.rounds + 1 :] == 0).all(), "exactly zero"


@pytest.mark.parametrize("name", TALKING)
def test_without_edges_a_network_is_its_silent_twin(name):
    """No message from anybody: an agent acts as it would alone, and nobody's observation reaches it."""
    network = spread(build(name))
    team = inputs(edges="none")._replace(sample=False)
    assert (reach(network, team)[1:] == 0).all()
    alone = run(
        network,
        team._replace(
            **{k: getattr(team, k)[:, :1] for k in ("observations", "alive", "action_mask")},
            adjacency=team.adjacency[:, :1, :1],
        ),
    )
    torch.testing.assert_close(run(network, team).logits[:, :1], alone.logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_dead_are_not_heard(name):
    network, team = spread(build(name)), inputs()._replace(sample=False)
    alive = team.alive.clone()
    alive[:, 2] = 0.0
    assert reach(network, team._replace(alive=alive))[2] == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_was_drawn_is_replayed(name):
    network, team = spread(build(name)), inputs()
    first = run(network, team)
    again = run(network, team._replace(drawn=first.drawn or None))
    torch.testing.assert_close(again.logits, first.logits)
    if first.log_probs is not None:
        torch.testing.assert_close(again.log_probs, first.log_probs)
        assert first.drawn, "a log-probability belongs to something that was drawn"


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name):
    """A part none of whose outputs is used stops distributed learners, and is waste."""
    network, team = spread(build(name)), inputs()
    output = run(network, team)
    loss = output.logits.square().sum() + output.values.square().sum()
    loss = loss + (0 if output.log_probs is None else output.log_probs.sum())
    loss.backward()
    unused = [k for k, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert unused == [k for k in unused if k.startswith(network.trained_by_own_losses)]
