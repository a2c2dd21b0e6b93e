"""Rounds of reasoning: each carries what is seen one hop further, and no round further than that."""

from __future__ import annotations

import pytest
import torch
from remalis_teams import begin, line, network, team

from remalis_agents.networks.remalis.recursion import KINDS, RecursiveReasoning

ALONE = {"feedback": False, "composition": False, "shared_planning": False}
"""No other part sends anything."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_receptive_field_is_the_rounds_and_one_more(rounds, kind):
    net, given = network(rounds=rounds, recursion=kind, **ALONE), team(line(7))
    seen = given.observations.clone().requires_grad_()
    output = net(begin(net, given._replace(observations=seen)))
    (gradient,) = torch.autograd.grad(output.extras["thought"].heard[0, 0, 0].square().sum(), seen)
    reach = gradient[0, 0].abs().sum(-1) > 0
    assert reach[1:].tolist() == [k <= rounds + 1 for k in range(1, 7)]
    assert net.rounds == rounds + 1


def test_the_whole_network_reaches_as_far_as_it_says():
    net, given = network(planning_layers=2), team(line(9))
    seen = given.observations.clone().requires_grad_()
    output = net(begin(net, given._replace(observations=seen)))
    (gradient,) = torch.autograd.grad(output.logits[0, 0, 0].square().sum(), seen)
    assert (gradient[0, 0].abs().sum(-1) > 0).tolist() == [k <= net.rounds for k in range(9)]


def test_rounds_share_their_weights():
    few, many = (RecursiveReasoning(8, rounds) for rounds in (1, 3))
    assert {k: v.shape for k, v in few.state_dict().items()} == {k: v.shape for k, v in many.state_dict().items()}


def test_each_is_told_what_is_believed_of_him():
    """The recursive kind sends every neighbour something of its own; those in its place send all the same."""
    for kind, differs in zip(KINDS, (True, False, False), strict=True):
        net, given = network(recursion=kind, **ALONE), team(line(3))
        t = net(begin(net, given)).extras["thought"]
        assert (t.post.ledger["recursion"].floats, t.post.ledger["recursion"].delivered.sum()) == (32, 4)
        told = []
        tell = "tell_each" if differs else "tell_all"
        original = getattr(type(t.post), tell)

        def keep(self, kind, message, *rest, original=original, told=told):
            told.extend([message] if kind == "recursion" else [])
            return original(self, kind, message, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(t.post), tell, keep)
            net(begin(net, given))
        assert (told[0].dim() == 5) == differs
        if differs:
            assert not torch.allclose(told[0][0, 0, 1, 0], told[0][0, 0, 1, 1])
