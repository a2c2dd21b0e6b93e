"""The learner inside RLlib: the whole pipeline from episodes to losses, without starting Ray."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from loops import CHAIN, RING, Loop, config_for
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from toys import Chain, ring_team

from remalis_agents.networks import TeamInputs, network_class, network_names
from remalis_agents.rllib import TeamCategorical
from remalis_agents.rllib.gae import AGENT_REWARDS, AGENT_WEIGHTS
from remalis_agents.rllib.team_module import DRAWN_LOGP
from remalis_envs.team import TeamEnv


@pytest.fixture
def ring():
    return Loop(config_for(RING, ring_team()))


def test_truncation_bootstraps_through_the_whole_pipeline():
    """Values stuck at 10: the future at the horizon is worth gamma * 10 = 9 to who was cut off, 0 to who ended."""
    loop = Loop(config_for(CHAIN, TeamEnv(Chain()), gamma=0.9, normalise_values=False))
    for parameter in loop.module.network.value.body[-1].parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.constant_(loop.module.network.value.body[-1].bias, 10.0)
    batch = loop.batch(loop.runner.sample(num_episodes=2))
    targets = batch[Postprocessing.VALUE_TARGETS].numpy()
    rewards, mask = batch[AGENT_REWARDS].numpy(), batch[Columns.LOSS_MASK].numpy()
    first_end = int(np.flatnonzero(~mask)[0])
    assert first_end == 4, "an episode of four steps and the appended one"
    assert rewards[:5].tolist() == [[1, 1], [2, 2], [3, 0], [4, 0], [0, 0]]
    assert targets[3, 0] == pytest.approx(4 + 9.0)
    assert targets[1, 1] == pytest.approx(2.0), "the quitter terminated: no bootstrap"
    assert batch[AGENT_WEIGHTS].numpy()[:5].tolist() == [[1, 1], [1, 1], [1, 0], [1, 0], [0, 0]]


def test_a_chunk_cut_by_the_batch_bootstraps_from_its_next_observation(ring):
    """Sampling stops in mid-episode: the last target must hold the value of the step that comes next."""
    episodes = ring.runner.sample(num_timesteps=6)
    assert all(len(e) == 3 and not e.is_done for e in episodes)
    nexts = torch.as_tensor(episodes[0].get_observations(-1)["obs"])[None]
    reward = episodes[0].get_infos(-1)["agent_rewards"]
    batch = ring.batch(episodes)
    ones = torch.ones(1, 4)
    team = TeamInputs(nexts, ones, torch.ones(1, 4, 4), torch.ones(1, 4, 3))
    value = ring.module.network.values(team).detach()[0]
    np.testing.assert_allclose(batch[Postprocessing.VALUE_TARGETS][2], reward + 0.9 * value.numpy(), atol=1e-4)


PLAYERS = [*(name for name in network_names() if not network_class(name).value_based), "recurrent"]


@pytest.mark.parametrize("name", PLAYERS)
def test_new_log_probabilities_equal_stored_ones_before_the_first_update(name):
    """Gates, masks and memories included: what acted and what learns is the same function."""
    loop = Loop(config_for(RING, ring_team(), network=name))
    for horizon in (0, 1):  # the second batch begins in the middle of an episode
        episodes = loop.runner.sample(num_timesteps=46)
        batch = loop.batch(episodes)
        valid = batch[Columns.LOSS_MASK].bool()
        with torch.no_grad():
            out = loop.module.forward_train(batch)
        new = TeamCategorical(out[Columns.ACTION_DIST_INPUTS]).logp(batch[Columns.ACTIONS]) + out.get(DRAWN_LOGP, 0.0)
        torch.testing.assert_close(new[valid], batch[Columns.ACTION_LOGP][valid], atol=1e-5, rtol=0)
        assert int(valid.sum()) == sum(len(e) for e in episodes), "each with one step appended that does not count"
        assert horizon == 0 or any(e.t_started for e in episodes)


def test_states_are_kept_once_a_training_sequence():
    loop = Loop(config_for(RING, ring_team(), network="recurrent"))
    (episode, *_) = loop.runner.sample(num_timesteps=40)
    assert Columns.STATE_OUT not in episode.extra_model_outputs
    (kept,) = episode.custom_data.values()
    assert kept["memory"].shape == (len(episode) // 4 + 1, 4, 8)
    assert (kept["memory"][0] == 0).all() and (kept["memory"][1] != 0).any()


def test_offline_agents_do_not_train(ring):
    """Who was offline when it acted has weight 0: neither its advantage nor its ratio reaches the loss."""
    episodes = ring.runner.sample(num_timesteps=40)
    online = np.concatenate([np.stack([i["online"] for i in e.get_infos(slice(0, len(e)))]) for e in episodes])
    batch = ring.batch(episodes)
    valid = batch[Columns.LOSS_MASK].numpy()
    weights = batch[AGENT_WEIGHTS].numpy()
    assert np.array_equal(weights[valid], online)
    assert 0 < weights[valid].mean() < 1
    advantages = batch[Postprocessing.ADVANTAGES].numpy()
    assert (advantages * weights).sum() / weights.sum() == pytest.approx(0, abs=1e-4)
    assert (advantages**2 * weights).sum() / weights.sum() == pytest.approx(1, abs=1e-3)

    def loss(spoilt):
        out = ring.module.forward_train(batch)
        changed = dict(batch)
        absent = torch.as_tensor(weights) == 0
        if spoilt:
            changed[Postprocessing.ADVANTAGES] = batch[Postprocessing.ADVANTAGES].masked_fill(absent, 1e6)
            changed[Columns.ACTION_LOGP] = batch[Columns.ACTION_LOGP].masked_fill(absent, -1e4)
            changed[Postprocessing.VALUE_TARGETS] = batch[Postprocessing.VALUE_TARGETS].masked_fill(absent, 1e6)
        return ring.learner.compute_loss_for_module(
            module_id="default_policy", config=ring.config, batch=changed, fwd_out=out
        ).item()

    assert loss(spoilt=True) == pytest.approx(loss(spoilt=False), rel=1e-6)


def test_clipping_is_per_agent(ring):
    """One agent far outside the clip range must not silence the others' gradients."""
    batch = ring.batch(ring.runner.sample(num_timesteps=40))
    batch[Postprocessing.ADVANTAGES] = torch.ones_like(batch[Postprocessing.ADVANTAGES])
    batch[Columns.ACTION_LOGP] = batch[Columns.ACTION_LOGP].clone()
    batch[Columns.ACTION_LOGP][:, 0] -= 5.0
    out = ring.module.forward_train(batch)
    logits = out[Columns.ACTION_DIST_INPUTS]
    config = ring.config.copy(copy_frozen=False).training(vf_loss_coeff=0.0)
    loss = ring.learner.compute_loss_for_module(module_id="default_policy", config=config, batch=batch, fwd_out=out)
    entropy = TeamCategorical(logits).entropy()
    weights = batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)
    loss = loss + 0.01 * (entropy * weights).sum() / weights.sum()  # what remains is the policy term
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[:, 0].abs().max() < 1e-7
    assert gradient[:, 1:].abs().max() > 1e-4


