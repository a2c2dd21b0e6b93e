"""Helpers that several traffic tests share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import remalis_envs
from remalis_envs.traffic.network.plan import Road, RoadPlan, convert

LEVELS = ("easy", "medium", "hard", "hell")


@pytest.fixture
def easy() -> Iterator[Any]:
    """A fresh environment of the easy level."""
    env = remalis_envs.traffic_v0(level="easy", horizon_s=600)
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
        observations, rewards, terminations, truncations, infos = env.step(legal_actions(observations, rng))
        for agent, observation in observations.items():
            digest.update(observation["observation"].tobytes() + observation["action_mask"].tobytes())
            digest.update(repr((rewards[agent], terminations[agent], truncations[agent], infos[agent])).encode())
    return digest.hexdigest()


def star(folder: Path, arms: int, lanes: int) -> Path:
    """A network of one signal where ``arms`` streets meet."""
    plan = RoadPlan()
    plan.add_node("hub", 0.0, 0.0)
    for k in range(arms):
        plan.add_node(f"end{k}", 300.0 * math.sin(k * math.tau / arms), 300.0 * math.cos(k * math.tau / arms))
        plan.roads.append(Road("hub", f"end{k}", lanes, lanes))
    convert(plan, folder / "star.net.xml")
    return folder / "star.net.xml"
