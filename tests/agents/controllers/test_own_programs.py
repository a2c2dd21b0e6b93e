"""Programs that SUMO runs: the states that it shows are those of the program, in-process and in a worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

import remalis_envs
from remalis_agents.controllers import make_controller
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.traffic.engine.programs import ProgramPhase, SignalProgram, network_programs


def shown(env, signal: str, decisions: int) -> list[str]:  # type: ignore[no-untyped-def]
    env.reset(seed=0)
    states = []
    for _ in range(decisions):
        env.step(dict.fromkeys(env.agents, 1))
        states.append(env._backend.simulation.sumo.trafficlight.getRedYellowGreenState(signal))
    return states


def test_sumo_runs_what_it_is_given() -> None:
    env = remalis_envs.traffic_v0("easy", horizon_s=60.0)
    own = network_programs(env.network)
    env.close()
    signal = env.possible_agents[0]
    greens = [phase.state for phase in own[signal].phases if phase.is_green][::2]
    program = SignalProgram("static", tuple(ProgramPhase(10.0, state) for state in greens))
    env = remalis_envs.traffic_v0("easy", horizon_s=60.0, control={signal: program}, backend="inline")
    states = shown(env, signal, 8)
    assert states == [greens[0], greens[0], greens[1], greens[1]] * 2
    assert env._backend.control.current[1] == 1, "the agents keep the signals that no program runs"
    assert env._backend.control.current[0] == 0
    env.close()


def test_a_worker_runs_the_same_program() -> None:
    delays = []
    for backend in ("inline", "worker"):
        options = make_controller("actuated").env_options()
        env = remalis_envs.traffic_v0("easy", horizon_s=300.0, backend=backend, **options)
        env.reset(seed=0)
        while env.agents:
            env.step(dict.fromkeys(env.agents, 0))
        delays.append(env.metrics()["mean_delay_s"])
        env.close()
    assert delays[0] == delays[1] > 0


def test_control_that_does_not_fit_is_refused() -> None:
    env = remalis_envs.traffic_v0("easy")
    signal, program = next(iter(network_programs(env.network).items()))
    with pytest.raises(UnknownNameError, match="'agents', 'own'"):
        remalis_envs.traffic_v0("easy", control="agent")
    with pytest.raises(UnknownNameError, match="signal"):
        remalis_envs.traffic_v0("easy", control={"nowhere": program})
    short = replace(program, phases=(ProgramPhase(5.0, "G"),))
    with pytest.raises(RemalisError, match="has 1 letters"):
        remalis_envs.traffic_v0("easy", control={signal: short})
    with pytest.raises(RemalisError, match="longer than 0 s"):
        remalis_envs.traffic_v0("easy", control={signal: replace(program, phases=())})
    with pytest.raises(RemalisError, match="SignalProgram"):
        remalis_envs.traffic_v0("easy", control={signal: "static"})
