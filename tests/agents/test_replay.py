"""The value-based learner on a game with known Q-values: buffer, targets, target network, without starting Ray."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from replay_toys import LEGAL, NEXT, OFFLINE_REWARD, REWARDS, Table, Walk, known_q

from remalis_agents.registration import register_with_ray
from remalis_agents.rllib import TRAINABLES
from remalis_agents.rllib.gae import AGENT_REWARDS, AGENT_WEIGHTS
from remalis_agents.rllib.guards import LossError
from remalis_agents.rllib.replay import TeamReplayBuffer
from remalis_agents.rllib.replay.buffer import AGENT_DISCOUNTS
from remalis_agents.rllib.replay.learner import td_targets
from remalis_envs.team import TeamEnv

WALK = "replay_toys:Walk"
GAMMA = 0.8
EVERY = 10**9


class Loop:
    """An env runner, a buffer and a learner, as the algorithm has them."""

    def __init__(self, options=None, network="replay_toys:table", env_config=None, **training):
        register_with_ray(WALK)
        team = TeamEnv(Walk())
        settings = {"gamma": GAMMA, "lr": 0.05, "epsilon": 1.0, "target_update_every": 20, "minibatch_size": 32}
        self.config = (
            TRAINABLES["TeamReplay"]
            .get_default_config()
            .environment(
                WALK,
                env_config=env_config or {},
                observation_space=team.observation_space,
                action_space=team.action_space,
            )
            .env_runners(num_env_runners=0, num_envs_per_env_runner=3)
            .training(**{**settings, **training})
            .rl_module(model_config={"network": network, "options": options or {}})
            .debugging(seed=0, log_level="ERROR")
        )
        self.config.validate()
        torch.manual_seed(0)
        self.runner = SingleAgentEnvRunner(config=self.config, worker_index=0)
        self.learner = self.config.learner_class(
            config=self.config, module_spec=self.config.get_multi_rl_module_spec(spaces=self.runner.get_spaces())
        )
        self.learner.build()
        self.module = self.learner.module["default_policy"]
        self.buffer = TeamReplayBuffer(self.config.buffer_size, seed=0)

    def sample(self, steps):
        self.runner.module.set_state(self.module.get_state(inference_only=True))
        episodes = self.runner.sample(num_timesteps=steps)
        self.buffer.add(episodes)
        return episodes

    def learn(self, updates, env_steps=0):
        size = self.config.minibatch_size
        drawn = SampleBatch(self.buffer.sample(updates * size, self.config.gamma, self.config.n_step))
        return self.learner.update(
            batch=MultiAgentBatch({"default_policy": drawn}, env_steps=updates * size),
            timesteps={"num_env_steps_sampled_lifetime": env_steps},
            num_epochs=1,
            minibatch_size=size,
        )

    @property
    def q(self) -> np.ndarray:
        assert isinstance(self.module.network, Table)
        return self.module.network.learnt()


@pytest.mark.parametrize("training", [{}, {"double": False}, {"n_step": 3, "epsilon": 0.3}, {"tau": 0.05}])
def test_known_q_values_are_found(training):
    """With an early end, ends by time, illegal actions and an agent that is offline now and then."""
    loop = Loop(**training)
    for _ in range(7):
        loop.sample(150)
        loop.learn(110)
    expected, tolerance = known_q(GAMMA), 0.05
    if training.get("n_step", 1) == 1:
        # What is known is what was tried: an illegal action never is.
        np.testing.assert_allclose(loop.q[:, LEGAL > 0], expected[:, LEGAL > 0], atol=tolerance)
    else:
        # Returns over several steps hold what the players did there, so only the best action's value is kept.
        assert (np.where(LEGAL, loop.q, -np.inf).argmax(-1) == np.where(LEGAL, expected, -np.inf).argmax(-1)).all()


def test_an_end_by_time_is_no_end():
    """With episodes of one step nearly everything is cut off: values still hold the future."""
    loop = Loop(env_config={"horizon": 1, "offline": False})
    loop.sample(300)
    loop.learn(400)
    best = loop.q[:, 0].max(-1)
    # Only the first place is ever acted in, so the other two have no value yet, and standing still pays for ever.
    assert best == pytest.approx(0.1 / (1 - GAMMA), abs=0.02)


def test_double_targets_differ_from_the_maximum():
    online, target = torch.tensor([[[5.0, 0.0, 9.0]]]), torch.tensor([[[1.0, 3.0, 9.0]]])
    rewards, discounts, mask = torch.ones(1, 1), torch.full((1, 1), 0.5), torch.tensor([[[1, 1, 0]]])
    assert td_targets(rewards, discounts, online, target, mask, True).item() == 1 + 0.5 * 1.0
    assert td_targets(rewards, discounts, online, target, mask, False).item() == 1 + 0.5 * 3.0, "and 9 is illegal"


def test_the_learner_uses_the_kind_of_target_that_is_chosen():
    losses = {}
    for double in (True, False):
        loop = Loop(double=double, target_update_every=EVERY)
        generator = torch.manual_seed(3)
        loop.learner.target("default_policy").network.entries.weight.copy_(torch.randn(3, 6, generator=generator))
        with torch.no_grad():
            loop.module.network.entries.weight.copy_(torch.randn(3, 6, generator=generator))
        loop.sample(200)
        losses[double] = float(loop.learn(1)["default_policy"]["q_target_mean"].peek())
    assert losses[False] > losses[True] + 0.05, "the maximum over one network's own noise is too high"


def test_masked_actions_never_enter_a_target():
    """The one illegal action is worth a thousand to the table; nothing else may come to hear of it."""
    loop = Loop()
    illegal = np.argwhere(LEGAL == 0)
    assert len(illegal) == 1
    place, action = illegal[0]
    for network in (loop.module.network, loop.learner.target("default_policy").network):
        with torch.no_grad():
            network.entries.weight[action, place::3] = 1000.0
    loop.sample(300)
    for double in (True, False):
        loop.learner.config.double = double
        assert 0 < float(loop.learn(1)["default_policy"]["q_target_mean"].peek()) < REWARDS.max()
    assert (loop.q[:, place, action] == 1000.0).all()


def test_offline_agents_do_not_train():
    loop = Loop()
    episodes = loop.sample(300)
    online = np.concatenate([np.stack([i["online"] for i in e.get_infos(slice(0, len(e)))]) for e in episodes])
    alive = np.concatenate([e.get_observations(slice(0, len(e)))["alive"] for e in episodes])
    batch = loop.buffer.sample(5000, GAMMA)
    weights = batch[AGENT_WEIGHTS]
    assert weights.mean(0) == pytest.approx((alive * online).mean(0), abs=0.03)
    assert (batch[AGENT_REWARDS][weights > 0] > OFFLINE_REWARD / 2).all()
    assert (batch[AGENT_REWARDS][(weights == 0) & (batch[Columns.OBS]["alive"] > 0)] == OFFLINE_REWARD).all()


def test_the_buffer_gives_back_what_was_played():
    """Every step sampled is one of the game: place, action, reward, next place, and the end of the leaver's future."""
    loop = Loop(env_config={"offline": False})
    for _ in range(5):
        loop.sample(17)  # pieces that end in mid-episode
    batch = loop.buffer.sample(2000, GAMMA)
    places = batch[Columns.OBS]["obs"].reshape(-1, 2, 2, 3)
    nexts = batch[Columns.NEXT_OBS]["obs"].reshape(-1, 2, 2, 3)
    for agent in range(2):
        acting = batch[AGENT_WEIGHTS][:, agent] > 0
        place = places[acting, agent, agent].argmax(-1)
        action = batch[Columns.ACTIONS][acting, agent]
        np.testing.assert_allclose(batch[AGENT_REWARDS][acting, agent], REWARDS[place, action], atol=1e-6)
        ended = (place == 2) & (action == 1) & (agent == 0)
        np.testing.assert_allclose(batch[AGENT_DISCOUNTS][acting, agent], np.where(ended, 0.0, GAMMA), atol=1e-6)
        assert (nexts[acting, agent, agent].argmax(-1) == NEXT[place, action]).all()
        assert (batch[Columns.NEXT_OBS]["alive"][acting, agent] == ~ended).all()


