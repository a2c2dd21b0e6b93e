"""What an episode came to so far: its figures, and the true state of it all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from remalis_envs.web.candidates import host_of
from remalis_envs.web.episode import Episode
from remalis_envs.web.notebook import CAPACITY
from remalis_envs.web.sites.protocol import ScriptedWorld
from remalis_envs.web.vocabulary import SUBGOALS

_SUBTASKS, _AGENT = 32, len(SUBGOALS) + 4


def figures(episode: Episode) -> dict[str, float]:
    """The episode's figures; see ``WebEnv.metrics``."""
    outcomes, steps, world = episode.outcomes, max(1, episode.step), episode.drawn.world
    return {
        "success": float(outcomes.success),
        "rubric_share": outcomes.rubric_share,
        "steps": float(episode.step),
        "unsafe_actions": float(outcomes.unsafe),
        "confirmed": float(episode.confirmed),
        "subtasks_share": len(outcomes.finished) / max(1, len(episode.task.subtasks)),
        "aligned_share": outcomes.aligned / outcomes.pairs if outcomes.pairs else float("nan"),
        "dependent_pairs": float(outcomes.pairs),
        "coordination_time_steps": outcomes.coordination_steps(),
        "masked_actions": float(episode.masked),
        "prevented_actions": float(episode.order.prevented),
        "busy_share": episode.busy / (steps * len(episode.desks)),
        "notes": float(episode.notebook.count),
        "free_texts": float(episode.free_texts),
        **(world.figures() if isinstance(world, ScriptedWorld) else {}),
    }


def state_size(agents: int) -> int:
    """Length of :func:`state`."""
    return _SUBTASKS + 4 + agents * _AGENT


def state(episode: Episode) -> npt.NDArray[np.float32]:
    """The true state: sub-tasks finished, the share that holds, harm, budget, notes, and each agent's doings."""
    out = np.zeros(state_size(len(episode.desks)), np.float32)
    for k, one in enumerate(episode.task.subtasks[:_SUBTASKS]):
        out[k] = one.name in episode.outcomes.finished
    rest = out[_SUBTASKS:]
    rest[0], rest[1] = episode.outcomes.rubric_share, episode.outcomes.harm
    rest[2], rest[3] = episode.budget_left / episode.task.budget, len(episode.notebook.notes) / CAPACITY
    for k, (desk, report) in enumerate(zip(episode.desks, episode.reports, strict=True)):
        own = rest[4 + k * _AGENT :]
        own[report.subgoal] = 1.0
        host = host_of(desk.reading)
        own[len(SUBGOALS)] = episode.hosts.index(host) / 8.0 if host in episode.hosts else 1.0
        own[len(SUBGOALS) + 1] = min(len(desk.reading.items) / 100.0, 4.0)
        own[len(SUBGOALS) + 2] = desk.depth / 10.0
        own[len(SUBGOALS) + 3] = desk.reading.dialog
    return out
