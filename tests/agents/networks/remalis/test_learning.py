"""The network inside the learner: what it costs its agents, what it remembers, and what is logged of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from loops import Loop, config_for
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

from remalis_agents.networks.remalis import Losses
from remalis_agents.rllib import TeamCategorical
from remalis_agents.rllib.gae import AGENT_WEIGHTS
from remalis_agents.rllib.team_module import DRAWN_LOGP
from remalis_envs.diagnostics import partners_v0
from remalis_envs.team import TeamEnv

PARTNERS = "remalis/PartnersTeam-v0"
NO_LOSS = dict.fromkeys((f.name for f in dataclasses.fields(Losses)), 0.0)


def loop_of(**options) -> Loop:
    torch.manual_seed(3)
    config = config_for(PARTNERS, TeamEnv(partners_v0()), "remalis", normalise_values=False)
    model_config = {**config.rl_module_spec.model_config} if config.rl_module_spec.model_config else {}
    model_config |= {"network": "remalis", "options": options, "max_seq_len": 4, "subgoals": 3, "concepts": 3}
    return Loop(config.rl_module(model_config=model_config))


@pytest.fixture(scope="module")
def played():
    """A loop and episodes that were played with its weights."""
    loop = loop_of()
    return loop, loop.runner.sample(num_timesteps=40)


def advantages(loop, episodes):
    batch = loop.batch(episodes)
    counted = batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1) > 0
    targets = batch[Postprocessing.VALUE_TARGETS]
    return targets[counted], counted, loop.learner


def test_what_error_and_uncertainty_cost_is_taken_from_the_reward(played):
    """With gamma 0 a target is the reward less the costs, agent by agent and step by step."""
    loop, episodes = played
    found = []
    for costs in ({}, {"error_cost": 0.5}, {"error_cost": 1.0}, {"uncertainty_cost": 0.25}):
        other = loop_of(**costs)
        other.learner._gae.gamma = 0.0
        other.learner._gae.lambda_ = 0.0
        other.module.set_state(loop.module.get_state())
        targets, counted, learner = advantages(other, episodes)
        thought = learner._gae.looks["default_policy"][0].extras["thought"]
        found.append((targets, thought.error[counted], thought.uncertainty[counted]))
    plain, half, whole, unsure = (targets for targets, _, _ in found)
    torch.testing.assert_close(plain - half, 0.5 * found[0][1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(plain - whole, found[0][1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(plain - unsure, 0.25 * found[0][2], atol=1e-5, rtol=1e-4)
    assert not torch.equal(plain, whole)


def test_confusion_moves_once_for_each_step_that_was_collected():
    loop = loop_of()
    network = loop.module.network
    before = network.confusion.matrix.clone()
    episodes = loop.runner.sample(num_timesteps=40)
    batch = loop.batch(episodes)
    assert torch.equal(before, network.confusion.matrix), "frozen while it is learnt from"
    loop.learner._gae.looks.clear()
    steps = int((batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)).sum())
    seen = []
    observe = network.confusion.observe
    network.confusion.observe = lambda true, taken, weights: (
        seen.append(int(((weights > 0) & (true >= 0)).sum())),
        observe(true, taken, weights),
    )
    loop.update(episodes, epochs=3, minibatch_size=20)
    assert seen == [steps], "once, however many epochs and minibatches there are"
    assert (network.confusion.matrix.sum(-1) - 1.0).abs().max() < 1e-5, "all three symbols were seen"
    wrong = network.confusion.memory.sum()
    assert 0 < wrong <= steps and wrong == wrong.round()


def test_what_is_learnt_is_logged_under_its_name():
    loop = loop_of(gate_budget=0.5)
    figures = loop.update(loop.runner.sample(num_timesteps=40))
    names = {f"{f.name}_loss" for f in dataclasses.fields(Losses)} - {"modules_loss"}
    names |= {"belief_accuracy", "concept_accuracy", "received_bytes", "coordination_error"}
    names |= {"gate_share", "replan_share", "grounding_uncertainty_nats"}
    assert names <= set(figures)
    assert all(np.isfinite(figures[name]) for name in names)
    assert 0 <= figures["belief_accuracy"] <= 1 and figures["received_bytes"] > 0
    assert loop.module.network.gate.level != 0, "the gate learns what share of steps its level lets through"


def test_without_its_losses_it_is_the_same_networks_plain_ppo_bit_for_bit():
    """Removing the losses by their weights, or by taking the hook away, must give the same weights after updates."""
    weights = []
    for taken_away in (False, True):
        loop = loop_of(losses=NO_LOSS)
        if taken_away:
            loop.module.network.losses = lambda *given: {}
        torch.manual_seed(11)
        for _ in range(2):
            episodes = loop.runner.sample(num_timesteps=40)
            loop.update(episodes)
            loop.runner.module.set_state(loop.module.get_state(inference_only=True))
        weights.append(loop.module.state_dict())
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_each_losss_gradient_is_its_own():
    """The belief loss alone moves the channel; without any loss it moves by the policy's gradient alone."""
    moved = []
    for losses in (NO_LOSS, {**NO_LOSS, "belief": 1.0}):
        loop = loop_of(losses=losses)
        before = {k: v.clone() for k, v in loop.module.state_dict().items()}
        torch.manual_seed(11)
        loop.update(loop.runner.sample(num_timesteps=40))
        moved.append({k for k, v in loop.module.state_dict().items() if not torch.equal(v, before[k])})
    assert not any("belief" in k for k in moved[0]) and any("belief" in k for k in moved[1])
    assert any("channel" in k for k in moved[0]), "messages learn from the reward, too"


def test_it_learns_over_a_channel_that_is_slow_lossy_and_narrow():
    """Two iterations; before each what was played has the same probability as when it was played."""
    loop = loop_of(delay=2, drop_rate=0.2, byte_budget=400, gate_budget=0.5, rounds=2)
    before = {name: value.clone() for name, value in loop.module.state_dict().items()}
    for _ in range(2):
        episodes = loop.runner.sample(num_timesteps=46)
        batch = loop.batch(episodes)
        with torch.no_grad():
            out = loop.module.forward_train(batch)
        valid = batch[Columns.LOSS_MASK].bool()
        new = TeamCategorical(out[Columns.ACTION_DIST_INPUTS]).logp(batch[Columns.ACTIONS]) + out[DRAWN_LOGP]
        torch.testing.assert_close(new[valid], batch[Columns.ACTION_LOGP][valid], atol=1e-5, rtol=0)
        figures = loop.update(episodes)
        loop.runner.module.set_state(loop.module.get_state(inference_only=True))
        # RLlib logs its counts of parameters once, and nan afterwards.
        assert all(np.isfinite(value) for name, value in figures.items() if not name.startswith("num_"))
        assert 0.1 < figures["lost_share"] < 0.3 and 0 < figures["withheld_share"] < 1
        assert 0 < figures["received_bytes"] <= 400
    moved = {name for name, value in loop.module.state_dict().items() if not torch.equal(value, before[name])}
    assert any("channel" in name for name in moved) and any("announcement" in name for name in moved)
