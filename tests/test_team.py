"""The team view: stacking, padding, ends and errors."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from pettingzoo import ParallelEnv

from remalis_envs.errors import NoEpisodeError, TeamError
from remalis_envs.team import NO_OUTCOME, NotFiniteError, TeamEnv

sys.path.insert(0, str(Path(__file__).parent / "agents"))
from toys import Chain, Ring


@pytest.mark.parametrize("max_agents", [None, 6])
def test_gymnasium_accepts_the_team_view(max_agents):
    check_env(TeamEnv(Ring(), max_agents), skip_render_check=True)
    check_env(TeamEnv(Chain(quitter=False), max_agents), skip_render_check=True)


def test_rows_follow_possible_agents_and_padding_is_dead():
    env = TeamEnv(Ring(agents=4), max_agents=6)
    observation, info = env.reset(seed=3)
    assert observation["obs"].shape == (6, 4)
    assert observation["alive"].tolist() == [1, 1, 1, 1, 0, 0]
    assert observation["obs"][:4, :3].argmax(1).tolist() == env.parallel_env.symbols.tolist()
    assert not observation["obs"][4:].any()
    assert observation["action_mask"][4:].tolist() == [[1, 0, 0]] * 2, "one legal action, so that nothing is NaN"
    assert info["online"][4:].tolist() == [0, 0]
    assert info["subgoals"].tolist() == [*env.parallel_env.symbols.tolist(), NO_OUTCOME, NO_OUTCOME]
    ring = env.parallel_env.adjacency()
    assert np.array_equal(observation["adjacency"][:4, :4], ring)
    assert not observation["adjacency"][4:].any() and not observation["adjacency"][:, 4:].any()


def test_reward_is_the_mean_over_living_agents_and_info_keeps_each():
    env = TeamEnv(Ring(agents=4), max_agents=7)
    observation, _ = env.reset(seed=0)
    action = observation["obs"][:, :3].argmax(1)
    action[1] = (action[1] + 1) % 3
    _, reward, *_, info = env.step(action)
    assert info["agent_rewards"].tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert reward == pytest.approx(0.75)


def test_time_limit_truncates_and_brings_the_metrics():
    env = TeamEnv(Ring(agents=2, horizon=3))
    env.reset(seed=0)
    for t in range(3):
        observation, _, terminated, truncated, info = env.step(np.zeros(2, int))
        assert not terminated
        assert truncated == (t == 2)
        assert ("metrics" in info) == (t == 2)
    assert set(info["metrics"]) == {"right_share", "illegal_count"}
    assert observation["alive"].tolist() == [1, 1], "cut off by time is not dead: its value is bootstrapped"
    with pytest.raises(NoEpisodeError, match="after each end"):
        env.step(np.zeros(2, int))


def test_an_agent_that_terminates_is_dead_and_the_team_goes_on():
    env = TeamEnv(Chain(horizon=4))
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    observation, reward, terminated, truncated, info = env.step(np.zeros(2, int))
    assert (terminated, truncated) == (False, False)
    assert observation["alive"].tolist() == [1, 0]
    assert info["agent_terminations"].tolist() == [0, 1]
    assert reward == pytest.approx(2.0)
    observation, reward, *_, info = env.step(np.zeros(2, int))
    assert info["agent_rewards"].tolist() == [3, 0]
    assert reward == pytest.approx(3.0), "the mean is over who was there"


def test_a_team_that_terminates_together_is_terminated():
    env = TeamEnv(Chain(horizon=2, quitter=False, all_terminate=True))
    env.reset()
    env.step(np.zeros(2, int))
    *_, terminated, truncated, _ = env.step(np.zeros(2, int))
    assert (terminated, truncated) == (True, False)


@pytest.mark.parametrize("told", ["by the environment", "in infos"])
def test_fault_of_the_machinery_is_passed_on(told):
    class Broken(Ring):
        infra_error = "simulator died" if told == "by the environment" else ""

        def step(self, actions):
            observations, rewards, ends, cuts, infos = super().step(actions)
            self.agents = []
            for info in infos.values():
                info["infra_error"] = False
            infos["ring_0"]["infra_error"] = True if self.infra_error else "simulator died"
            return observations, rewards, ends, dict.fromkeys(cuts, True), infos

    env = TeamEnv(Broken())
    env.reset(seed=0)
    *_, terminated, truncated, info = env.step(np.zeros(4, int))
    assert (terminated, truncated) == (False, True)
    assert info["infra_error"] == "simulator died"


def test_same_seed_same_episode():
    def play():
        env = TeamEnv(Ring())
        observation, _ = env.reset(seed=11)
        seen = [observation["obs"].tobytes()]
        for _ in range(10):
            observation, reward, *_ = env.step(np.ones(4, int))
            seen.append((observation["obs"].tobytes(), reward))
        return seen

    assert play() == play()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TeamEnv(Ring(agents=4), max_agents=3), "max_agents=4"),
        (lambda: TeamEnv(Ring(agents=0)), "no agents"),
    ],
)
def test_what_cannot_be_a_team_is_refused_in_a_sentence(make, says):
    with pytest.raises(TeamError, match=says):
        make()


def test_agents_with_different_spaces_are_refused():
    class Mixed(Ring):
        def action_space(self, agent):
            return super().action_space(agent) if agent == "ring_0" else Chain().action_space("stayer")

    with pytest.raises(TeamError, match="'ring_1' differ from 'ring_0'"):
        TeamEnv(Mixed())


def test_step_before_reset_and_wrong_shape_are_errors():
    env = TeamEnv(Ring())
    with pytest.raises(NoEpisodeError, match="reset"):
        env.step(np.zeros(4, int))
    env.reset()
    with pytest.raises(TeamError, match=r"shape \(4,\)"):
        env.step(np.zeros(3, int))


def test_the_layout_describes_the_vector_that_is_shown():
    from remalis_envs import traffic_v0
    from remalis_envs.traffic.observations import LAYOUT

    assert TeamEnv(Ring()).layout is None
    assert TeamEnv(traffic_v0(level="easy")).layout is LAYOUT
    assert TeamEnv(traffic_v0(level="easy", observation="sumo_rl")).layout is None


class Leaving(ParallelEnv):
    """``early`` is cut off by time at step 1, ``late`` terminates at step 3; ``forgets`` leaves a reward out."""

    metadata = {"name": "leaving_v0", "render_modes": []}
    possible_agents = ["early", "late"]

    def __init__(self, forgets: bool = False) -> None:
        self.agents, self.forgets = [], forgets
        self._space, self._actions = spaces.Box(0.0, 9.0, (1,), np.float32), spaces.Discrete(2)

    def observation_space(self, agent):
        return self._space

    def action_space(self, agent):
        return self._actions

    def reset(self, seed=None, options=None):
        self.t, self.agents = 0, list(self.possible_agents)
        return {a: np.ones(1, np.float32) for a in self.agents}, {a: {} for a in self.agents}

    def step(self, actions):
        self.t += 1
        acted = self.agents
        rewards = {a: 1.0 for a in acted if not (self.forgets and a == "late")}
        ends, cuts = {a: self.t == 3 for a in acted}, {a: a == "early" for a in acted}
        self.agents = [a for a in acted if not ends[a] and not cuts[a]]
        return {a: np.full(1, self.t, np.float32) for a in acted}, rewards, ends, cuts, {a: {} for a in acted}


def test_an_agent_that_time_cuts_off_alone_is_gone_and_its_team_did_not_terminate():
    env = TeamEnv(Leaving())
    env.reset(seed=0)
    observation, _, terminated, truncated, _ = env.step(np.zeros(2, np.int64))
    assert not terminated and not truncated
    assert observation["alive"].tolist() == [0, 1], "what its row does from now on is nobody's choice"
    assert observation["obs"][0] == 1, "but its last observation is there to be valued"
    env.step(np.zeros(2, np.int64))
    *_, terminated, truncated, _ = env.step(np.zeros(2, np.int64))
    assert not terminated and truncated, "not everybody's future ended"


def test_an_environment_that_leaves_agents_out_is_told_so():
    env = TeamEnv(Leaving(forgets=True))
    env.reset(seed=0)
    with pytest.raises(TeamError, match=r"left out late: it must give a reward"):
        env.step(np.zeros(2, np.int64))


class Spoilt(Ring):
    """Gives agent ``ring_2`` something that is no number at step ``at``; 0 is the reset."""

    def __init__(self, what, value, at):
        super().__init__()
        self.what, self.value, self.at = what, value, at

    def _spoil(self, observations):
        if self.what == "observation" and self.t == self.at:
            observations["ring_2"]["observation"][1] = self.value
        return observations

    def reset(self, seed=None, options=None):
        observations, infos = super().reset(seed, options)
        return self._spoil(observations), infos

    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        if self.what == "reward" and self.t == self.at:
            rewards["ring_2"] = self.value
        return self._spoil(observations), rewards, *rest


@pytest.mark.parametrize(
    ("what", "value", "at", "says"),
    [
        ("reward", float("nan"), 3, "Agent 'ring_2' was given a reward of nan at step 3 of the episode"),
        ("reward", float("-inf"), 1, "a reward of -inf at step 1"),
        ("observation", float("nan"), 2, "Agent 'ring_2' was given an observation with nan at index 1 at step 2"),
        ("observation", float("inf"), 0, "with inf at index 1 at the reset"),
    ],
)
def test_what_is_no_number_stops_with_the_agent_and_the_step(what, value, at, says):
    env = TeamEnv(Spoilt(what, value, at), max_agents=6)
    with pytest.raises(NotFiniteError, match=says) as caught:
        for env.parallel_env.at in (None, at):  # the second episode counts its steps anew
            env.reset(seed=0)
            for _ in range(4):
                env.step(np.zeros(6, int))
    assert "\n" not in str(caught.value)
