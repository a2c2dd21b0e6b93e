"""The single agent: the whole team in one view, one decision, and as many parameters as what it is compared with."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs, permuted

from remalis_agents.networks import Layout, make_network
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.single_agent import Mind
from remalis_envs.errors import RemalisError
from remalis_envs.traffic.observations import LAYOUT as TRAFFIC
from remalis_envs.traffic.observations import MAX_PHASES, OBSERVATION_SIZE


def network(agents=4, **options):
    torch.manual_seed(0)
    return make_network("single_agent", SIZE, COUNT, {"layout": LAYOUT, "max_agents": agents, **options})


def numbers(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("agents", [1, 2, 3, 9, 25, 64, 174])
@pytest.mark.parametrize("match", ["ippo", "commnet", "hammer"])
def test_it_has_as_many_parameters_as_the_network_it_is_compared_with(agents, match):
    sizes = OBSERVATION_SIZE, MAX_PHASES
    layout = Layout.of(TRAFFIC, MAX_PHASES)
    reference = numbers(make_network(match, *sizes, {"layout": layout}))
    one = numbers(make_network("single_agent", *sizes, {"layout": layout, "max_agents": agents, "match": match}))
    assert abs(one - reference) <= 0.05 * reference


@pytest.mark.parametrize("sharing", ["full", "by_type", "none"])
def test_one_agent_has_one_set_of_weights(sharing):
    model = TeamModel(ModelSpec("single_agent", SIZE, COUNT, 4, layout=LAYOUT, sharing=sharing))
    assert numbers(model) == numbers(network())


def test_what_is_only_measured_moves_no_seed():
    net = network()
    torch.manual_seed(0)
    kept = Mind(net.reader, COUNT, agents=4, row=64, option_hidden=64, code=net.code, width=net.width)
    assert all(torch.equal(p, q) for p, q in zip(net.mind.parameters(), kept.parameters(), strict=True))


def test_it_sees_the_team_in_order():
    net, team = network(), inputs()
    order = torch.tensor([2, 0, 1, 3])
    assert not torch.allclose(net(permuted(team, order)).logits, net(team).logits[:, order])


def test_every_action_depends_on_every_view_and_all_have_one_value():
    net, team = network(), inputs(edges="none")
    team = team._replace(observations=team.observations.clone().requires_grad_())
    output = net(team)
    for agent in range(4):
        (gradient,) = torch.autograd.grad(output.logits[:, agent].sum(), team.observations, retain_graph=True)
        assert (gradient.abs().amax((0, 2)) > 0).all()
    assert torch.equal(output.values, output.values[:, :1].expand(-1, 4))
    assert net.joint_action and net.message_floats == 0


def test_smaller_teams_leave_places_empty():
    net, team = network(agents=6), inputs(agents=4)
    padded = team._replace(
        **{
            name: torch.nn.functional.pad(getattr(team, name), (0, 0, 0, 2)) for name in ("observations", "action_mask")
        },
        alive=torch.nn.functional.pad(team.alive, (0, 2)),
        adjacency=torch.nn.functional.pad(team.adjacency, (0, 2, 0, 2)),
    )
    torch.testing.assert_close(net(padded).logits[:, :4], net(team).logits)
    torch.testing.assert_close(net(padded).values[:, :4], net(team).values)
    with pytest.raises(RemalisError, match="max_agents=7"):
        net(inputs(agents=7))


def test_what_cannot_be_matched():
    with pytest.raises(RemalisError, match="match a larger network"):
        network(agents=4, row=4096)
    with pytest.raises(RemalisError, match="match itself"):
        network(match="single_agent")
    with pytest.raises(RemalisError, match="Did you mean 'ippo'"):
        network(match="ipo")