def test_returns_over_several_steps():
    loop = Loop(env_config={"offline": False})
    (episode, *_) = loop.sample(60)
    buffer = TeamReplayBuffer(100)
    buffer.add([episode])
    rewards = np.stack([i["agent_rewards"] for i in episode.get_infos(slice(1, len(episode) + 1))])
    ends = np.stack([i["agent_terminations"] for i in episode.get_infos(slice(1, len(episode) + 1))])
    batch = buffer.sample(500, GAMMA, n_step=3)
    possible = set()
    for t in range(len(episode)):
        total, discount = np.zeros(2), np.ones(2)
        for k in range(t, min(t + 3, len(episode))):
            total += discount * rewards[k]
            discount *= GAMMA * (1 - ends[k])
        possible.add((*np.round(total, 4), *np.round(discount, 4)))
    drawn = np.concatenate([batch[AGENT_REWARDS], batch[AGENT_DISCOUNTS]], -1)
    assert {tuple(np.round(row, 4)) for row in drawn.astype(np.float64)} == {
        tuple(np.round(np.array(row, np.float32).astype(np.float64), 4)) for row in possible
    }


def test_a_full_buffer_forgets_the_oldest_and_stays_whole():
    loop = Loop(env_config={"offline": False}, buffer_size=120, learning_starts=50, train_batch_size_per_learner=40)
    for _ in range(12):
        loop.sample(40)
        batch = loop.buffer.sample(500, GAMMA)
        acting = batch[AGENT_WEIGHTS][:, 1] > 0
        place = batch[Columns.OBS]["obs"][acting, 1, 3:].argmax(-1)
        action = batch[Columns.ACTIONS][acting, 1]
        assert (batch[Columns.NEXT_OBS]["obs"][acting, 1, 3:].argmax(-1) == NEXT[place, action]).all()
    assert 80 <= len(loop.buffer) <= 120


