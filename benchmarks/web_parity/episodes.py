"""Our side: episodes of a seeded policy, each action recorded so that another engine can find what it was done to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from remalis_envs.web.actions import FIRST_CANDIDATE
from remalis_envs.web.env import WebEnv
from remalis_envs.web.feature_names import F
from remalis_envs.web.observations import LAYOUT

SCRIPT = Path(__file__).with_name("paths.js").read_text(encoding="utf-8")
EXPLORES = 0.25
"""Share of actions that are random though the overlap rule knows one."""
TRIES = 4
"""How often an episode is begun anew with other draws of the policy until its page is pleased."""
_OPERATIONS = {"click": "click", "toggle": "click", "fill": "fill", "choose": "choose"}
"""By kind of deed, what it is on the other side, where a box is toggled by a click."""
Action = dict[str, Any]


def record(env: WebEnv, name: str, seed: int) -> dict[str, Any]:
    """Plays a task until its page is pleased, at most :data:`TRIES` times; the last episode.

    Args:
        env: over all of MiniWoB++.
        name: ``miniwob/click-test``.
        seed: of the episode.

    Returns:
        ``goal``, ``outline`` (the elements at the start), ``actions``, ``raw`` (reward), ``done``, ``tries``.

    Raises:
        RuntimeError: the browser failed, which is no result.
    """
    for trial in range(TRIES):
        played = _play(env, name, seed, np.random.default_rng([seed, trial]))
        if played["raw"] > 0:
            break
    return played | {"tries": trial + 1}


def _play(env: WebEnv, name: str, seed: int, rng: np.random.Generator) -> dict[str, Any]:
    env.choice.domains = (name,)
    observations, _ = env.reset(seed=seed)
    (agent,) = env.possible_agents
    actions: list[Action] = []
    start = _ask(env, "outline()")
    while env.agents:
        action = choose(observations[agent], rng)
        if action is None:  # nothing on the page can be acted on
            break
        done = translate(env, action)
        observations = env.step({agent: action})[0]
        actions.append(done | {"outcome": env.episode.desks[0].outcome if not env.infra_error else "failed"})
    if env.infra_error:
        raise RuntimeError(f"{name}, seed {seed}: {env.infra_error}")
    world: Any = env.episode.drawn.world
    return {
        "goal": env.task.instruction,
        "outline": start,
        "actions": actions,
        "raw": env.metrics()["page_reward"],
        "done": bool(world.ended),
        "reason": world.reason,
    }


def choose(observation: dict[str, Any], rng: np.random.Generator) -> int | None:
    """An action on the page: what overlaps the instruction most, now and then any; None where there is none."""
    rows = LAYOUT.action_features(observation["observation"])[FIRST_CANDIDATE:]
    legal = (observation["action_mask"][FIRST_CANDIDATE:] > 0) & (rows[:, F["operation_record"]] == 0)
    scores = np.where(legal & (rows[:, F["done_by_me"]] == 0), rows[:, F["weight"]], 0.0)
    if rng.random() >= EXPLORES and scores.max() > 0:
        return FIRST_CANDIDATE + int(scores.argmax())
    return FIRST_CANDIDATE + int(rng.choice(np.flatnonzero(legal))) if legal.any() else None


def translate(env: WebEnv, action: int) -> Action:
    """An action as ``operation``, ``path`` and ``tag`` of the element, its ``name``, and ``value``."""
    desk = env.episode.desks[0]
    candidate = desk.candidate(action - FIRST_CANDIDATE)
    deed = candidate.deed
    assert deed is not None  # records are not chosen
    where = _ask(env, f"pathOf(__remalis.element({candidate.place}))")
    item = desk.reading.items[candidate.place]
    value = deed.value.rjust(5, "0") if item.kind == "time" and deed.value else deed.value  # 3:03 is typed as 03:03
    return {"operation": _OPERATIONS[deed.kind], **where, "name": f"{item.role} {item.name}", "value": value}


def _ask(env: WebEnv, expression: str) -> Any:
    """The value of an expression over the functions of ``paths.js``, in the world that pages cannot touch."""
    engine: Any = env.episode.engine
    said = engine._tabs[0].hands(f"(() => {{ {SCRIPT}; return JSON.stringify({expression}); }})()")
    if isinstance(said, dict) and "refused" in said:
        raise RuntimeError(f"The page could not be asked for {expression}: {json.dumps(said)}")
    return said
