"""CommNet: what is heard are rounds of means over the neighbours."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import make_network


def build(**options):
    torch.manual_seed(0)
    return make_network("commnet", SIZE, COUNT, {"layout": LAYOUT, "hidden": (16, 12), **options})


@pytest.mark.parametrize("rounds", [1, 3])
def test_content_is_the_formula_of_the_paper(rounds):
    network, team = build(rounds=rounds), inputs(agents=5, edges="line")
    team.adjacency[:, 1, 0] = 0.0  # hearing need not be mutual
    team.alive[0, 3] = 0.0
    hidden = torch.randn(3, 5, 12, generator=torch.manual_seed(1))
    expected = torch.zeros_like(hidden)
    for b in range(3):
        heard = [[j for j in range(5) if j != i and team.adjacency[b, i, j] and team.alive[b, j]] for i in range(5)]
        now = list(hidden[b])
        for k in range(rounds):
            means = [torch.stack([now[j] for j in who]).mean(0) if who else torch.zeros(12) for who in heard]
            now = [torch.tanh(network.keep[k](h) + network.hear[k](c)) for h, c in zip(now, means, strict=True)]
        for i, who in enumerate(heard):
            expected[b, i] = now[i] if who else 0.0
    assert (expected[0, 4] == 0).all() and (expected[0, 1] != 0).any()
    torch.testing.assert_close(network.communicate(hidden, team).content, expected)


def test_who_neighbours_are_makes_no_difference():
    """A mean over the neighbours: exchanging two of them changes nothing for who hears both."""
    network, team = build(rounds=1), inputs(agents=3)
    swapped = team._replace(observations=team.observations[:, [0, 2, 1]])
    torch.testing.assert_close(network(swapped).logits[:, 0], network(team).logits[:, 0])
    changed = team.observations.clone()
    changed[:, 1] = changed[:, 2]
    assert not torch.allclose(network(team._replace(observations=changed)).logits[:, 0], network(team).logits[:, 0])


def test_messages_are_counted():
    assert build(rounds=3).message_floats == 3 * 12
