"""Sums over the learners that train one model together; where there is one, it is on its own and nothing happens."""

from __future__ import annotations

import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    """Which of the learners this process is, from 0."""
    return dist.get_rank() if _several() else 0


def summed(tensor: Tensor) -> Tensor:
    """The sum of every learner's ``tensor``, the same bits in each of them.

    All of them must call it, in the same order and with the same shape; the tensor lies on the model's device.
    """
    if not _several():
        return tensor
    total = tensor.clone()
    dist.all_reduce(total)
    return total


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
