"""IDQN: duelling heads over the legal actions."""

from __future__ import annotations

import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import network_class
from remalis_agents.networks.q_network import duelling_values


def test_a_duelling_head_is_a_value_plus_advantages_of_what_is_legal():
    advantages, mask = torch.tensor([[[1.0, 3.0, 50.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]])
    q_values = duelling_values(torch.tensor([[10.0]]), advantages, mask)
    assert q_values[0, 0, :2].tolist() == [9.0, 11.0], "around the value, whatever the illegal action has"
    shifted = duelling_values(torch.tensor([[10.0]]), advantages + 7.0, mask)
    torch.testing.assert_close(shifted, q_values)


def test_the_head_can_be_plain():
    torch.manual_seed(0)
    network = network_class("idqn")(SIZE, COUNT, duelling=False, layout=LAYOUT)
    assert network.state_value is None
    team = inputs()
    fewer = team._replace(action_mask=team.action_mask.clone())
    fewer.action_mask[..., 0] = 0.0
    # Without duelling no Q-value depends on what else is legal; with it, the mean does.
    torch.testing.assert_close(network(fewer).logits, network(team).logits)
    torch.manual_seed(0)
    duelling = network_class("idqn")(SIZE, COUNT, layout=LAYOUT)
    assert not torch.allclose(duelling(fewer).logits, duelling(team).logits)


def test_values_are_those_of_the_best_legal_action():
    torch.manual_seed(0)
    network, team = network_class("idqn")(SIZE, COUNT, layout=LAYOUT), inputs()
    best = network(team).logits.argmax(-1, keepdim=True)
    team = team._replace(action_mask=team.action_mask.scatter(-1, best, 0.0))
    output = network(team)
    legal = output.logits.masked_fill(team.action_mask == 0, -torch.inf)
    torch.testing.assert_close(output.values, legal.amax(-1))
