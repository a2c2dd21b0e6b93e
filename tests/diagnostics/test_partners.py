"""Partners: what PettingZoo and Gymnasium ask of an environment, and that only who hears can know."""

from __future__ import annotations

import gymnasium
import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

import remalis_envs
from remalis_envs.errors import NoEpisodeError, TeamError


def test_conformance():
    parallel_api_test(remalis_envs.partners_v0(), num_cycles=100)
    parallel_seed_test(remalis_envs.partners_v0)
    check_env(gymnasium.make("remalis/PartnersTeam-v0", symbols=2).unwrapped, skip_render_check=True)
    assert pettingzoo.make("parallel", "remalis/partners-v0", agents=6).possible_agents[-1] == "partner_5"


def test_who_names_its_partners_symbol_is_always_right():
    env = remalis_envs.partners_v0(agents=6, symbols=4, horizon=50)
    partners = set()
    for seed in range(5):
        observations, _ = env.reset(seed=seed)
        links = env.adjacency()
        assert (links == links.T).all() and (links.sum(0) == 1).all() and not links.diagonal().any()
        partners.add(links.tobytes())
        while env.agents:
            seen = np.stack([own["observation"][:4] for own in observations.values()]).argmax(1)
            answers = dict(zip(env.agents, seen[links.argmax(1)].tolist(), strict=True))
            observations, rewards, _, truncations, _ = env.step(answers)
            assert set(rewards.values()) == {1.0}
        assert all(truncations.values())
        assert env.metrics() == {"right_share": 1.0}
    assert len(partners) > 1, "partners are drawn anew"


def test_the_own_symbol_says_nothing_about_the_partners():
    env = remalis_envs.partners_v0(horizon=4000)
    observations, _ = env.reset(seed=0)
    for answer in range(3):  # whatever rule a silent agent follows, it maps the own symbol to an answer
        while env.agents:
            seen = {agent: own["observation"][:3].argmax() for agent, own in observations.items()}
            observations, *_ = env.step({agent: int(symbol + answer) % 3 for agent, symbol in seen.items()})
        assert env.metrics()["right_share"] == pytest.approx(1 / 3, abs=0.015)
        observations, _ = env.reset()


def test_bad_arguments_are_refused():
    for options in ({"agents": 3}, {"symbols": 1}, {"horizon": 0}):
        with pytest.raises(TeamError, match="even number"):
            remalis_envs.partners_v0(**options)
    with pytest.raises(NoEpisodeError, match="reset"):
        remalis_envs.partners_v0().step({})
