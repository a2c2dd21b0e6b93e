"""Whole episodes of the web environment: by the oracle or at random, with or without a browser, one or many at once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np

import remalis_envs

DOMAINS = ("airline", "bakery", "bookshop", "clinic", "gym", "hotel", "library", "museum", "shop", "tailor")
"""Whose tasks are played: the same at every run, however many domains there are."""
Clock = Callable[[], float]


def build(level: str, engine: str) -> Any:
    """The environment with a full team, on the benchmark's domains."""
    return remalis_envs.web_v0(level=level, engine=engine, domains=list(DOMAINS))


def play(env: Any, policy: str, seeds: range, clock: Clock, limit_s: float = float("inf")) -> dict[str, Any]:
    """Plays whole episodes.

    Args:
        env: the environment.
        policy: ``oracle`` or ``random``.
        seeds: of the episodes.
        clock: in seconds; of this thread's CPU for the model engine, of the wall where a browser works too.
        limit_s: no further episode begins after that.

    Returns:
        ``resets_s`` of each episode; ``steps`` and ``steps_s`` of all; ``episodes``; ``solved``. The time in which the
        policy chooses counts nowhere.
    """
    rng = np.random.default_rng(seeds.start)
    resets: list[float] = []
    steps, steps_s, solved = 0, 0.0, 0
    begun = time.perf_counter()
    for seed in seeds:
        if time.perf_counter() - begun > limit_s:
            break
        before = clock()
        observations, _ = env.reset(seed=seed)
        resets.append(clock() - before)
        while env.agents:
            if policy == "oracle":
                actions = env.oracle()
            else:
                actions = {agent: _drawn(rng, one["action_mask"]) for agent, one in observations.items()}
            before = clock()
            observations, _, _, _, infos = env.step(actions)
            steps_s += clock() - before
            steps += 1
        if any(info["infra_error"] for info in infos.values()):
            raise RuntimeError(f"An episode of the benchmark failed: {env.infra_error}")
        solved += bool(env.metrics()["success"])
    return {"resets_s": resets, "steps": steps, "steps_s": steps_s, "episodes": len(resets), "solved": solved}


def _drawn(rng: np.random.Generator, mask: np.ndarray) -> int:
    legal = mask.nonzero()[0]
    return int(legal[int(rng.random() * len(legal))])


def at_once(count: int, level: str, engine: str, seconds: float) -> float:
    """Team steps a second of so many environments, each in a process of its own, over the same stretch of time.

    Raises:
        RuntimeError: one of them failed.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(count + 1), context.Queue()
    workers = [
        context.Process(target=_work, args=(k, level, engine, seconds, barrier, results), daemon=True)
        for k in range(count)
    ]
    try:
        for worker in workers:
            worker.start()
        barrier.wait(600.0)
        return sum(results.get(timeout=600.0) for _ in workers)
    except Exception as error:
        raise RuntimeError(f"{count} environments at once ({engine}, {level}) did not all play: {error!r}") from error
    finally:
        for worker in workers:
            worker.join(timeout=20.0)
            if worker.is_alive():
                worker.kill()
                worker.join()


def _work(k: int, level: str, engine: str, seconds: float, barrier: Barrier, results: Any) -> None:
    env = build(level, engine)
    rng = np.random.default_rng(k)
    try:
        observations, _ = env.reset(seed=1000 * k)
        barrier.wait(600.0)
        steps, begun, seed = 0, time.perf_counter(), 1000 * k
        while (taken := time.perf_counter() - begun) < seconds:
            if not env.agents:
                seed += 1
                observations, _ = env.reset(seed=seed)
            actions = {agent: _drawn(rng, one["action_mask"]) for agent, one in observations.items()}
            observations, *_ = env.step(actions)
            steps += 1
        results.put(steps / taken)
    finally:
        env.close()
