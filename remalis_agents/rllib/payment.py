"""Whose rewards an agent is paid: its own, its neighbourhood's or the whole team's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

REWARD_SCOPES = ("individual", "neighbourhood", "team")


def paid(rewards: NDArray[Any], alive: NDArray[Any], adjacency: NDArray[Any], scope: str) -> NDArray[np.float32]:
    r"""What each agent is paid for a step.

    .. math:: p_i = \frac{\sum_j S_{ij} a_j r_j}{\sum_j S_{ij} a_j}

    where :math:`a` says who is alive and :math:`S` whose rewards count: the identity, the adjacency with the agent
    itself, or everybody. An agent whose scope holds nobody alive is paid 0.

    Args:
        rewards: ``[*, N]``, what each agent earned by the step.
        alive: ``[*, N]``, who took part when it was decided.
        adjacency: ``[*, N, N]``, whom row i was adjacent to then.
        scope: one of :data:`REWARD_SCOPES`.

    Returns:
        ``[*, N]``; ``rewards`` themselves for ``"individual"``.
    """
    if scope == "individual":
        return np.asarray(rewards, np.float32)
    if scope == "team":
        reach = np.ones_like(adjacency, np.float32)
    else:
        reach = ((np.asarray(adjacency) > 0) | np.eye(adjacency.shape[-1], dtype=bool)).astype(np.float32)
    counted = reach * np.asarray(alive, np.float32)[..., None, :]
    earned = (counted * np.asarray(rewards, np.float32)[..., None, :]).sum(-1)
    return (earned / np.maximum(counted.sum(-1), 1.0)).astype(np.float32)
