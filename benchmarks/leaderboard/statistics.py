"""Interquartile means, probabilities of improvement, and bootstrap intervals for a handful of training runs.

The measures are those of Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", 2021,
arXiv:2108.13264. All intervals are percentiles of bootstrap samples, 95%, from a generator with a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Values ``[..., n]`` -> one number for each of the leading places."""

REPETITIONS = 4000
_LEVEL = (2.5, 97.5)
_SEED = 20_211_108


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval; low and high are nan where there is nothing to resample."""

    value: float
    low: float
    high: float


def mean(values: Array) -> Array:
    """Mean over the last axis."""
    return values.mean(axis=-1)


def interquartile_mean(values: Array) -> Array:
    """Mean of the middle half over the last axis: a quarter of the values, rounded down, is cut off at each end."""
    count = values.shape[-1]
    cut = count // 4
    return np.sort(values, axis=-1)[..., cut : count - cut].mean(axis=-1)


def stratified_bootstrap(
    strata: Sequence[npt.ArrayLike], statistic: Statistic, repetitions: int = REPETITIONS
) -> Estimate:
    """A statistic of all values together, resampled within each stratum.

    Args:
        strata: one array of run scores ``[runs]`` for each task.
        statistic: of the scores of all tasks, side by side.
        repetitions: bootstrap samples.
    """
    arrays = [np.asarray(own, dtype=np.float64) for own in strata]
    rng = np.random.default_rng(_SEED)
    drawn = [own[rng.integers(len(own), size=(repetitions, len(own)))] for own in arrays]
    return _estimate(statistic(np.concatenate(arrays)), statistic(np.concatenate(drawn, axis=1)), max(map(len, arrays)))


def run_bootstrap(episodes: npt.ArrayLike, statistic: Statistic, repetitions: int = REPETITIONS) -> Estimate:
    """A statistic of all episodes of all runs of one task, where runs are resampled as wholes.

    Episodes of one trained policy are no independent evidence for a method, so they stay together. A single run has
    nothing else to resample than its episodes, and the interval then says nothing of other training seeds.

    Args:
        episodes: scores ``[runs, episodes]``.
        statistic: of the scores, flattened.
        repetitions: bootstrap samples.
    """
    scores = np.asarray(episodes, dtype=np.float64)
    pooled = scores if len(scores) > 1 else scores.T
    chosen = np.random.default_rng(_SEED).integers(len(pooled), size=(repetitions, len(pooled)))
    return _estimate(statistic(scores.ravel()), statistic(pooled[chosen].reshape(repetitions, -1)), len(pooled))


def paired_difference(ours: npt.ArrayLike, theirs: npt.ArrayLike, repetitions: int = REPETITIONS) -> Estimate:
    """Mean of ``ours - theirs`` over the same episodes; runs and episodes are both resampled.

    Args:
        ours: ``[runs, episodes]``.
        theirs: ``[episodes]``, or ``[runs, episodes]`` of any number of runs, whose mean is taken.
        repetitions: bootstrap samples.
    """
    other = np.atleast_2d(np.asarray(theirs, dtype=np.float64)).mean(axis=0)
    difference = np.asarray(ours, dtype=np.float64) - other
    runs, episodes = difference.shape
    rng = np.random.default_rng(_SEED)
    rows = rng.integers(runs, size=(repetitions, runs, 1))
    columns = rng.integers(episodes, size=(repetitions, 1, episodes))
    return _estimate(difference.mean(), difference[rows, columns].mean(axis=(1, 2)), max(runs, episodes))


def probability_of_improvement(
    ours: Sequence[npt.ArrayLike], theirs: Sequence[npt.ArrayLike], repetitions: int = REPETITIONS
) -> Estimate:
    """How probable it is that a run of ours scores higher than one of theirs, on a task taken at random.

    ``mean over tasks of P(X > Y) + P(X = Y) / 2``, over all pairs of runs (the Mann-Whitney statistic).

    Args:
        ours: one array of run scores ``[runs]`` for each task; higher is better.
        theirs: the same for the other method, on the same tasks.
        repetitions: bootstrap samples, drawn within each task for each method.
    """
    rng = np.random.default_rng(_SEED)
    points, drawn = [], []
    for x, y in zip(ours, theirs, strict=True):
        a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        won = (a[:, None] > b) + 0.5 * (a[:, None] == b)
        points.append(won.mean())
        rows = rng.integers(len(a), size=(repetitions, len(a), 1))
        columns = rng.integers(len(b), size=(repetitions, 1, len(b)))
        drawn.append(won[rows, columns].mean(axis=(1, 2)))
    count = max(max(len(np.asarray(x)), len(np.asarray(y))) for x, y in zip(ours, theirs, strict=True))
    return _estimate(np.mean(points), np.mean(drawn, axis=0), count)


def curve_band(curves: Sequence[Sequence[tuple[float, float]]], points: int = 60) -> list[tuple[float, Estimate]]:
    """Mean learning curve over runs with intervals, on a grid where every run has values.

    Args:
        curves: ``(env_steps, value)`` points of each run, in order of steps.
        points: of the grid.
    """
    known = [np.asarray(curve, dtype=np.float64) for curve in curves if len(curve)]
    if not known:
        return []
    first, last = max(curve[0, 0] for curve in known), min(curve[-1, 0] for curve in known)
    grid = np.linspace(first, last, points) if last > first else np.array([first])
    values = np.stack([np.interp(grid, curve[:, 0], curve[:, 1]) for curve in known])
    return [(float(x), stratified_bootstrap([own], mean, 1000)) for x, own in zip(grid, values.T, strict=True)]


def _estimate(value: float | np.floating | Array, samples: Array, resampled: int) -> Estimate:
    if resampled < 2:
        return Estimate(float(value), math.nan, math.nan)
    low, high = np.percentile(samples, _LEVEL)
    return Estimate(float(value), float(low), float(high))
