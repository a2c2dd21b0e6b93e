"""Snapshots branch an episode exactly, or refuse."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

import remalis_envs
from remalis_envs.errors import RemalisError
from tests.traffic.conftest import play


def _observations(env: Any) -> dict[str, Any]:
    return env._observations()


@pytest.mark.parametrize(
    ("level", "backend", "warm_up"),
    [("easy", "worker", 60), ("easy", "inline", 60), ("medium", "worker", 60), ("hell", "worker", 150)],
)
def test_branches_are_equal_for_300_seconds(level: str, backend: str, warm_up: int) -> None:
    env = remalis_envs.traffic_v0(level=level, backend=backend, seed=0)
    play(env, env.reset(seed=4)[0], warm_up, seed=0)
    snapshot = env.snapshot()
    first = play(env, _observations(env), 60, seed=1), env.metrics()
    observations, _ = env.restore(snapshot)
    second = play(env, observations, 60, seed=1), env.metrics()
    observations, _ = env.restore(snapshot)
    other = play(env, observations, 60, seed=2)
    env.close()
    assert first[0] == second[0] != other
    for name, value in first[1].items():
        assert value == second[1][name] or math.isnan(value), name


def test_hell_has_incidents_and_pedestrians_while_it_is_branched() -> None:
    env = remalis_envs.traffic_v0(level="hell", backend="inline", seed=0)
    observations, _ = env.reset(seed=4)
    play(env, observations, 150, seed=0)
    kinds = {incident.kind for incident in env._backend.disruptions.active}
    people = env._backend.simulation.sumo.person.getIDCount()
    env.close()
    assert people > 0
    assert kinds, "the seed of the branching test has to meet at least one incident"


@pytest.mark.parametrize("backend", ["inline", "worker"])
def test_a_snapshot_is_not_pickled_and_ends_with_its_environment(backend: str) -> None:
    env = remalis_envs.traffic_v0(level="easy", backend=backend)
    env.reset(seed=0)
    snapshot = env.snapshot()
    with pytest.raises(RemalisError, match="cannot be pickled"):
        pickle.dumps(snapshot)
    env.close()
    env.reset(seed=0)
    with pytest.raises(RemalisError, match="or to this one before it was closed"):
        env.restore(snapshot)
    env.close()


@pytest.mark.parametrize(
    "world",
    [
        {"level": "medium"},
        {"level": "hard"},
        {"fidelity": "meso"},
        {"control": "own"},
        {"scenario": "resco/cologne3", "protocol": "resco"},
    ],
    ids=lambda world: " ".join(world.values()),
)
def test_other_worlds_are_branched_in_the_process(world: dict[str, str]) -> None:
    env = remalis_envs.traffic_v0(**world, backend="inline")
    observations, _ = env.reset(seed=1, options={"outages": [(env.possible_agents[0], 100, 300)]})
    play(env, observations, 30, seed=0)
    snapshot = env.snapshot()
    first = play(env, _observations(env), 20, seed=1)
    env.reset(seed=2)
    assert play(env, env.restore(snapshot)[0], 20, seed=1) == first
    env.close()


def test_a_snapshot_outlives_a_reset_but_not_its_environment() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker")
    play(env, env.reset(seed=1)[0], 10, seed=0)
    snapshot = env.snapshot()
    expected = play(env, _observations(env), 10, seed=1)
    env.reset(seed=2)
    observations, _ = env.restore(snapshot)
    assert play(env, observations, 10, seed=1) == expected
    env.close()
    with pytest.raises(RemalisError, match="no episode yet"):
        env.restore(snapshot)


def test_a_copy_of_a_snapshot_is_the_snapshot() -> None:
    """One process waits behind it: a copy that closed it at its end would take it from the original."""
    env = remalis_envs.traffic_v0(level="easy", backend="worker", horizon_s=600)
    play(env, env.reset(seed=1)[0], 20, seed=0)
    snapshot = env.snapshot()
    copied = copy.deepcopy(snapshot)
    first = play(env, env.restore(copied)[0], 20, seed=1)
    del copied
    assert play(env, env.restore(snapshot)[0], 20, seed=1) == first
    with pytest.raises(RemalisError, match="cannot be pickled"):
        pickle.dumps(snapshot)
    env.close()
