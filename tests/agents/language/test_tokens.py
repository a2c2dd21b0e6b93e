"""From the environment to tokens, and tokens among a team's observations."""

from __future__ import annotations

import os
import signal
import warnings

import numpy as np
import pytest

from remalis_agents.language.options import LanguageModelError
from remalis_agents.language.tokens import TeamTexts, load_tokenizer
from remalis_agents.language.watching import TEXT, with_texts
from remalis_agents.registration import make_team_env
from remalis_envs.diagnostics import partners_v0
from remalis_envs.registration import make_traffic_team
from remalis_envs.traffic.network.model import MAX_PHASES

SHORT = {"level": "easy", "horizon_s": 20}


class Talker:
    """Three agents, of whose two actions both are legal."""

    possible_agents = ("a", "b", "c")
    extra: tuple[str, ...] = ()

    def describe(self, agent):
        return f"I am {agent}."

    def action_texts(self, agent):
        return ["wait", "go", *self.extra]


@pytest.fixture
def texts(llama):
    return TeamTexts(llama, 64, 2)


def test_who_is_not_there_reads_nothing(texts):
    tokens = texts(Talker(), np.array([1.0, 0.0, 1.0, 0.0]), np.ones((4, 2), np.int8))
    assert tokens.shape == (4, 64) and tokens.dtype == np.int32
    assert not tokens[[1, 3]].any()
    assert texts.decode(tokens[2]) == "I am c.\nActions:\n A: wait\n B: go\nBest action:"
    first = int((tokens[0] > 0).argmax())
    assert (tokens[0][first:] > 0).all(), "at the end of its row"


def test_an_environment_must_describe_itself_and_every_legal_action(texts):
    with pytest.raises(LanguageModelError, match=r"describes itself.* but Partners has none"):
        texts(partners_v0(), np.ones(4), np.ones((4, 2), np.int8))
    odd = Talker()
    odd.extra = ("stay",)
    with pytest.raises(LanguageModelError, match=r"gives 3 action_texts for the 2 legal actions of 'a'"):
        texts(odd, np.ones(3), np.ones((3, 2), np.int8))


def test_a_folder_without_a_tokenizer(tmp_path):
    with pytest.raises(LanguageModelError, match=r"holds no tokenizer that transformers can load"):
        load_tokenizer(tmp_path)


def test_a_light_reads_what_describe_says_and_its_actions(llama):
    env = with_texts(make_traffic_team(**SHORT), {"path": str(llama), "max_tokens": 1024})
    texts = TeamTexts(llama, 1024, MAX_PHASES)
    observation, _ = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    own = env.unwrapped.parallel_env
    over = False
    while not over:
        for row, agent in enumerate(own.possible_agents):
            said = texts.decode(observation["tokens"][row])
            assert said.startswith(own.describe(agent))
            legal = np.flatnonzero(observation["action_mask"][row])
            for index, action in zip(legal, own.action_texts(agent), strict=True):
                assert f"\n {chr(ord('A') + index)}: {action}\n" in said
        observation, _, _, over, info = env.step(observation["action_mask"].argmax(-1))
    assert "metrics" in info and (observation["tokens"] > 0).any(-1).all(), "the last view has a value, too"
    env.close()


def test_too_long_texts_are_told_once(llama):
    env = make_team_env("remalis/TrafficTeam-v0", {**SHORT, TEXT: {"path": str(llama), "max_tokens": 160}})
    with pytest.warns(RuntimeWarning, match=r"max_tokens 160: the middle of such texts is left out") as told:
        observation, _ = env.reset(seed=3)
    assert len([w for w in told if "max_tokens" in str(w.message)]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env.step(observation["action_mask"].argmax(-1))
    env.close()


def test_several_scenarios_are_read_one_after_the_other(llama):
    """A mixture plays another environment at each reset: its texts come along."""
    scenarios = [{"level": "easy"}, {"level": "easy", "network_seed": 5}]
    text = {"path": str(llama), "max_tokens": 256}
    env = make_team_env("remalis/TrafficTeam-v0", {"horizon_s": 20, "scenarios": scenarios, TEXT: text})
    texts = TeamTexts(llama, 256, MAX_PHASES)
    for _ in range(2):
        observation, _ = env.reset(seed=1)
        own = env.unwrapped.parallel_env
        fresh = texts(own, observation["alive"], observation["action_mask"])
        assert np.array_equal(observation["tokens"], fresh)
    env.close()


def test_an_episode_that_broke_off_says_nothing_more(llama):
    env = with_texts(make_traffic_team(level="easy", backend="worker"), {"path": str(llama), "max_tokens": 256})
    observation, _ = env.reset(seed=0)
    os.kill(env.unwrapped.parallel_env._backend.simulator_pid, signal.SIGKILL)
    observation, _, _, truncated, info = env.step(observation["action_mask"].argmax(-1))
    assert truncated and info["infra_error"] and not observation["tokens"].any()
    env.close()
