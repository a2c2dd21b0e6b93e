"""MAGIC: only scheduled edges carry influence, and the scheduler learns from what they carried."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import make_network
from remalis_agents.networks.magic import GraphAttention, pair_noise


def build(**options):
    torch.manual_seed(0)
    return make_network("magic", SIZE, COUNT, {"layout": LAYOUT, "hidden": (16, 12), **options})


def test_only_scheduled_edges_carry_influence():
    layer, edges = GraphAttention(6, 5), torch.zeros(4, 4)
    edges[0, 1] = edges[0, 3] = edges[2, 0] = 1.0
    rows = torch.randn(4, 6, generator=torch.manual_seed(0), requires_grad=True)
    reached = torch.zeros(4, 4)
    for i, row in enumerate(layer(rows, edges)):
        reached[i] = torch.autograd.grad(row.sum(), rows, retain_graph=True)[0].abs().amax(-1)
    assert torch.equal(reached > 0, (edges + torch.eye(4)) > 0)


def test_attention_is_a_softmax_over_the_scheduled_alone():
    """What is not scheduled takes no weight from what is, however high its score."""
    layer, edges = GraphAttention(6, 5), torch.zeros(4, 4)
    edges[0, 1] = edges[0, 3] = 1.0
    messages = torch.randn(4, 5, generator=torch.manual_seed(0))
    messages[2] *= 1000.0
    scores = layer.receiver(messages[0]) + layer.sender(messages[[0, 1, 3]]).squeeze(-1)
    weights = layer.weights(messages, edges)
    torch.testing.assert_close(weights[0, [0, 1, 3]], torch.nn.functional.leaky_relu(scores, 0.2).softmax(-1))
    assert weights[0, 2] == 0 and weights.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(4))


@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_a_schedule_of_nobody_is_silence_and_one_of_all_is_not(bias):
    network, team = build(schedule_bias=bias), inputs(edges="line")
    team = team._replace(observations=team.observations.clone().requires_grad_())
    output = network(team)
    assert torch.equal(output.extras["graphs"].amax(-1), team.edges() * (bias > 0))
    (gradient,) = torch.autograd.grad(output.logits[:, 0].square().sum(), team.observations)
    assert gradient[:, 0].abs().amax() > 0
    assert (gradient[:, 1].abs().amax() > 1e-9) == (bias > 0)


def test_gradients_reach_the_scheduler_through_edges_drawn_and_not_drawn():
    """Even if no edge is scheduled, opening one would have changed what is heard: that is what it learns from."""
    network, team = build(schedule_bias=-1.0), inputs()
    network(team._replace(sample=False)).logits.square().sum().backward()
    assert network(team._replace(sample=False)).extras["graphs"].sum() == 0
    for name, parameter in network.scheduler.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_a_replayed_pass_has_the_graphs_and_the_gradients_of_the_one_that_acted():
    network, team = build(schedule_bias=0.0), inputs(agents=6)
    first = network(team)
    graphs = first.extras["graphs"]
    assert 0 < graphs.sum() < (team.edges().sum() * 2)
    again = network(team._replace(drawn=first.drawn))
    assert torch.equal(again.extras["graphs"], graphs)
    other = network(team)
    assert not torch.equal(other.extras["graphs"], graphs), "drawn anew"
    weight = network.scheduler.score.weight
    (before,) = torch.autograd.grad(first.logits.square().sum(), weight)
    (after,) = torch.autograd.grad(again.logits.square().sum(), weight)
    torch.testing.assert_close(after, before)


def test_edges_that_are_not_allowed_are_never_scheduled():
    network, team = build(schedule_bias=50.0), inputs(agents=5, edges="line")
    team.alive[:, 3] = 0.0
    assert torch.equal(network(team).extras["graphs"], team.edges().unsqueeze(-1).expand(-1, -1, -1, 2))


def test_the_noise_of_any_two_pairs_is_logistic_and_independent():
    uniform = torch.rand(20000, 3, 2, 1, generator=torch.manual_seed(0))
    draws = pair_noise(uniform).squeeze(-1).flatten(-2)
    thresholds = torch.tensor([-1.0, 0.0, 2.0])
    shares = (draws.unsqueeze(-1) < thresholds).float().mean(0)
    torch.testing.assert_close(shares, thresholds.sigmoid().expand_as(shares), atol=0.02, rtol=0)
    open_edges = (draws > 0).double().T
    assert (torch.corrcoef(open_edges) - torch.eye(9)).abs().max() < 0.03


def test_messages_are_counted():
    network = build(rounds=3, message=10, scheduler=7)
    assert (network.message_floats, network.rounds) == (3 * 10 + 7, 4)
