"""The adapter to RLlib's multi-agent algorithms, bug by bug of the one that Ray ships.

Each test shows that ours is right. Where that is cheap it also asserts that Ray's is wrong: where such an assertion
fails, Ray has mended the bug, and that part of the test (and perhaps of the adapter) can go.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from toys import Chain, Ring

from remalis_agents.rllib.multi_agent_env import KeepTruncation, ParallelMultiAgentEnv
from remalis_envs.traffic import traffic_v0

pytestmark = pytest.mark.ray
MENDED = "Ray's own ParallelPettingZooEnv does this right by now: drop this assertion"
VALUE, GAMMA = 10.0, 0.9


def rays(env):
    from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv

    return ParallelPettingZooEnv(env)


class Unpaid(Chain):
    """A chain whose steps are worth nothing, so that a target is what comes after it."""

    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, dict.fromkeys(rewards, 0.0), *rest


class Newcomers(Chain):
    """Only one agent is there at first; the other comes at step 1."""

    def reset(self, seed=None, options=None):
        super().reset(seed, options)
        self.agents = ["stayer"]
        return {"stayer": np.ones(2, np.float32)}, {"stayer": {}, "elsewhere": {"odd": 1}}

    def step(self, actions):
        results = super().step(actions)
        if self.t == 1:
            self.agents = ["stayer", "quitter"]
            results[0]["quitter"] = np.ones(2, np.float32)
        return results


class Counted(Chain):
    """Counts its resets, and keeps the dicts that it returned."""

    resets = 0
    render_mode = "rgb_array"
    closed = False

    def reset(self, seed=None, options=None):
        self.resets += 1
        self.seed = seed
        return super().reset(seed, options)

    def step(self, actions):
        self.returned = super().step(actions)
        return self.returned

    def render(self):
        return np.full((2, 3, 3), self.t, np.uint8)

    def close(self):
        self.closed = True


def act(env):
    return {agent: 0 for agent in env.agents}


def algorithm(env_maker, callbacks=None, **training):
    """Stock PPO with a policy for each agent, whose value is 10 everywhere."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.tune.registry import register_env

    class Ten(DefaultPPOTorchRLModule):
        def compute_values(self, batch, embeddings=None):
            return torch.full((len(batch["obs"]),), VALUE)

    register_env("toy", lambda context: env_maker())
    config = (
        PPOConfig()
        .environment("toy")
        .env_runners(num_env_runners=0)
        .multi_agent(policies=set(env_maker().possible_agents), policy_mapping_fn=lambda agent, episode, **_: agent)
        .training(gamma=GAMMA, lambda_=0.0, train_batch_size=8, minibatch_size=8, num_epochs=1, **training)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=Ten))
    )
    return (config.callbacks(callbacks) if callbacks else config).build_algo()


def last_targets(env_maker, callbacks=None):
    """The value target of each agent's last step, by agent, and the episode."""
    algo = algorithm(env_maker, callbacks)
    try:
        (episode,) = algo.env_runner.sample(num_episodes=1)
        learner = algo.learner_group._learner
        batch = learner._learner_connector(
            rl_module=learner.module, batch={}, episodes=[episode], shared_data={}, metrics=learner.metrics
        )
        # The connector has appended a step to each.
        return {agent: float(batch[agent]["value_targets"][-2]) for agent in batch}, episode
    finally:
        algo.stop()


def test_b1_a_time_limit_is_no_end(ray_session):
    """RLlib records a team that is cut off as terminated, and nothing is bootstrapped: 0 instead of 9."""
    ours, episode = last_targets(lambda: ParallelMultiAgentEnv(Unpaid(quitter=False)), KeepTruncation)
    assert ours == pytest.approx({"stayer": GAMMA * VALUE, "quitter": GAMMA * VALUE})
    assert (episode.is_terminated, episode.is_truncated) == (False, True)
    rays_own, _ = last_targets(lambda: rays(Unpaid(quitter=False)))
    assert rays_own == pytest.approx({"stayer": 0.0, "quitter": 0.0}), MENDED


def test_b1_who_really_terminates_is_not_bootstrapped(ray_session):
    ours, episode = last_targets(lambda: ParallelMultiAgentEnv(Unpaid(all_terminate=True)), KeepTruncation)
    assert ours == pytest.approx({"stayer": 0.0, "quitter": 0.0})
    assert (episode.is_terminated, episode.is_truncated) == (True, False)


def test_b2_agents_stand_in_the_order_of_possible_agents():
    code = """
from toys import Ring
from remalis_agents.rllib.multi_agent_env import ParallelMultiAgentEnv as Ours
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv as Rays
ring = Ring(6)
ours = Ours(ring)
observations, _ = ours.reset(seed=0)
assert ours.possible_agents == ours.agents == ring.possible_agents
assert list(ours.observation_spaces) == list(observations) == ring.possible_agents
print(Rays(Ring(6)).possible_agents == ring.possible_agents)
"""
    wrong = 0
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)
        assert done.returncode == 0, done.stderr
        wrong += "False" in done.stdout
    assert wrong, MENDED


def test_b3_spaces_are_those_of_everybody_who_may_ever_appear():
    ours = ParallelMultiAgentEnv(Newcomers())
    assert ours.possible_agents == ["stayer", "quitter"]
    assert set(ours.observation_space.spaces) == set(ours.action_space.spaces) == {"stayer", "quitter"}
    assert ours.get_observation_space("quitter") == Chain().observation_space("quitter")
    assert rays(Newcomers()).possible_agents == ["stayer"], MENDED


