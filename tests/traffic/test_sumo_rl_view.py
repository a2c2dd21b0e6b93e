"""sumo-rl's observation and rewards: the numbers are sumo-rl's own, to the last bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.traffic.network import grid
from remalis_envs.traffic.sumo import sumo_home
from remalis_envs.traffic.sumo_rl_view import SUMO_RL_REWARDS, signal_lanes

SEED = 7
PEER = Path(__file__).with_name("sumo_rl_peer.py")


def run_both(name: str, folder: Path, decisions: int) -> tuple[dict, list]:
    """The answer of sumo-rl, and the actions that it was asked to take."""
    env = make(name, "sumo_rl/queue")
    rng = np.random.default_rng(1)
    greens = {a: len(env.phases(a)) for a in env.possible_agents}
    # Most decisions keep the phase, so that queues build up and discharge; many others come too early to be obeyed.
    actions, current = [], dict.fromkeys(greens, 0)
    for _ in range(decisions):
        current = {a: int(rng.integers(n)) if rng.random() < 0.4 else current[a] for a, n in greens.items()}
        actions.append(dict(current))
    files = env.config.scenario.files
    request = {
        "net": files.net_file,
        "routes": files.route_files[0],
        "begin_s": int(files.begin_s),
        "seed": SEED,
        "actions": actions,
    }
    env.close()
    asked, answered = folder / "request.json", folder / "answer.json"
    asked.write_text(json.dumps(request))
    done = subprocess.run([sys.executable, str(PEER), asked, answered], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(answered.read_text()), actions


def make(name: str, reward: str, **options):
    return remalis_envs.traffic_v0(
        scenario=f"resco/{name}", protocol="sumo_rl", observation="sumo_rl", reward=reward, **options
    )


@pytest.mark.parametrize(("name", "decisions"), [("cologne1", 96), ("grid4x4", 72), ("cologne3", 36)])
def test_same_numbers_as_sumo_rl(name, decisions, tmp_path):
    theirs, actions = run_both(name, tmp_path, decisions)
    for reward in SUMO_RL_REWARDS:
        env = make(name, reward)
        assert {a: [p.state for p in env.phases(a)] for a in env.possible_agents} == theirs["greens"]
        observations, _ = env.reset(seed=SEED)
        ours = {a: o["observation"].tolist() for a, o in observations.items()}
        assert ours == theirs["first"]
        paid = []
        for step, (chosen, expected) in enumerate(zip(actions, theirs["steps"], strict=True)):
            observations, rewards, *_ = env.step(chosen)
            ours = {a: o["observation"].tolist() for a, o in observations.items()}
            assert ours == expected["observations"], f"decision {step}"
            assert rewards == expected["rewards"][reward.removeprefix("sumo_rl/")], f"decision {step}"
            paid += rewards.values()
        env.close()
        assert len(set(paid)) > 5  # the run was worth comparing


def test_lanes_are_those_that_sumo_reports():
    """Also with crossings, whose links lead from walking areas."""
    net = grid(2, 2, crossings=True)
    sumo_home()
    code = (
        "import libsumo, json, sys; libsumo.start(['sumo', '-n', sys.argv[1]]); t = libsumo.trafficlight;"
        "print(json.dumps({s: [list(dict.fromkeys(t.getControlledLanes(s))),"
        " sorted({k[0][1] for k in t.getControlledLinks(s) if k})] for s in t.getIDList()}))"
    )
    said = subprocess.run([sys.executable, "-c", code, str(net)], capture_output=True, text=True, timeout=60)
    expected = json.loads(said.stdout.splitlines()[-1])
    ours = {s: [list(lanes.incoming), sorted(lanes.outgoing)] for s, lanes in signal_lanes(str(net)).items()}
    assert ours == expected


def test_every_agent_has_the_length_it_has_there_and_pettingzoo_accepts_it():
    env = make("cologne3", "sumo_rl/diff-waiting-time", horizon_s=60.0)
    sizes = {env.observation_space(a)["observation"].shape[0] for a in env.possible_agents}
    assert len(sizes) > 1
    parallel_api_test(env, num_cycles=30)
    env.close()


def test_describe_still_reads_the_default_layout():
    worlds = [
        remalis_envs.traffic_v0(scenario="resco/cologne1", protocol="sumo_rl", observation=o, backend="worker")
        for o in ("default", "sumo_rl")
    ]
    texts = []
    for env in worlds:
        env.reset(seed=3)
        agent = env.possible_agents[0]
        for k in range(30):
            env.step({agent: k // 6 % 4})
        texts.append(env.describe(agent))
        env.close()
    assert texts[0] == texts[1]


def test_waiting_time_survives_a_snapshot():
    env = make("cologne1", "sumo_rl/diff-waiting-time", backend="worker")
    env.reset(seed=2)
    agent = env.possible_agents[0]
    for k in range(40):
        env.step({agent: k // 10})
    branch = env.snapshot()

    def onwards():
        return [env.step({agent: k % 4})[1][agent] for k in range(6)]

    first = onwards()
    env.restore(branch)
    assert onwards() == first
    assert any(first)
    env.close()


def test_refusals():
    with pytest.raises(UnknownNameError, match="Did you mean 'sumo_rl'"):
        remalis_envs.traffic_v0(observation="sumorl")
    with pytest.raises(UnknownNameError, match="Did you mean 'sumo_rl/queue'"):
        remalis_envs.traffic_v0(reward="sumo_rl/que")
    with pytest.raises(UnknownNameError, match="Did you mean 'resco'"):
        remalis_envs.traffic_v0(protocol="rescoe")
    with pytest.raises(RemalisError, match="fidelity='micro'"):
        remalis_envs.traffic_v0(observation="sumo_rl", fidelity="meso")
