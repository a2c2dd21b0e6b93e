"""RESCO's maps from the installed sumo-rl package, and their protocol."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import remalis_envs
from remalis_agents.controllers import make_controller
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.traffic.engine.signals import plain_transition
from remalis_envs.traffic.resco import RESCO_MAPS, resco_sumocfg
from remalis_envs.traffic.sumo import sumo_home
from tests.traffic.conftest import legal_actions

AGENTS = dict(zip(RESCO_MAPS, (16, 16, 1, 3, 8, 1, 7, 21), strict=True))


@pytest.mark.parametrize("name", RESCO_MAPS)
def test_map_runs_under_its_protocol(name: str) -> None:
    env = remalis_envs.traffic_v0(scenario=f"resco/{name}", protocol="resco")
    scenario = env.config.scenario
    arterial = name == "arterial4x4"
    assert len(env.possible_agents) == AGENTS[name]
    assert (scenario.timing.decision_s, scenario.timing.yellow_s) == ((5.0, 2.0) if arterial else (10.0, 3.0))
    assert scenario.horizon_s == 3600.0
    assert scenario.files.begin_s == {"c": 25200.0, "i": 57600.0}.get(name[0], 0.0)
    for program in ET.parse(scenario.files.net_file).iter("tlLogic"):
        states = [phase.get("state", "") for phase in program.iter("phase")]
        greens = [s for s in states if "y" not in s and "g" in s.lower()]
        assert [phase.state for phase in env.phases(program.get("id", ""))] == greens
    observations, _ = env.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(60):
        observations, *_ = env.step(legal_actions(observations, rng))
    metrics = env.metrics()
    env.close()
    assert metrics["arrived_veh"] > 5
    assert metrics["teleports"] == metrics["masked_actions"] == 0
    assert all(np.isfinite(o["observation"]).all() for o in observations.values())


def test_one_policy_fits_levels_and_maps() -> None:
    maps = [remalis_envs.traffic_v0(scenario="resco/ingolstadt1"), remalis_envs.traffic_v0("easy")]
    spaces = [(env.observation_space(env.possible_agents[0]), env.action_space(env.possible_agents[0])) for env in maps]
    assert spaces[0] == spaces[1]


def test_signals_change_as_in_the_protocol() -> None:
    """3 s of yellow, then green at once; a kept phase is not touched."""
    env = remalis_envs.traffic_v0(scenario="resco/cologne1", protocol="resco", backend="inline")
    env.reset(seed=1)
    simulation, (agent,) = env._backend.simulation, env.possible_agents
    shown: list[tuple[float, str]] = []
    show = simulation.set_state

    def watch(signal: str, state: str) -> None:
        shown.append((simulation.sumo.simulation.getTime() - 25200.0, state))
        show(signal, state)

    simulation.set_state = watch
    old, new = env.phases(agent)[0].state, env.phases(agent)[2].state
    for action in (0, 2, 2):
        env.step({agent: action})
    env.close()
    yellow = plain_transition(old, new, 3.0, 0.0).states[0][1]
    assert shown == [(10.0, yellow), (13.0, new)]


def test_a_plain_change_warns_only_what_turns_red() -> None:
    change = plain_transition("GgGgrsr", "rsggGrr", 3.0, 0.0)
    assert change.states == ((0.0, "yyGgrsr"),)
    assert change.duration_s == 3.0
    assert plain_transition("Gr", "rG", 2.0, 1.0).states == ((0.0, "yr"), (2.0, "rr"))


def test_explicit_times_win_over_the_protocol() -> None:
    env = remalis_envs.traffic_v0(scenario="resco/cologne1", protocol="resco", decision_s=15, horizon_s=300)
    timing = env.config.scenario.timing
    assert (timing.decision_s, timing.yellow_s, timing.all_red_s) == (15, 3.0, 0.0)
    assert env.config.scenario.horizon_s == 300


def test_the_fixed_program_is_the_run_that_sumo_itself_makes(tmp_path: Path) -> None:
    """Same seed, same map, SUMO on its own: the same delay, so published figures can be set beside ours."""
    env = remalis_envs.traffic_v0(scenario="resco/cologne8", protocol="resco", control="own", horizon_s=600)
    env.reset(seed=5)
    while env.agents:
        env.step(dict.fromkeys(env.agents, 0))
    metrics, seed = env.metrics(), env._backend.sumo_seed(5)
    env.close()
    report = tmp_path / "tripinfo.xml"
    command = [Path(sumo_home()) / "bin" / "sumo", "-c", resco_sumocfg("resco/cologne8"), "--seed", str(seed)]
    command += ["--end", "25800", "--time-to-teleport", "-1", "--no-step-log", "--no-warnings"]
    command += ["--tripinfo-output", report, "--tripinfo-output.write-unfinished"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=60)
    trips = [float(t.get("timeLoss")) + float(t.get("departDelay")) for t in ET.parse(report).iter("tripinfo")]
    assert len(trips) == metrics["arrived_veh"] + metrics["running_veh"]
    assert metrics["resco_delay_s"] == pytest.approx(np.mean(trips), abs=0.02)


@pytest.mark.parametrize(("patience_s", "locked"), [(None, True), (20.0, False)])
def test_drivers_may_pass_who_blocks_a_junction(patience_s: float | None, locked: bool) -> None:
    """Three left-turners face each other in the middle of a junction whose exits are all empty."""
    controller = make_controller("greedy")
    env = remalis_envs.traffic_v0(
        scenario="resco/cologne3", protocol="resco", split="test", horizon_s=2400, blocker_patience_s=patience_s
    )
    observations, _ = env.reset(seed=30005)
    controller.reset(env, seed=30005)
    while env.agents:
        observations, *_ = env.step(controller.act(observations))
    delay_s = env.metrics()["mean_delay_s"]
    env.close()
    assert delay_s > 100 if locked else delay_s < 40


def test_conformance() -> None:
    env = remalis_envs.traffic_v0(scenario="resco/cologne3", protocol="resco", horizon_s=100)
    with pytest.warns(UserWarning, match="reset option"):
        parallel_api_test(env, num_cycles=12)
    env.close()
    parallel_seed_test(
        lambda: remalis_envs.traffic_v0(scenario="resco/cologne3", protocol="resco", horizon_s=100, backend="worker")
    )


def test_unknown_map_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'resco/cologne8'"):
        remalis_envs.traffic_v0(scenario="resco/colonge8")


def test_without_sumo_rl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RemalisError, match="pip install sumo-rl"):
        remalis_envs.traffic_v0(scenario="resco/cologne8")


def test_sumo_rl_is_found_but_not_imported() -> None:
    code = (
        "import sys, remalis_envs; env = remalis_envs.traffic_v0(scenario='resco/cologne1'); env.reset(seed=1);"
        "env.close(); print([m for m in ('sumo_rl', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
