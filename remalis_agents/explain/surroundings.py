"""What an environment says of itself that a drawing needs: where agents stand, how long a step is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def places(parallel_env: Any, agents: Sequence[str], adjacency: NDArray[Any]) -> NDArray[np.float64]:
    """Where agents stand on a drawing, ``[N, 2]``: on the map where there is one, else in a ring.

    x goes to the right and y down; two neighbouring agents are about 1 apart.

    Args:
        parallel_env: the environment; one with a road network has places of its own.
        agents: names, in the order of rows.
        adjacency: ``[N, N]``, who may talk to whom: in a ring neighbours stand side by side.
    """
    points = _on_the_map(parallel_env, agents)
    if points is None:
        points = _ring(np.asarray(adjacency)[: len(agents), : len(agents)])
    points = points - points.min(0)
    return points / _usual_distance(points)


def _on_the_map(parallel_env: Any, agents: Sequence[str]) -> NDArray[np.float64] | None:
    intersections = getattr(getattr(parallel_env, "network", None), "intersections", ())
    found = {one.id: (one.x_m, -one.y_m) for one in intersections}
    if any(agent not in found for agent in agents):
        return None
    return np.array([found[agent] for agent in agents], np.float64)


def _ring(adjacency: NDArray[Any]) -> NDArray[np.float64]:
    n = len(adjacency)
    order: list[int] = []
    for first in range(n):
        waiting = [first]
        while waiting:
            agent = waiting.pop(0)
            if agent not in order:
                order.append(agent)
                waiting += [int(other) for other in np.flatnonzero(adjacency[agent]) if other not in order]
    angle = np.empty(n)
    angle[order] = 2 * np.pi * np.arange(n) / max(n, 1) - np.pi * (0.5 + 1 / max(n, 1))
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def _usual_distance(points: NDArray[np.float64]) -> float:
    """Median distance from an agent to the one nearest to it; 1 for an agent alone."""
    if len(points) < 2:
        return 1.0
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(gaps, np.inf)
    return float(np.median(gaps.min(1))) or 1.0


def seconds_of_a_step(parallel_env: Any) -> float | None:
    """Simulated seconds from decision to decision; None where the environment has no clock."""
    timing = getattr(getattr(getattr(parallel_env, "config", None), "scenario", None), "timing", None)
    found = getattr(timing, "decision_s", None)
    return None if found is None else float(found)


class ActionTexts:
    """What actions are called, as the environment says it."""

    def __init__(self, parallel_env: Any, agents: Sequence[str]) -> None:
        self._texts = getattr(parallel_env, "action_texts", None)
        self._agents = agents
        self.known: dict[str, int] = {}
        """Every text met so far, and its number."""

    def note(self, actions: NDArray[np.int64], action_mask: NDArray[Any]) -> NDArray[np.int64] | None:
        """The numbers of the chosen actions' texts, ``[N]``, -1 for none; to be asked before the actions are played."""
        if not callable(self._texts):
            return None
        found = np.full(len(self._agents), -1, np.int64)
        for row, agent in enumerate(self._agents):
            legal, action = action_mask[row], actions[row]
            if not legal[action]:
                continue
            texts = self._texts(agent)
            if len(texts) == legal.sum():
                text = texts[int(legal[:action].sum())]
                found[row] = self.known.setdefault(text, len(self.known))
        return found