def test_observations_are_stored_once():
    loop = Loop()
    episodes = [episode for _ in range(4) for episode in loop.sample(17)]
    steps = sum(len(episode) for episode in episodes)
    assert len(loop.buffer) == steps
    begun = len({episode.id_ for episode in episodes})
    assert len(episodes) > begun, "some were cut and went on"
    assert loop.buffer._written == steps + begun, "one row more than steps for each episode, however it was cut"


def test_a_buffer_is_saved_and_loaded(tmp_path):
    loop = Loop()
    loop.sample(100)
    loop.buffer.save(tmp_path / "buffer.npz")
    other = TeamReplayBuffer(loop.config.buffer_size, seed=7)
    other.load(tmp_path / "buffer.npz")
    loop.buffer._rng, other._rng = np.random.default_rng(1), np.random.default_rng(1)
    first, second = loop.buffer.sample(50, GAMMA), other.sample(50, GAMMA)
    assert len(other) == len(loop.buffer)
    assert all(np.array_equal(first[k], second[k]) for k in first if not isinstance(first[k], dict))
    assert np.array_equal(first[Columns.NEXT_OBS]["obs"], second[Columns.NEXT_OBS]["obs"])


def test_the_target_network_lags_and_is_copied_on_time():
    loop = Loop(target_update_every=5)
    loop.sample(100)
    start = loop.q
    loop.learn(4)
    target = loop.learner.target("default_policy").network
    assert np.array_equal(target.learnt(), start) and not np.array_equal(loop.q, start)
    loop.learn(1)
    assert np.array_equal(target.learnt(), loop.q)
    loop.learn(3)
    assert not np.array_equal(target.learnt(), loop.q)


def test_a_soft_target_network_follows_by_its_share():
    loop = Loop(tau=0.25)
    loop.sample(100)
    before = loop.q
    loop.learn(1)
    expected = before + 0.25 * (loop.q - before)
    np.testing.assert_allclose(loop.learner.target("default_policy").network.learnt(), expected, atol=1e-6)


def test_the_target_network_is_part_of_a_checkpoint():
    loop, other = Loop(target_update_every=5), Loop(target_update_every=5)
    loop.sample(100)
    loop.learn(7)
    other.learner.set_state(loop.learner.get_state())
    targets = [one.learner.target("default_policy").network.learnt() for one in (loop, other)]
    assert np.array_equal(*targets) and other.learner.updates == 7
    assert not np.array_equal(targets[0], loop.q)


