"""CMAT: one consensus for all, in which no order of agents exists, and one decision of all together."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs, permuted

from remalis_agents.networks import make_network


def network(**options):
    torch.manual_seed(0)
    return make_network("cmat", SIZE, COUNT, {"layout": LAYOUT, **options})


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2]])
def test_the_order_of_agents_does_not_exist(order):
    net, team = network(blocks=2, thoughts=6), inputs(agents=6, edges="line")
    straight, other = net(team), net(permuted(team, torch.tensor(order)))
    torch.testing.assert_close(other.extras["consensus"], straight.extras["consensus"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(other.logits, straight.logits[:, order], atol=1e-5, rtol=1e-5)


def test_the_consensus_is_thought_in_steps():
    """Each thought is made of those before it: another one changes the consensus, and all positions learn."""
    team = inputs()
    longer, shorter = network(thoughts=3), network(thoughts=3)
    shorter.decoder.position = torch.nn.Parameter(longer.decoder.position.data[:2])
    assert not torch.allclose(longer(team).extras["consensus"], shorter(team).extras["consensus"])
    longer(team).extras["consensus"].sum().backward()
    assert (longer.decoder.position.grad.abs().amax(-1) > 0).all()


def test_everybody_acts_on_the_consensus():
    net, team = network(), inputs()
    before = net(team).logits
    net.decoder.register_forward_hook(lambda module, given, consensus: consensus + 1.0)
    assert ((net(team).logits - before).abs().amax(-1) > 0).all()


def test_the_team_has_one_value():
    net, team = network(), inputs(agents=5)
    values = net(team).values
    assert torch.equal(values, values[:, :1].expand_as(values))
    assert values[:, 0].unique().numel() == 3, "which differs between teams"
    assert net.joint_action


def test_who_is_dead_has_no_part_in_the_consensus():
    net, team = network(), inputs(agents=4)
    alive = team.alive.clone()
    alive[:, 3] = 0
    smaller = team._replace(
        **{name: getattr(team, name)[:, :3] for name in ("observations", "alive", "action_mask")},
        adjacency=team.adjacency[:, :3, :3],
    )
    there, gone = net(team._replace(alive=alive)), net(smaller)
    torch.testing.assert_close(there.extras["consensus"], gone.extras["consensus"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(there.values[:, :3], gone.values, atol=1e-5, rtol=1e-5)
    nobody = net(team._replace(alive=torch.zeros_like(alive)))
    assert nobody.logits.isfinite().all() and nobody.values.isfinite().all()
