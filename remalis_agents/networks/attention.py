"""Attention over those whom an agent hears."""

from __future__ import annotations

from torch import Tensor

OUT_OF_REACH = -1e9


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Weights that sum to 1 over what is allowed, and are exactly 0 elsewhere.

    Args:
        scores: ``[..., K]``.
        mask: ``[..., K]``, 1 where allowed.

    Returns:
        ``[..., K]``; a row that allows nothing is 0 throughout.
    """
    return scores.masked_fill(mask == 0, OUT_OF_REACH).softmax(-1) * mask
