"""Our phases and transitions let nobody collide; a control that is all green shows that the counter counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import remalis_envs
from remalis_envs.traffic.demand import DemandProfile
from tests.traffic.conftest import legal_actions, star

RATES = {"easy": 0.5, "medium": 0.4, "hard": 0.5, "hell": 0.5}
"""Vehicles per second that random signals can just serve: in a gridlock SUMO itself lets cars drive through others."""


def _drive(level: str, seed: int, seconds: int, mode: str = "phases") -> dict[str, float]:
    script = Path(__file__).with_name("random_signals.py")
    command = [sys.executable, str(script), level, str(seed), str(seconds), str(RATES[level]), mode]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env=_environment(root), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def _environment(root: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}


def test_all_green_is_caught():
    assert _drive("easy", 0, 1200, "all_green")["safety.collisions"] >= 3


@pytest.mark.parametrize(("level", "seconds"), [("easy", 1200), ("medium", 400), ("hard", 400), ("hell", 300)])
def test_random_phases_are_safe(level, seconds):
    report = _drive(level, 0, seconds)
    assert report["vehicles"] > 50 and report["safety.collisions"] == 0, report
    assert report["safety.emergencyBraking"] <= 1 and report["safety.emergencyStops"] == 0, report


@pytest.mark.full
@pytest.mark.parametrize("level", list(RATES))
@pytest.mark.parametrize("seed", [0, 1])
def test_random_phases_are_safe_for_hours(level, seed):
    report = _drive(level, seed, 3600)
    assert report["safety.collisions"] == 0, report
    assert report["safety.emergencyBraking"] <= 0.002 * report["vehicles"], report


@pytest.mark.filterwarnings("ignore:Intersection 'hub' has")
@pytest.mark.parametrize(("arms", "lanes", "rate"), [(7, 1, 0.12), (8, 2, 0.25)])
def test_streets_that_were_merged_into_one_arm_are_safe(arms: int, lanes: int, rate: float, tmp_path: Path) -> None:
    """Their streams meet inside the junction, so that the arm as a whole must not be green."""
    demand = DemandProfile("steady", rate, rate)
    env = remalis_envs.traffic_v0(scenario=star(tmp_path, arms, lanes), demand=demand, horizon_s=2000)
    rng = np.random.default_rng(0)
    for seed in (1, 2):
        observations, _ = env.reset(seed=seed)
        while env.agents:
            observations, *_ = env.step(legal_actions(observations, rng))
        figures = env.metrics()
        assert figures["arrived_veh"] > 150
        assert figures["collisions"] == 0
    env.close()
