"""The contenders on one map, seed and policy: our environment, bare libsumo, and sumo-rl in its forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from remalis_envs import traffic_v0

from .course import Course, Gate, fingerprint, trip_totals
from .maps import HORIZON_S, Map
from .tape import actions_of, phase_plan, signal_tape

MENDED = (
    "sumo-rl 1.4.5 does not start on current PettingZoo (its agent_selector became a module); the benchmark puts "
    "pettingzoo.utils.agent_selector.AgentSelector in its place, in its own process only"
)
Result = dict[str, Any]


def _our_env(world: Map, **options: Any) -> Any:
    return traffic_v0(
        scenario=world.net_file, routes=world.route_file, protocol="sumo_rl", horizon_s=HORIZON_S, backend="inline",
        **options,
    )  # fmt: skip


def _plan_for(env: Any, course: Course) -> list[list[int]]:
    return phase_plan(np.array([len(env.phases(a)) for a in env.possible_agents]), course.length)


def ours(world: Map, course: Course, gate: Gate, options: dict[str, Any]) -> Result:
    """Our environment through its public interface, with its own observation and reward unless ``options`` say so."""
    env = _our_env(world, **options)
    actions = actions_of(env.possible_agents, _plan_for(env, course))
    env.reset(seed=course.seed)
    import libsumo

    found = course.run(lambda t: env.step(actions[t]), lambda: fingerprint(libsumo) | trip_totals(libsumo), gate)
    env.close()
    return {**found, "agents": len(env.possible_agents)}


def bare(world: Map, course: Course, gate: Gate, options: dict[str, Any]) -> Result:
    """Libsumo alone: the states that our signal control would show, and three features of every approach lane."""
    env = _our_env(world)
    scenario = env.config.scenario
    tape = signal_tape(scenario, _plan_for(env, course))
    import libsumo

    libsumo.start(["sumo", *scenario.files.command(course.seed)])
    set_state, advance = libsumo.trafficlight.setRedYellowGreenState, libsumo.simulationStep
    for signal, state in tape[0][0][1]:
        set_state(signal, state)
    lanes = list(dict.fromkeys(k for a in env.possible_agents for k in libsumo.trafficlight.getControlledLanes(a)))
    number, halting = libsumo.lane.getLastStepVehicleNumber, libsumo.lane.getLastStepHaltingNumber
    speed = libsumo.lane.getLastStepMeanSpeed

    def step(t: int) -> Any:
        now = 5.0 * t
        for moment, states in tape[t + 1]:
            if moment > now:
                advance(moment)
                now = moment
            for signal, state in states:
                set_state(signal, state)
        return [number(lane) for lane in lanes], [halting(lane) for lane in lanes], [speed(lane) for lane in lanes]

    found = course.run(step, lambda: fingerprint(libsumo) | trip_totals(libsumo), gate)
    libsumo.close()
    return {**found, "lanes": len(lanes), "agents": len(env.possible_agents)}


def sumo_rl(world: Map, course: Course, gate: Gate, options: dict[str, Any]) -> Result:
    """sumo-rl: ``form`` is ``parallel`` (PettingZoo) or ``class``; on libsumo where LIBSUMO_AS_TRACI is set."""
    from pettingzoo.utils.agent_selector import AgentSelector

    from remalis_envs.traffic.sumo import sumo_home

    sumo_home()
    import sumo_rl.environment.env as module

    module.agent_selector = AgentSelector
    form = options.pop("form")
    settings = {
        "net_file": world.net_file,
        "route_file": world.route_file,
        "num_seconds": HORIZON_S,
        "sumo_seed": course.seed,
        "sumo_warnings": False,
        **options,
    }
    env = module.parallel_env(**settings) if form == "parallel" else module.SumoEnvironment(**settings)
    env.reset(seed=course.seed)
    signals = (env.unwrapped.env if form == "parallel" else env).traffic_signals
    sizes = np.array([signal.num_green_phases for signal in signals.values()])
    actions = actions_of(list(signals), phase_plan(sizes, course.length))
    found = course.run(lambda t: env.step(actions[t]), lambda: fingerprint(module.traci), gate)
    env.close()
    return {**found, "libsumo": bool(module.LIBSUMO), "agents": len(signals)}
