"""Names of environments: the same for Gymnasium and Ray, cheap to import, seeds apart between runners."""

from __future__ import annotations

import subprocess
import sys

import pytest
from toys import ring_team

from remalis_agents.registration import make_team_env
from remalis_envs.errors import RemalisError, UnknownNameError


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)


def test_import_registers_with_ray_without_importing_it():
    code = """
import sys, remalis_agents
assert "ray" not in sys.modules and "torch" not in sys.modules
from ray.tune.registry import ENV_CREATOR, _global_registry
assert _global_registry.contains(ENV_CREATOR, "remalis/TrafficTeam-v0")
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_import_after_ray_registers_too():
    code = """
from ray.tune.registry import ENV_CREATOR, _global_registry
import remalis_agents
assert _global_registry.contains(ENV_CREATOR, "remalis/TrafficTeam-v0")
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_trainables_are_known_to_tune():
    from ray.tune.registry import get_trainable_cls

    from remalis_agents.rllib import TRAINABLES

    assert {name: get_trainable_cls(name) for name in TRAINABLES} == TRAINABLES


@pytest.mark.parametrize("name", ["toys:remalis-test/RingTeam-v0", "toys:ring_team", "toys:Ring"])
def test_an_environment_of_ones_own(name):
    env = make_team_env(name, {"agents": 5})
    assert env.observation_space["obs"].shape == (5, 4)


def test_runners_play_different_episodes():
    class Context(dict):
        worker_index = 2

    first, second = make_team_env("toys:ring_team"), make_team_env("toys:ring_team", Context())
    # RLlib seeds environment k of runner w with seed + w + k: without a stride, runners play the same episodes.
    theirs = {first.reset(seed=s)[0]["obs"].tobytes() for s in range(20)}
    ours = {second.reset(seed=s)[0]["obs"].tobytes() for s in range(20)}
    same = {ring_team().reset(seed=s)[0]["obs"].tobytes() for s in range(20)}
    assert theirs == same
    assert len(ours & theirs) < 10  # three symbols and four agents: some first looks are equal by chance


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("remalis/TraficTeam-v0", UnknownNameError, "'remalis/TrafficTeam-v0'"),
        ("nowhere_at_all:Env-v0", RemalisError, "cannot be imported"),
    ],
)
def test_unknown_names(name, error, says):
    with pytest.raises(error, match=says):
        make_team_env(name)
