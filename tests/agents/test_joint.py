"""A team that is one agent to the learner: one ratio of all actions together, paid for the whole team."""

from __future__ import annotations

import pytest
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from test_learner import RING, Loop, config_for
from toys import ring_team

from remalis_agents.configs import load_experiment, shipped_configs
from remalis_agents.methods import METHODS
from remalis_agents.networks import network_class, network_names
from remalis_agents.rllib.gae import AGENT_WEIGHTS
from remalis_agents.rllib.joint import MAX_LOG_RATIO, Terms, as_one_agent

JOINT = [name for name in network_names() if network_class(name).joint_action]


def test_terms_by_hand():
    weights = torch.tensor([[1.0, 1, 0], [0, 0, 0]])
    log_ratio, advantages = torch.tensor([[0.1, -0.3, 9.0], [1, 1, 1]]), torch.tensor([[2.0, 4, 100], [7, 7, 7]])
    entropies = torch.tensor([[0.5, 0.25, 3], [1, 1, 1]])
    one = as_one_agent(Terms(log_ratio, advantages, entropies), weights)
    torch.testing.assert_close(one.log_ratio, torch.tensor([[-0.2] * 3, [0.0] * 3]))
    torch.testing.assert_close(one.advantages, torch.tensor([[3.0] * 3, [0.0] * 3]))
    torch.testing.assert_close(one.entropies, torch.tensor([[0.75] * 3, [0.0] * 3]))


def test_a_large_teams_ratio_stays_finite():
    """174 agents, each a little more likely to act as it did, are together far beyond what float32 holds."""
    log_ratio = torch.full((1, 174), 1.0, requires_grad=True)
    one = as_one_agent(Terms(log_ratio, -torch.ones(1, 174), torch.ones(1, 174)), torch.ones(1, 174))
    loss = (one.advantages * one.log_ratio.exp()).sum()
    loss.backward()
    assert one.log_ratio.max() == MAX_LOG_RATIO
    assert loss.isfinite() and log_ratio.grad.isfinite().all()


def surrogate(loop, batch):
    """The policy term alone, and its gradient with respect to the logits."""
    out = loop.module.forward_train(batch)
    logits = out[Columns.ACTION_DIST_INPUTS].detach().requires_grad_()
    config = loop.config.copy(copy_frozen=False).training(vf_loss_coeff=0.0)
    loop.learner.entropy_coeff_schedulers_per_module["default_policy"]._curr_value = 0.0
    loss = loop.learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=batch,
        fwd_out={**out, Columns.ACTION_DIST_INPUTS: logits},
    )
    (gradient,) = torch.autograd.grad(loss, logits)
    return loss, gradient


@pytest.mark.parametrize("name", JOINT)
def test_the_ratio_is_that_of_all_actions_together(name):
    """One agent far outside the clip range silences the whole team's gradient, for it is one agent."""
    loop = Loop(config_for(RING, ring_team(), network=name, entropy_coeff=0.0))
    batch = loop.batch(loop.runner.sample(num_timesteps=40))
    batch[Postprocessing.ADVANTAGES] = torch.ones_like(batch[Postprocessing.ADVANTAGES])
    weights = batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)
    _, free = surrogate(loop, batch)
    acted = weights[:, 0] > 0
    assert free[acted].abs().amax() > 1e-5
    batch[Columns.ACTION_LOGP] = batch[Columns.ACTION_LOGP].clone()
    batch[Columns.ACTION_LOGP][:, 0] -= 5.0
    loss, gradient = surrogate(loop, batch)
    assert gradient[acted].abs().max() == 0
    clipped = torch.where(acted, 1.2, 1.0).unsqueeze(-1)
    assert loss.item() == pytest.approx(-((clipped * weights).sum() / weights.sum()).item(), abs=1e-4)


@pytest.mark.parametrize("name", JOINT)
def test_all_are_paid_for_what_one_earned(name):
    """The advantage of one agent alone moves the actions of all."""
    loop = Loop(config_for(RING, ring_team(), network=name, entropy_coeff=0.0))
    batch = loop.batch(loop.runner.sample(num_timesteps=40))
    advantages = torch.zeros_like(batch[Postprocessing.ADVANTAGES])
    advantages[:, 0] = 1.0
    batch[Postprocessing.ADVANTAGES] = advantages
    together = (batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)).amin(-1) > 0
    _, gradient = surrogate(loop, batch)
    assert (gradient[together].abs().amax((0, 2)) > 1e-5).all()


def test_shipped_experiments_pay_the_team_as_one():
    experiments = [load_experiment(name)[1] for name in shipped_configs()]
    joint = [e for e in experiments if METHODS[e.run].network in JOINT]
    assert len(joint) >= 2 * len(JOINT)
    assert {e.config.training.reward_scope for e in joint} == {"team"}
