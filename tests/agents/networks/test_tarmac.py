"""TarMAC: attention follows the agreement of queries and signatures, over neighbours alone."""

from __future__ import annotations

import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import make_network
from remalis_agents.networks.attention import masked_softmax


def build(**options):
    torch.manual_seed(0)
    return make_network("tarmac", SIZE, COUNT, {"layout": LAYOUT, "hidden": (16, 12), **options})


def test_weights_sum_to_one_over_neighbours():
    network, team = build(rounds=3), inputs(agents=5, edges="line")
    team.alive[0, 3] = 0.0
    attention = network(team).extras["attention"]
    assert attention.shape == (3, 3, 5, 5)
    heard = team.edges().sum(-1) > 0
    assert not heard[0, 4] and heard.sum() == 14
    torch.testing.assert_close(attention.sum(-1), heard.float().unsqueeze(1).expand(-1, 3, -1))
    assert (attention * (1 - team.edges().unsqueeze(1)) == 0).all()


def test_attention_follows_the_agreement_of_query_and_signature():
    """Queries and signatures set by hand: each agent asks for the symbol after its own."""
    network = build(rounds=1, signature=3)
    for layer in (network.query, network.signature):
        torch.nn.init.zeros_(layer.weight)
    with torch.no_grad():
        for symbol in range(3):
            network.signature.weight[symbol, symbol] = 10.0
            network.query.weight[(symbol + 1) % 3, symbol] = 10.0
    symbols = torch.tensor([[0, 1, 2, 1]])
    hidden = torch.zeros(1, 4, 12)
    hidden.scatter_(-1, symbols.unsqueeze(-1), 1.0)
    team = inputs(batch=1)
    heard = network.communicate(hidden, team)
    expected = torch.tensor([[0.0, 0.5, 0.0, 0.5], [0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    torch.testing.assert_close(heard.extras["attention"][0, 0], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(heard.content[0], expected @ network.message(hidden)[0], atol=1e-5, rtol=1e-5)


def test_scores_are_divided_by_the_root_of_the_signatures_length():
    network, team = build(rounds=1, signature=9), inputs(agents=3)
    hidden = torch.randn(3, 3, 12, generator=torch.manual_seed(1))
    queries, signatures = network.query(hidden), network.signature(hidden)
    scores = torch.stack([(queries[:, 0] * signatures[:, j]).sum(-1) / 3 for j in (1, 2)], -1)
    torch.testing.assert_close(network.attend(hidden, team.edges())[:, 0, 1:], scores.softmax(-1))


def test_a_row_that_allows_nothing_is_zero_and_has_no_gradient():
    scores = torch.tensor([[5.0, 1.0, 1.0], [300.0, -300.0, 0.0]], requires_grad=True)
    weights = masked_softmax(scores, torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    assert weights.tolist() == [[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]
    (gradient,) = torch.autograd.grad(weights.square().sum() + weights[:, 1].sum(), scores)
    assert gradient[1].tolist() == [0.0, 0.0, 0.0] and gradient[0, 0] == 0 and gradient[0, 1] > 0


def test_with_memory_a_sequence_equals_its_steps_one_by_one():
    network = build(recurrent=6)
    steps = [inputs(seed=k, edges="line") for k in range(4)]
    state = {"memory": torch.randn(3, 4, 6, generator=torch.manual_seed(0))}
    stacked = {k: torch.stack([getattr(s, k) for s in steps], 1) for k in steps[0]._fields[:4]}
    whole = network(steps[0]._replace(**stacked, state=state))
    for t, step in enumerate(steps):
        one = {k: getattr(step, k).unsqueeze(1) for k in step._fields[:4]}
        output = network(step._replace(**one, state=state))
        torch.testing.assert_close(output.logits[:, 0], whole.logits[:, t])
        state = output.state
    torch.testing.assert_close(state, whole.state)


def test_messages_are_counted():
    assert build(rounds=3, signature=4, message=5).message_floats == 3 * (4 + 5)