def test_epsilon_follows_its_schedule():
    """By the team steps sampled so far; what is not drawn at random is the best legal action."""
    loop = Loop(epsilon=[[0, 1.0], [1000, 0.2]])
    with torch.no_grad():
        loop.module.network.entries.weight.copy_(torch.tensor([0.0, 1.0, 2.0]).unsqueeze(-1).expand(3, 6))
    obs = TeamEnv(Walk()).reset(seed=0)[0]
    batch = {Columns.OBS: {k: torch.as_tensor(v).expand(2000, *v.shape) for k, v in obs.items()}}
    for steps, epsilon in ((0, 1.0), (500, 0.6), (5000, 0.2)):
        actions = loop.module.forward_exploration(batch, t=steps)[Columns.ACTIONS]
        assert (actions != 2).float().mean().item() == pytest.approx(epsilon * 2 / 3, abs=0.03)
    assert (loop.module.forward_inference(batch)[Columns.ACTIONS] == 2).all()
    obs["action_mask"][:, 2] = 0
    batch = {Columns.OBS: {k: torch.as_tensor(v).expand(500, *v.shape) for k, v in obs.items()}}
    assert set(loop.module.forward_exploration(batch, t=0)[Columns.ACTIONS].unique().tolist()) == {0, 1}


def test_a_schedule_moves_the_learning_rate():
    loop = Loop(lr=[[0, 1e-2], [100, 0.0]])
    loop.sample(100)
    loop.learn(1, env_steps=50)
    (optimizer,) = loop.learner._named_optimizers.values()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(5e-3)


def test_levels_of_a_network_learn_in_turns():
    """What rests does not move at all, not even by the optimiser's momentum."""
    loop = Loop(network="ltos", options={"low_updates": 2, "high_updates": 1})
    loop.sample(100)
    for update in range(6):
        before = {name: value.detach().clone() for name, value in loop.module.network.named_parameters()}
        loop.learn(1)
        moved = {name for name, value in loop.module.network.named_parameters() if not torch.equal(value, before[name])}
        high = {name for name in before if name.startswith("sharing.")}
        assert moved and (moved <= high if update % 3 == 2 else not moved & high)


def test_shared_rewards_are_what_is_learnt_from():
    targets = {}
    for share in (None, lambda output, rewards: 10 * rewards):
        loop = Loop(target_update_every=EVERY, env_config={"offline": False})
        if share is not None:
            loop.module.network.share_rewards = share
        loop.sample(100)
        targets[share is None] = float(loop.learn(1)["default_policy"]["q_target_mean"].peek())
    assert targets[False] == pytest.approx(10 * targets[True], rel=1e-4), "the table begins at 0"


def test_a_reward_scope_pays_the_team():
    loop = Loop(reward_scope="team", env_config={"offline": False})
    team = TeamReplayBuffer(1000, reward_scope=loop.config.reward_scope)
    team.add(loop.sample(200))
    batch = team.sample(500, GAMMA)
    both = batch[Columns.OBS]["alive"].all(-1)
    assert (batch[AGENT_REWARDS][both, 0] == batch[AGENT_REWARDS][both, 1]).all()
    assert loop.buffer.sample(500, GAMMA)[AGENT_REWARDS].std(1).max() > 0.1, "on their own they differ"


def test_a_loss_that_is_no_number_stops_with_the_name_of_its_term(tmp_path):
    loop = Loop()
    loop.learner.config.failures_in = str(tmp_path)
    loop.sample(100)
    with torch.no_grad():
        loop.module.network.entries.weight.fill_(torch.nan)
    with pytest.raises(LossError, match="not a finite number: td_loss"):
        loop.learn(1)
    assert list(tmp_path.glob("*.pt"))


@pytest.mark.parametrize(
    ("training", "says"),
    [
        ({"buffer_size": 500, "learning_starts": 1000}, "must hold learning_starts"),
        ({"tau": 0.0}, "tau must be above 0"),
        ({"n_step": 0}, "n_step"),
    ],
)
def test_settings_that_cannot_be_are_a_sentence(training, says):
    with pytest.raises(ValueError, match=says):
        Loop(**training)
