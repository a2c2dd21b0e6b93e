"""What a recording comes to: how often beliefs, plans and concepts were right, and what was said."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remalis_agents.explain.recording import Recording

INTENDED = ("plan", "next_subgoal", "goal")
"""Where a recording says what an agent is after: the plan that stands, what its intention says comes next, its goal."""


class Beliefs(NamedTuple):
    """What became of beliefs, ``[T, N, K]``: row i of a step is agent i's beliefs about the agents in its slots."""

    right: NDArray[np.bool_]
    """Whether the likeliest sub-goal was the one that the teammate then served."""
    counted: NDArray[np.bool_]
    """Whether the teammate was heard and both took part, so that there was a belief to be right or wrong."""
    chance: NDArray[np.float64]
    """How often a guess among the sub-goals that the teammate has would be right."""
    commonest: NDArray[np.bool_]
    """Whether always naming the sub-goal that the teammate serves most in this episode would be right."""

    def share(self, what: NDArray[np.generic], axis: tuple[int, ...] | None = None) -> NDArray[np.float64]:
        """Mean of ``what`` over all that counts, along ``axis``; nan where nothing does."""
        counts = self.counted.sum(axis)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = np.where(self.counted, what, 0.0).sum(axis) / counts
        return found


def beliefs(recording: Recording) -> Beliefs | None:
    """How right the agents were about each other; None where they hold no beliefs."""
    if recording.belief is None or recording.delivered is None or recording.neighbour is None:
        return None
    served = recording.served_by_neighbour()
    who = np.maximum(recording.neighbour, 0)
    steps = np.arange(recording.steps)[:, None, None]
    own = recording.alive[:, :, None] & recording.alive[steps, who]
    counted = recording.delivered & (served >= 0) & own
    choices = recording.exists.sum(-1)[steps, who]
    usual = np.array([_commonest(recording.served[:, agent]) for agent in range(len(recording.agents))])
    return Beliefs(
        (recording.belief.argmax(-1) == served) & counted,
        counted,
        1.0 / np.maximum(choices, 1),
        (usual[who] == served) & counted,
    )


def _commonest(served: NDArray[np.int64]) -> int:
    known = served[served >= 0]
    return int(np.bincount(known).argmax()) if len(known) else -1


def by_teammate(recording: Recording, found: Beliefs) -> NDArray[np.float64]:
    """``[N]``, how often what others believed of each agent was right; nan where nobody heard it."""
    assert recording.neighbour is not None
    who, n = recording.neighbour[found.counted], len(recording.agents)
    counts = np.bincount(who, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.bincount(who, weights=found.right[found.counted], minlength=n) / counts


def came_true(recording: Recording, what: str) -> NDArray[np.float64]:
    """``[N]``, share of steps in which the likeliest sub-goal of ``what`` was the one then served; nan for none.

    Args:
        recording: of the episode.
        what: one of :data:`INTENDED`.
    """
    known = recording.served >= 0
    right = (getattr(recording, what).argmax(-1) == recording.served) & known
    with np.errstate(invalid="ignore", divide="ignore"):
        return right.sum(0) / known.sum(0)


def over_all(recording: Recording, what: str) -> float:
    """:func:`came_true` over all agents together; nan where nothing was served."""
    known = recording.served >= 0
    right = (getattr(recording, what).argmax(-1) == recording.served) & known
    return float(right.sum() / known.sum()) if known.any() else float("nan")


def clearest(recording: Recording) -> str:
    """Which of intention and plan came true more often: the one to look at first."""
    plan, intended = (np.nan_to_num(over_all(recording, what)) for what in ("plan", "next_subgoal"))
    return "plan" if plan > intended else "next_subgoal"


def concepts_met(recording: Recording) -> NDArray[np.int64]:
    """``[V, V]``, how often each true concept (rows) was taken for each (columns) in this episode."""
    size = len(recording.confusion_matrix)
    known = recording.concept_true >= 0
    taken = recording.concept_believed[known].argmax(-1) if known.any() else np.empty(0, np.int64)
    pairs = recording.concept_true[known] * size + taken
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def moving_mean(values: NDArray[np.float64], weights: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Weighted mean over the last ``width`` steps of each step's value; nan where no step of them counts.

    Args:
        values: ``[T]``; what it is where the weight is 0 does not matter.
        weights: ``[T]``, how much each step counts.
        width: of the window, at the beginning shorter.
    """
    totals = np.concatenate([[0.0], np.cumsum(np.where(weights > 0, np.nan_to_num(values) * weights, 0.0))])
    counts = np.concatenate([[0.0], np.cumsum(weights)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = (totals[ends] - totals[starts]) / (counts[ends] - counts[starts])
    return found


def bytes_by_kind(recording: Recording) -> NDArray[np.int64]:
    """``[P, T]``, bytes that arrived in each step, by kind of message; no rows where nobody talks."""
    rows = recording.messages()
    found = np.zeros((len(recording.meta["kinds"]), recording.steps), np.int64)
    np.add.at(found, (rows["kind"], rows["arrival"]), rows["bytes"])
    return found