def test_running_scale_of_returns():
    loop = Loop(config_for(RING, ring_team()))
    targets = []
    for _ in range(3):
        episodes = loop.runner.sample(num_timesteps=40)
        batch = loop.batch(episodes)
        weights = batch[AGENT_WEIGHTS]
        targets.append((batch[Postprocessing.VALUE_TARGETS] * weights).sum() / weights.sum())
        if len(targets) == 1:
            assert loop.module.returns.mean.item() == pytest.approx(targets[0].item(), abs=1e-4)
    mean = 0.9 * (0.9 * targets[0] + 0.1 * targets[1]) + 0.1 * targets[2]
    assert loop.module.returns.mean.item() == pytest.approx(mean.item(), abs=1e-4)
    everything = loop.module.get_state()
    assert float(everything["returns.mean"]) == pytest.approx(mean.item(), abs=1e-4), "part of the checkpoint"


def test_a_schedule_moves_the_learning_rate_and_gradients_are_clipped():
    loop = Loop(config_for(RING, ring_team(), lr=[[0, 1e-2], [100, 0.0]], grad_clip=1e-3))
    before = {k: v.clone() for k, v in loop.module.state_dict().items()}
    results = loop.learner.update(
        episodes=loop.runner.sample(num_timesteps=40),
        timesteps={"num_env_steps_sampled_lifetime": 50},
        num_epochs=1,
        minibatch_size=20,
    )
    (optimizer,) = loop.learner._named_optimizers.values()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(5e-3)
    assert any(not torch.equal(v, before[k]) for k, v in loop.module.state_dict().items())
    norms = [p.grad.norm() for p in loop.module.parameters() if p.grad is not None]
    assert torch.stack(norms).norm() <= 1e-3 + 1e-6
    assert results


def test_inputs_are_scaled_only_after_the_update():
    """The batch that acted unscaled is learnt from unscaled; the next one sees the moved statistics."""
    loop = Loop(config_for(RING, ring_team()))
    loop.batch(loop.runner.sample(num_timesteps=40))
    scale = loop.module.network.reader.scale
    assert scale.batches == 0
    loop.learner.after_gradient_based_update(timesteps={})
    assert scale.batches == 1
    assert scale.mean[:3].tolist() == pytest.approx([1 / 3] * 3, abs=0.15)
