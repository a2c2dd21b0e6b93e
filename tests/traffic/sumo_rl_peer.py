"""Runs sumo-rl itself on libsumo and writes what its agents see and are paid; started as a process of its own.

Usage: ``python sumo_rl_peer.py <request.json>``, the answer comes on standard output. sumo-rl decides at import whether
it uses libsumo, and libsumo holds one simulation a process: hence the process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from remalis_envs.traffic.sumo import sumo_home


def main(request: dict) -> dict:
    os.environ["LIBSUMO_AS_TRACI"] = "1"
    sumo_home()
    from sumo_rl import SumoEnvironment
    from sumo_rl.environment.traffic_signal import TrafficSignal

    env = SumoEnvironment(
        net_file=request["net"],
        route_file=request["routes"],
        begin_time=request["begin_s"],
        num_seconds=100_000,
        sumo_seed=request["seed"],
        sumo_warnings=False,
        add_system_info=False,
        add_per_agent_info=False,
        reward_fn="diff-waiting-time",
        additional_sumo_cmd="--no-step-log",
    )
    first = env.reset(seed=request["seed"])
    steps = []
    for actions in request["actions"]:
        observations, rewards, _, _ = env.step(actions)
        named = {"diff-waiting-time": rewards}
        for name in ("average-speed", "queue", "pressure"):
            named[name] = {a: TrafficSignal.reward_fns[name](signal) for a, signal in env.traffic_signals.items()}
        steps.append({"observations": {a: o.tolist() for a, o in observations.items()}, "rewards": named})
    signals = env.traffic_signals.values()
    answer = {
        "first": {a: o.tolist() for a, o in first.items()},
        "steps": steps,
        "lanes": {s.id: s.lanes for s in signals},
        "out_lanes": {s.id: sorted(s.out_lanes) for s in signals},
        "greens": {s.id: [p.state for p in s.green_phases] for s in signals},
    }
    env.close()
    return answer


if __name__ == "__main__":
    result = main(json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[2]).write_text(json.dumps(result))
