"""Helpers that several tests of the web environment share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import remalis_envs
from tests.web.toy_tasks import ToyTasks


@pytest.fixture
def toy() -> Iterator[Any]:
    """The toy shop without a browser."""
    env = remalis_envs.web_v0(engine="model", tasks=ToyTasks())
    yield env
    env.close()


def legal_actions(observations: dict[str, Any], rng: np.random.Generator) -> dict[str, int]:
    """A random legal action for every agent."""
    return {
        agent: int(rng.choice(np.flatnonzero(observation["action_mask"])))
        for agent, observation in observations.items()
    }


def play(env: Any, observations: dict[str, Any], decisions: int, seed: int) -> str:
    """Random legal decisions; the digest of every observation, mask, reward and info on the way."""
    rng, digest = np.random.default_rng(seed), hashlib.sha256()
    for _ in range(decisions):
        if not env.agents:
            break
        observations, rewards, terminations, truncations, infos = env.step(legal_actions(observations, rng))
        for agent, observation in observations.items():
            digest.update(observation["observation"].tobytes() + observation["action_mask"].tobytes())
            digest.update(repr((rewards[agent], terminations[agent], truncations[agent], infos[agent])).encode())
    return digest.hexdigest()
