"""Worlds in worker processes: several at once, faults, and nothing left behind."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import remalis_envs
from remalis_envs.errors import RemalisError
from remalis_envs.team import TeamEnv
from remalis_envs.traffic.engine.simulation import process_is_free
from remalis_envs.traffic.network import level_network
from remalis_envs.traffic.rewards import RewardInputs
from tests.traffic.conftest import play


def _descendants() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def _gone(pids: set[int], timeout_s: float = 10.0) -> bool:
    end = time.monotonic() + timeout_s
    while any(psutil.pid_exists(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_second_environment_moves_to_a_worker_and_equals_the_first() -> None:
    first, second = (remalis_envs.traffic_v0(level="easy") for _ in range(2))
    start = first.reset(seed=0)[0], second.reset(seed=0)[0]
    assert type(first._backend) is not type(second._backend)
    assert play(first, start[0], 40, seed=1) == play(second, start[1], 40, seed=1)
    first.close()
    second.close()


def test_the_process_is_free_again_after_close() -> None:
    for _ in range(3):
        env = remalis_envs.traffic_v0(level="easy", backend="inline")
        env.reset(seed=0)
        with pytest.raises(RemalisError, match="one simulation a process"):
            remalis_envs.traffic_v0(level="easy", backend="inline").reset(seed=0)
        env.close()
        env.close()


def test_a_forgotten_environment_frees_the_process_and_its_workers() -> None:
    before = _descendants()
    env = remalis_envs.traffic_v0(level="easy", backend="worker")
    env.reset(seed=0)
    env.snapshot()
    mine = _descendants() - before
    assert len(mine) >= 3, "keeper, runner, start state and snapshot"
    del env
    gc.collect()
    assert _gone(mine)


def test_a_killed_simulator_truncates_the_episode_and_the_next_reset_works() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker")
    expected = play(env, env.reset(seed=1)[0], 10, seed=0)
    _, before = env.reset(seed=0)
    os.kill(env._backend.simulator_pid, signal.SIGKILL)
    _, rewards, terminations, truncations, infos = env.step(dict.fromkeys(env.agents, 0))
    assert all(truncations.values())
    assert not any(terminations.values())
    assert set(rewards.values()) == {0.0}
    assert all(info["infra_error"] is True for info in infos.values())
    assert "died" in env.infra_error
    for agent, info in infos.items():  # TorchRL makes tensors of what the first reset shows, and knows nothing else
        assert info.keys() == before[agent].keys()
        assert all(isinstance(value, bool | int | float) for value in info.values())
    assert env.agents == []
    assert play(env, env.reset(seed=1)[0], 10, seed=0) == expected
    env.close()


def test_even_the_keeper_may_die() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker")
    expected = play(env, env.reset(seed=1)[0], 10, seed=0)
    before = _descendants()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    *_, infos = env.step(dict.fromkeys(env.agents, 0))
    assert all(info["infra_error"] for info in infos.values())
    assert play(env, env.reset(seed=1)[0], 10, seed=0) == expected
    env.close()


@pytest.mark.parametrize("backend", ["worker", "inline"])
def test_the_team_view_survives_a_fault(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env = TeamEnv(remalis_envs.traffic_v0(level="easy", backend=backend))
    env.reset(seed=0)
    world = env.parallel_env._backend
    if backend == "worker":
        os.kill(world.simulator_pid, signal.SIGKILL)
    else:
        error = world.simulation.sumo.TraCIException("made up")
        monkeypatch.setattr(world.simulation, "step_to", lambda until: (_ for _ in ()).throw(error))
    *_, terminated, truncated, info = env.step(np.zeros(9, np.int64))
    assert truncated
    assert not terminated
    assert info["infra_error"] == env.parallel_env.infra_error != ""
    assert info["metrics"] == {}
    with pytest.raises(RemalisError, match="broke off"):
        env.parallel_env.metrics()
    monkeypatch.undo()
    env.reset(seed=0)
    env.step(np.zeros(9, np.int64))
    assert env.metrics()["mean_delay_s"] >= 0
    env.close()


@pytest.mark.parametrize("world", [{"level": "easy"}, {"scenario": "resco/cologne1"}])
def test_a_ctrl_c_within_a_request_does_not_mix_up_answers(world: dict[str, str]) -> None:
    env = remalis_envs.traffic_v0(**world, backend="worker")
    expected = play(env, env.reset(seed=1)[0], 10, seed=0)
    env.reset(seed=0)
    runner = env._backend._runner
    with pytest.raises(KeyboardInterrupt), env._backend._undisturbed():
        runner.send(("step",))
        raise KeyboardInterrupt
    assert play(env, env.reset(seed=1)[0], 10, seed=0) == expected
    env.close()


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_ctrl_c_within_a_step_ends_the_episode(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SUMO did and what was noted of it would not agree any more."""
    env = remalis_envs.traffic_v0(level="easy", backend="inline")
    expected = play(env, env.reset(seed=1)[0], 10, seed=0)
    env.reset(seed=0)
    world = env._backend.simulation
    real = world.step_to

    def interrupted(until: float) -> Any:
        if where == "after":
            real(until)
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "step_to", interrupted)
    with pytest.raises(KeyboardInterrupt):
        env.step(dict.fromkeys(env.agents, 0))
    monkeypatch.undo()
    with pytest.raises(RemalisError, match="interrupted"):
        env.metrics()
    _, rewards, _, truncations, infos = env.step(dict.fromkeys(env.agents, 0))
    assert all(truncations.values()) and not any(rewards.values()) and not env.agents
    assert all(info["infra_error"] for info in infos.values())
    assert play(env, env.reset(seed=1)[0], 10, seed=0) == expected
    env.close()


