"""Attention to few: an agent's slots, arms, sub-goals, words.

PyTorch's softmax along the last dimension takes a row at a time, and its matrix products a matrix at a time: with a
handful of numbers in each, several times longer than along all rows at once.
"""

from __future__ import annotations

from torch import Tensor

from remalis_agents.networks.attention import OUT_OF_REACH


def softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Weights that sum to 1 over what is allowed, and are exactly 0 elsewhere.

    Args:
        scores: ``[..., M, K]``, K few.
        mask: ``[..., M, K]``, 1 where allowed; None for everywhere.

    Returns:
        ``[..., M, K]``; a row that allows nothing is 0 throughout.
    """
    across = scores.transpose(-1, -2)
    if mask is None:
        return across.softmax(-2).transpose(-1, -2)
    across = across.masked_fill(mask.transpose(-1, -2) == 0, OUT_OF_REACH)
    return across.softmax(-2).transpose(-1, -2) * mask


def weighted_sum(weights: Tensor, values: Tensor) -> Tensor:
    """``[..., K]`` and ``[..., K, m]`` -> ``[..., m]``."""
    return (weights.unsqueeze(-1) * values).sum(-2)
