"""The team's distribution: masked, per agent, and the distribution it says it is."""

from __future__ import annotations

import torch

from remalis_agents.networks.acting import mask_logits
from remalis_agents.rllib.distribution import TeamCategorical


def test_agrees_with_torch_per_agent():
    logits = torch.randn(5, 3, 4, generator=torch.manual_seed(0))
    other = torch.randn(5, 3, 4)
    ours, theirs = TeamCategorical(logits), torch.distributions.Categorical(logits=logits)
    actions = ours.sample()
    assert actions.shape == (5, 3)
    torch.testing.assert_close(ours.logp(actions), theirs.log_prob(actions))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    expected = torch.distributions.kl_divergence(theirs, torch.distributions.Categorical(logits=other))
    torch.testing.assert_close(ours.kl(TeamCategorical(other)), expected)
    assert torch.equal(ours.to_deterministic().sample(), logits.argmax(-1))


def test_sampling_follows_the_probabilities():
    torch.manual_seed(1)
    probabilities = torch.tensor([0.5, 0.3, 0.2])
    draws = TeamCategorical(probabilities.log().expand(20_000, 2, 3)).sample()
    for agent in range(2):
        shares = torch.bincount(draws[:, agent], minlength=3) / len(draws)
        torch.testing.assert_close(shares, probabilities, atol=0.02, rtol=0)


def test_illegal_actions_are_never_drawn_and_give_no_nan():
    torch.manual_seed(2)
    mask = torch.tensor([[1, 0, 1], [0, 0, 1], [0, 0, 0]])
    logits = mask_logits(torch.tensor([[0.0, 50.0, 0.0]]).expand(3, 3), mask).expand(4000, 3, 3).requires_grad_()
    distribution = TeamCategorical(logits)
    draws = distribution.sample()
    assert set(draws[:, 0].tolist()) == {0, 2}
    assert set(draws[:, 1].tolist()) == {2}
    total = distribution.entropy().sum() + distribution.logp(draws).sum()
    (gradient,) = torch.autograd.grad(total, logits)
    assert torch.isfinite(total) and torch.isfinite(gradient).all()
