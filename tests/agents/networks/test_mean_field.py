"""Mean-field PPO: neighbours matter through the mean of their policies, and through nothing else."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import make_network
from remalis_agents.networks.acting import mask_logits


def network(**options):
    torch.manual_seed(0)
    net = make_network("mean_field", SIZE, COUNT, {"layout": LAYOUT, **options})
    with torch.no_grad():  # small initial heads propose nearly the same everywhere
        for parameter in net.head.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return net


def proposals(net, team):
    """What agents would do if they were alone."""
    logits = net(team._replace(adjacency=torch.zeros_like(team.adjacency))).logits
    return torch.softmax(mask_logits(logits, team.action_mask), -1)


def test_the_field_is_the_mean_of_the_neighbours_proposals():
    net, team = network(), inputs(agents=5, edges="line")
    expected = proposals(net, team)
    field = net(team).extras["mean_field"]
    torch.testing.assert_close(field[:, 0], expected[:, 1])
    torch.testing.assert_close(field[:, 2], (expected[:, 1] + expected[:, 3]) / 2)
    torch.testing.assert_close(field.sum(-1), torch.ones(3, 5))


def test_neighbours_with_the_same_mean_are_the_same():
    """Two neighbours, or each of them twice: other agents, other numbers, the same mean field."""
    net, team = network(), inputs(agents=3)
    twice = [0, 1, 2, 1, 2]
    team = team._replace(adjacency=torch.tensor([[0.0, 1, 1], [0, 0, 0], [0, 0, 0]]).expand(3, 3, 3))
    doubled = team._replace(
        observations=team.observations[:, twice],
        alive=team.alive[:, twice],
        action_mask=team.action_mask[:, twice],
        adjacency=torch.nn.functional.pad(torch.tensor([[0.0, 1, 1, 1, 1]]), (0, 0, 0, 4)).expand(3, 5, 5),
    )
    few, many = net(team), net(doubled)
    torch.testing.assert_close(many.logits[:, 0], few.logits[:, 0])
    torch.testing.assert_close(many.values[:, 0], few.values[:, 0])


def test_what_a_neighbour_sees_does_not_matter_where_it_has_no_choice():
    """One legal action makes its policy a constant; free, the same neighbour matters."""
    net, team = network(), inputs(agents=2)

    def influence(mask):
        observations = team.observations.clone().requires_grad_()
        output = net(team._replace(observations=observations, action_mask=mask))
        (gradient,) = torch.autograd.grad(output.logits[:, 0].square().sum() + output.values[:, 0].sum(), observations)
        return gradient[:, 1].abs().max()

    bound = team.action_mask.clone()
    bound[:, 1] = 0
    bound[:, 1, 2] = 1
    assert influence(bound) == 0
    assert influence(team.action_mask) > 0


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_each_iteration_reaches_a_hop_further(iterations):
    net, team = network(iterations=iterations), inputs(agents=6, edges="line")
    team = team._replace(observations=team.observations.clone().requires_grad_())
    (gradient,) = torch.autograd.grad(net(team).logits[:, 0].square().sum(), team.observations)
    reached = gradient.abs().amax((0, 2)) > 0
    assert reached.tolist() == [hop <= iterations for hop in range(6)]
    assert net.rounds == iterations


def test_who_has_no_neighbours_does_what_it_proposed():
    net, team = network(), inputs(agents=3, edges="none")
    output = net(team)
    assert (output.extras["mean_field"] == 0).all()
    torch.testing.assert_close(torch.softmax(mask_logits(output.logits, team.action_mask), -1), proposals(net, team))
