"""Pages as text: in page order, short enough for a small language model."""

from __future__ import annotations

import re

import numpy as np
import pytest

import remalis_envs
from remalis_envs.web.actions import FIRST_CANDIDATE
from tests.web.conftest import legal_actions

TOKENS = 1_300


@pytest.mark.parametrize("level", ["medium", "hard"])
def test_an_observation_is_short_and_in_page_order(level: str) -> None:
    env = remalis_envs.web_v0(level, engine="model")
    rng, longest = np.random.default_rng(0), 0
    for seed in range(3):
        observations, _ = env.reset(seed=seed)
        for _ in range(15):
            for agent in env.agents:
                text = env.describe(agent)
                longest = max(longest, len(re.findall(r"\w{1,6}|[^\w\s]", text)))
                numbers = [int(number) for number in re.findall(r"^\[(\d+)\]", text, re.MULTILINE)]
                legal = np.flatnonzero(observations[agent]["action_mask"])
                assert numbers == [number for number in legal if number >= FIRST_CANDIDATE]
                assert numbers == sorted(numbers) and env.task.instruction in text
            observations, *_ = env.step(legal_actions(observations, rng))
    assert 200 < longest < TOKENS