def test_b3_agents_come_and_go():
    ours, theirs = ParallelMultiAgentEnv(Newcomers()), rays(Chain())
    observations, infos = ours.reset()
    assert ours.agents == ["stayer"]
    assert set(infos) <= set(observations), "RLlib refuses infos of agents that it does not see"
    observations, *_ = ours.step(act(ours))
    assert ours.agents == ["stayer", "quitter"]
    assert list(observations) == ["stayer", "quitter"]
    ours.step(act(ours))
    assert ours.agents == ["stayer"], "the quitter has left"
    theirs.reset()
    theirs.step({"stayer": 0, "quitter": 0})
    theirs.step({"stayer": 0, "quitter": 0})
    assert set(theirs.agents) == {"stayer", "quitter"}, MENDED


def test_b4_a_mixed_end_ends_the_episode(ray_session):
    """In the last step one agent terminates and the other is cut off."""
    ours, theirs = ParallelMultiAgentEnv(Chain(horizon=2)), rays(Chain(horizon=2))
    for env in (ours, theirs):
        env.reset()
        env.step({"stayer": 0, "quitter": 0})
    _, _, terminated, truncated, _ = ours.step({"stayer": 0, "quitter": 0})
    assert terminated == {"stayer": False, "quitter": True, "__all__": False}
    assert truncated == {"stayer": True, "quitter": False, "__all__": True}
    _, _, terminated, truncated, _ = theirs.step({"stayer": 0, "quitter": 0})
    assert not terminated["__all__"], MENDED
    assert not truncated["__all__"], MENDED
    targets, episode = last_targets(lambda: ParallelMultiAgentEnv(Unpaid(horizon=2)), KeepTruncation)
    assert targets == pytest.approx({"stayer": GAMMA * VALUE, "quitter": 0.0})
    assert (episode.is_terminated, episode.is_truncated) == (False, True)


def test_b4_who_left_earlier_does_not_change_how_the_others_end(ray_session):
    targets, _ = last_targets(lambda: ParallelMultiAgentEnv(Unpaid(horizon=4)), KeepTruncation)
    assert targets == pytest.approx({"stayer": GAMMA * VALUE, "quitter": 0.0})


def test_b5_render_gives_a_picture():
    ours = ParallelMultiAgentEnv(Counted())
    ours.reset()
    ours.step(act(ours))
    assert ours.render_mode == "rgb_array"
    assert (ours.render() == 1).all()
    with pytest.raises(TypeError):
        rays(Counted()).render()
        pytest.fail(MENDED)


def test_b6_nothing_is_reset_unasked_and_nothing_written_into_the_environments_own():
    env = Counted()
    ours = ParallelMultiAgentEnv(env, seed_offset=100)
    assert env.resets == 0
    ours.reset(seed=5)
    assert (env.resets, env.seed) == (1, 105)
    ours.step(act(ours))
    assert not any("__all__" in part for part in env.returned)
    ours.metadata["autoreset_mode"] = "next_step"  # as RLlib's vector environment does
    assert "autoreset_mode" not in Counted.metadata
    ours.close()
    assert env.closed
    other = Counted()
    theirs = rays(other)
    assert other.resets == 1, MENDED
    theirs.reset()
    theirs.step({"stayer": 0, "quitter": 0})
    assert any("__all__" in part for part in other.returned), MENDED


def test_traffic_plays_an_episode_through_it():
    env = ParallelMultiAgentEnv(traffic_v0(level="easy", horizon_s=20, render_mode="rgb_array"))
    try:
        observations, _ = env.reset(seed=0)
        over = False
        while not over:
            assert all(env.get_observation_space(a).contains(o) for a, o in observations.items())
            actions = {a: np.int64(np.flatnonzero(o["action_mask"])[0]) for a, o in observations.items()}
            observations, rewards, terminated, truncated, _ = env.step(actions)
            over = terminated["__all__"] or truncated["__all__"]
        assert env.render().ndim == 3
        assert truncated["__all__"] and not terminated["__all__"] and len(rewards) == 9
        assert env.agents == []
    finally:
        env.close()


def test_stock_ppo_trains_on_it(ray_session):
    algo = algorithm(lambda: ParallelMultiAgentEnv(Plain(3)), KeepTruncation)
    try:
        result = algo.train()
    finally:
        algo.stop()
    assert result["env_runners"]["num_env_steps_sampled_lifetime"] >= 8
    assert np.isfinite(result["learners"]["ring_0"]["policy_loss"])


class Plain(Ring):
    """A ring without action masks, which stock PPO does not know."""

    def observation_space(self, agent):
        return super().observation_space(agent)["observation"]

    def _draw(self):
        observations, infos = super()._draw()
        return {agent: own["observation"] for agent, own in observations.items()}, infos


def test_ray_knows_it_by_name():
    from ray.tune.registry import ENV_CREATOR, _global_registry

    class Context(dict):
        worker_index = 2

    env = _global_registry.get(ENV_CREATOR, "remalis/TrafficMultiAgent-v0")(Context(level="easy", horizon_s=20))
    assert isinstance(env, ParallelMultiAgentEnv)
    assert env.possible_agents == traffic_v0(level="easy").possible_agents
    assert env._seed_offset > 0, "runners play different episodes"
