"""CoLight: everything that reaches the head went through attention over self and neighbours."""

from __future__ import annotations

import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import network_class


def build():
    torch.manual_seed(0)
    return network_class("colight")(SIZE, COUNT, layout=LAYOUT)


def test_attention_is_shared_out_among_self_and_neighbours():
    team = inputs(agents=5, edges="line")
    attention = build()(team).extras["attention"]
    torch.testing.assert_close(attention.sum(-1), torch.ones(3, 5, 5))
    reached = (team.adjacency + torch.eye(5)).unsqueeze(1).expand_as(attention)
    assert (attention[reached == 0] == 0).all() and (attention[reached > 0] > 0).all()
    alone = build()(inputs(agents=5, edges="none")).extras["attention"]
    torch.testing.assert_close(alone, torch.eye(5).expand_as(alone))


def test_an_agent_that_looks_elsewhere_does_not_see_itself():
    """Attention turned wholly to a neighbour: two agents that look at the same one know the same."""
    network, team = build(), inputs(agents=3)
    context = network.reader(team.observations)[1]
    links = torch.zeros(3, 3, 3)
    links[:, :, 2] = 1.0
    heard, _ = network.relation(network.encoder(context), links)
    torch.testing.assert_close(heard[:, 0], heard[:, 1])


def test_heads_are_averaged():
    network, team = build(), inputs()
    relation, hidden = network.relation, network.encoder(network.reader(team.observations)[1])
    assert relation.out.in_features == relation.size
    content = torch.relu(relation.content(hidden)).unflatten(-1, (relation.heads, relation.size))
    heard, attention = relation(hidden, torch.ones(3, 4, 4))
    mean = sum(attention[:, m] @ content[..., m, :] for m in range(relation.heads)) / relation.heads
    torch.testing.assert_close(heard, torch.relu(relation.out(mean)))
