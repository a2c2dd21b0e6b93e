"""Means and deviations over what really acted, in all learners together, and advantages in units of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from remalis_agents.networks.distributed import summed

Array = NDArray[Any]


def moments(values: Array, weights: Array, groups: Array, count: int, device: Any = "cpu") -> tuple[Array, Array]:
    """Weighted mean and standard deviation of each group, over the batches of all learners.

    Args:
        values: ``[...]``.
        weights: ``[...]``, 0 for what does not count.
        groups: ``[...]`` integer, which group each value belongs to.
        count: number of groups; the same in all learners.
        device: where learners exchange tensors.

    Returns:
        Two arrays ``[count]``; 0 for groups in which nothing counts.
    """
    index, rows, seen = groups.ravel(), values.ravel().astype(np.float64), weights.ravel().astype(np.float64)

    def total(per_value: Array) -> Array:
        own = np.bincount(index, per_value, minlength=count)
        return summed(torch.as_tensor(own, dtype=torch.float64, device=device)).cpu().numpy()

    weight = np.maximum(total(seen), 1.0)
    mean = total(seen * rows) / weight
    # Not E[x²] - E[x]²: returns far from 0 would lose their digits.
    variance = total(seen * (rows - mean[index]) ** 2) / weight
    return mean, np.sqrt(variance)


def normalised(values: Array, weights: Array, groups: Array, count: int, device: Any = "cpu") -> Array:
    """Values less the mean of their group, in units of its deviation; arguments as for :func:`moments`."""
    mean, deviation = moments(values, weights, groups, count, device)
    return ((values - mean[groups]) / np.maximum(deviation, 1e-4)[groups]).astype(np.float32)