def test_a_ctrl_c_within_a_reset_leaves_no_half_begun_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="inline")
    expected = play(env, env.reset(seed=1)[0], 10, seed=0)
    with monkeypatch.context() as patch:
        patch.setattr(env._backend, "begin", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            env.reset(seed=0)
    with pytest.raises(RemalisError, match="reset"):
        env.step(dict.fromkeys(env.possible_agents, 0))
    assert play(env, env.reset(seed=1)[0], 10, seed=0) == expected
    env.close()


def test_a_simulation_of_the_callers_own_is_left_alone() -> None:
    import libsumo

    libsumo.start(["sumo", "--net-file", str(level_network("easy")), "--no-step-log", "true"])
    try:
        libsumo.simulationStep(50)
        env = remalis_envs.traffic_v0(level="easy")
        play(env, env.reset(seed=1)[0], 5, seed=0)
        env.close()
        assert libsumo.simulation.getTime() == 50
        with pytest.raises(RemalisError, match="one simulation a process"):
            remalis_envs.traffic_v0(level="easy", backend="inline").reset()
    finally:
        libsumo.close()
    env = remalis_envs.traffic_v0(level="easy", backend="inline")
    env.reset(seed=0)
    env.close()


def test_a_forked_child_leaves_the_simulator_to_its_parent() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker")
    env.reset(seed=0)
    child = os.fork()
    if child == 0:
        env._backend._finalizer()
        os._exit(0)
    os.waitpid(child, 0)
    *_, infos = env.step(dict.fromkeys(env.agents, 0))
    assert not any(info["infra_error"] for info in infos.values())
    env.close()


@pytest.mark.parametrize("backend", ["worker", "inline"])
def test_a_snapshot_belongs_to_its_environment(backend: str) -> None:
    first = remalis_envs.traffic_v0(level="easy", backend=backend)
    first.reset(seed=0)
    snapshot = first.snapshot()
    if backend == "inline":
        first.close()
    second = remalis_envs.traffic_v0(level="easy", backend=backend)
    second.reset(seed=1)
    with pytest.raises(RemalisError, match="belongs to another environment"):
        second.restore(snapshot)
    with pytest.raises(RemalisError, match="takes what snapshot"):
        second.restore((1, 2))
    second.step(dict.fromkeys(second.agents, 0))
    first.close()
    second.close()


def test_auto_gives_way_where_a_fault_lost_the_process_to_another() -> None:
    first, second = (remalis_envs.traffic_v0(level="easy") for _ in range(2))
    expected = play(first, first.reset(seed=1)[0], 10, seed=0)
    first._backend.simulation.close()  # as a fault of SUMO does
    second.reset(seed=0)
    assert play(first, first.reset(seed=1)[0], 10, seed=0) == expected
    first.close()
    second.close()


def test_a_worker_without_a_cache_leaves_nothing_behind(tmp_path: Path) -> None:
    script = (
        "import warnings, remalis_envs; warnings.simplefilter('ignore')\n"
        "env = remalis_envs.traffic_v0(level='easy', backend='worker')\n"
        "for seed in range(3): env.reset(seed=seed); env.step(dict.fromkeys(env.agents, 0))\n"
        "env.close(); print(env.metrics.__name__)\n"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    surroundings = {**os.environ, "REMALIS_CACHE": "/dev/null/nowhere", "TMPDIR": str(scratch)}
    done = subprocess.run([sys.executable, "-c", script], env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []


def test_workers_end_when_their_environment_s_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import remalis_envs, psutil, time\n"
        "env = remalis_envs.traffic_v0(level='easy', backend='worker'); env.reset(seed=0); env.snapshot()\n"
        "print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = {int(pid) for pid in process.stdout.readline().split()}
    assert len(pids) >= 3
    process.kill()
    process.wait()
    assert _gone(pids, timeout_s=20.0)


def red_tape(inputs: RewardInputs) -> np.ndarray:
    """A user's own reward."""
    return np.arange(inputs.index.n_agents, dtype=float)


def test_a_reward_function_travels_to_the_worker() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker", reward=red_tape)
    env.reset(seed=0)
    _, rewards, *_ = env.step(dict.fromkeys(env.agents, 0))
    assert list(rewards.values()) == list(range(9))
    env.close()


def test_a_reward_that_cannot_travel_is_refused_in_a_sentence() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker", reward=lambda inputs: inputs.waiting_s)
    with pytest.raises(RemalisError, match="top level of an importable module"):
        env.reset(seed=0)
    env.close()


def _own_memory_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


@pytest.mark.parametrize("backend", ["inline", "worker"])
def test_resets_leak_neither_memory_nor_handles(backend: str) -> None:
    env = remalis_envs.traffic_v0(level="easy", backend=backend)

    def rounds(count: int) -> None:
        for seed in range(count):
            env.reset(seed=seed)
            env.step(dict.fromkeys(env.agents, 0))

    def footprint() -> tuple[float, int, int]:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        memory = sum(process.memory_info().rss for process in processes) / 1e6
        return memory, psutil.Process().num_fds(), len(processes)

    rounds(100)
    before = footprint()
    rounds(200)
    after = footprint()
    env.close()
    assert after[0] < before[0] + 15, f"memory grew from {before[0]:.0f} to {after[0]:.0f} MB over 200 resets"
    assert after[1:] == before[1:]


@pytest.mark.full
@pytest.mark.parametrize("backend", ["inline", "worker"])
def test_a_thousand_resets_leak_nothing(backend: str) -> None:
    env: Any = remalis_envs.traffic_v0(level="medium", backend=backend)
    marks = []
    for seed in range(1200):
        env.reset(seed=seed)
        env.step(dict.fromkeys(env.agents, 0))
        if seed in (199, 1199):
            marks.append((_own_memory_mb(), psutil.Process().num_fds()))
    env.close()
    assert marks[1][0] < marks[0][0] + 30
    assert marks[1][1] == marks[0][1]


def test_a_forked_child_leaves_its_parents_episode_alone() -> None:
    env = remalis_envs.traffic_v0(level="easy", backend="worker")
    env.reset(seed=0)
    context = multiprocessing.get_context("fork")
    said = context.Queue()

    def child() -> None:
        try:
            env.step(dict.fromkeys(env.agents, 0))
        except RemalisError as error:
            said.put(str(error))
        env.reset(seed=0)
        for _ in range(5):
            env.step(dict.fromkeys(env.agents, 0))
        said.put(env.metrics()["mean_travel_time_s"])
        env.close()

    process = context.Process(target=child)
    process.start()
    try:
        assert "the process that this one was forked from" in said.get(timeout=60)
        assert said.get(timeout=60) > 10
        process.join(60)
    finally:
        process.kill()
    env.step(dict.fromkeys(env.agents, 0))
    assert env.metrics()["mean_travel_time_s"] < 10, "five seconds have passed here"
    env.close()


@pytest.mark.parametrize("backend", ["worker", "inline"])
def test_a_copy_begins_anew_and_leaves_the_original_alone(backend: str) -> None:
    env = remalis_envs.traffic_v0(level="easy", backend=backend)
    env.reset(seed=2)
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    with pytest.raises(RemalisError, match="this is a copy"):
        copies[0].step({})
    env.step(dict.fromkeys(env.agents, 0))
    env.close()
    for one in copies:
        first, _ = one.reset(seed=2)
        assert set(first) == set(one.agents)
        one.close()


def _broken_reward(inputs: RewardInputs) -> np.ndarray:
    raise KeyError("speed")


def _nan_reward(inputs: RewardInputs) -> np.ndarray:
    return np.full(inputs.index.n_agents, np.nan)


def _worded_reward(inputs: RewardInputs) -> list[str]:
    return ["good"] * inputs.index.n_agents


@pytest.mark.parametrize("backend", ["inline", "worker"])
@pytest.mark.parametrize(
    ("reward", "says"),
    [
        (_broken_reward, "the reward function raised KeyError: 'speed'"),
        (_nan_reward, "returned nan or infinity"),
        (_worded_reward, "returned no real numbers"),
    ],
)
def test_what_a_reward_function_does_wrong_is_said(backend: str, reward: Any, says: str) -> None:
    env = remalis_envs.traffic_v0(level="easy", horizon_s=60, reward=reward, backend=backend)
    with pytest.raises(RemalisError, match=says):
        env.reset(seed=0)
    assert process_is_free()
    env.close()
