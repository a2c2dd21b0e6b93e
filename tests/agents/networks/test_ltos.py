"""LToS: rewards are shared, not made; each level learns from its own objective, in its own turn."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import Following, Played, network_class
from remalis_agents.networks.ltos import FIRST_OWN_SHARE


def build(**options):
    torch.manual_seed(0)
    return network_class("ltos")(SIZE, COUNT, layout=LAYOUT, **options)


def losses(network, team, output):
    zeros = torch.zeros_like(team.alive)
    played = Played(zeros.long(), zeros, team.alive, zeros.long(), zeros.long())
    return network.replay_losses(team, output, played, Following(team, output, output))


@pytest.mark.parametrize("agents", [2, 6])
def test_agents_first_keep_most_of_their_reward(agents):
    shares = build()(inputs(agents=agents)._replace(sample=False)).extras["shares"]
    torch.testing.assert_close(shares.sum(-1), torch.ones(3, agents))
    own = shares.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(own.mean(), torch.tensor(FIRST_OWN_SHARE), atol=0.06, rtol=0)


def test_sharing_neither_makes_nor_loses_rewards():
    network, team = build(), inputs(agents=5, edges="line")
    team.alive[:, 2] = 0.0
    rewards = torch.randn(3, 5) * team.alive
    output = network(team)
    shared = network.share_rewards(output, rewards)
    torch.testing.assert_close(shared.sum(-1), rewards.sum(-1))
    shares = output.extras["shares"]
    torch.testing.assert_close(shared[:, 0], shares[:, 0, 0] * rewards[:, 0] + shares[:, 1, 0] * rewards[:, 1])
    assert (shares[:, 2, 2] == 1).all() and (shares[:, 1, 2] == 0).all(), "nothing goes to or from who is gone"


def test_rewards_go_along_links_that_go_both_ways():
    network, team = build(), inputs(agents=3)
    team.adjacency[:, 0, 1] = 0.0  # 1 hears 0, but 0 does not hear 1
    shares = network(team).extras["shares"]
    assert (shares[:, 0, 1] == 0).all() and (shares[:, 1, 0] == 0).all() and (shares[:, 0, 2] > 0).all()


def test_q_values_do_not_move_how_rewards_are_shared():
    network, team = build(), inputs()
    network(team).logits.square().sum().backward()
    assert all(p.grad is None for p in network.sharing.parameters())
    assert all(p.grad is not None for n, p in network.named_parameters() if not n.startswith("sharing."))


def test_the_sharing_policy_climbs_the_value_and_leaves_the_low_level_alone():
    network, team = build(), inputs()._replace(sample=False)
    optimizer = torch.optim.Adam(network.sharing.parameters(), 1e-3)
    values = []
    for _ in range(30):
        output = network(team)
        values.append(output.values.mean().item())
        optimizer.zero_grad()
        losses(network, team, output)["sharing_loss"].backward()
        optimizer.step()
    assert values[-1] > values[0] + 1e-3
    assert all(p.grad is None for n, p in network.named_parameters() if not n.startswith("sharing."))


def test_noise_is_on_while_exploring_and_off_while_playing():
    network, team = build(noise=1.0), inputs()
    shares = [network(team._replace(sample=sample)).extras["shares"] for sample in (True, True, False, False)]
    assert not torch.allclose(shares[0], shares[1])
    torch.testing.assert_close(shares[2], shares[3])
    assert network(team).drawn["noise"].std() == pytest.approx(1.0, abs=0.3)
    assert build(noise=0.0)(team).drawn == {}


def test_levels_learn_in_turns():
    network = build(low_updates=3, high_updates=2)
    names = [name for name, _ in network.named_parameters()]
    for update in range(10):
        resting = [name for name in names if name.startswith(network.resting(update))]
        high = [name for name in names if name.startswith("sharing.")]
        assert resting == (high if update % 5 < 3 else [name for name in names if name not in high])
