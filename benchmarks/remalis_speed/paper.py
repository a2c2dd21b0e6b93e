"""The network as large as the paper has it, on a GPU: bfloat16, compiled."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from remalis_agents.networks.acting import decide
from remalis_agents.synthetic import traffic_spec, unfitted
from remalis_speed.learning import Batch

AGENTS, TEAMS, SEQUENCES, STEPS = 64, 32, 4, 8
"""Agents of a team; teams that act at once; sequences and steps of a training batch."""


def measure(device: str, preset: str = "paper", runs: int = 20, compiled: bool = True) -> dict[str, Any]:
    """Milliseconds of acting and of training passes, agent steps a second, and the most memory in use.

    Args:
        device: ``cuda``, or ``cpu`` to try it out.
        preset: of the network.
        runs: of each kind, after as many as it takes to compile.
        compiled: whether by ``torch.compile``.
    """
    model = unfitted(traffic_spec("remalis", {"preset": preset})).to(device)
    if compiled:
        model.network.compile()
    found: dict[str, Any] = {"device": _name(device), "preset": preset, "compiled": compiled, "runs": runs}
    for label, teams in (("one team", 1), (f"{TEAMS} teams", TEAMS)):
        view = Batch(model, AGENTS, teams, 1, device).team

        def act(view: Any = view) -> None:
            with torch.no_grad(), torch.autocast(device, torch.bfloat16):
                decide(model, view)

        found[label] = _passes(act, device, runs, teams * AGENTS)
    batch = Batch(model.train(), AGENTS, SEQUENCES, STEPS, device)

    def learn() -> None:
        model.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16):
            output = model(batch.team)
        batch.loss(_in_float32(output)).backward()

    found["training"] = _passes(learn, device, runs, SEQUENCES * STEPS * AGENTS)
    return found


def _passes(run: Callable[[], None], device: str, runs: int, agent_steps: int) -> dict[str, Any]:
    cuda = device == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    times = []
    for turn in range(runs + 3):
        begun = time.perf_counter()
        run()
        if cuda:
            torch.cuda.synchronize()
        if turn >= 3:  # the first ones compile
            times.append(1e3 * (time.perf_counter() - begun))
    return {
        "ms": {"median": statistics.median(times), "low": min(times), "high": max(times)},
        "agent_steps_per_s": 1e3 * agent_steps / statistics.median(times),
        "peak_mb": torch.cuda.max_memory_allocated() / 1e6 if cuda else None,
    }


def _in_float32(output: Any) -> Any:
    from remalis_agents.rllib.options import in_float32

    return in_float32(output)


def _name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device
