"""Running scale of a network's inputs: what a feature's usual size is, learnt from the batches seen.

A queue of two cars reads 0.1 and a flag reads 1; a network fed with both learns the flag first. Andrychowicz et al.,
"What Matters in On-Policy Reinforcement Learning?", 2020, arXiv:2006.05990, section 3.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RunningScale(nn.Module):
    r"""Maps each feature to :math:`\mathrm{clip}((x - \mu) / \sigma, \pm 10)`.

    The statistics are buffers: part of checkpoints, sent to env runners, moved by :meth:`observe` only. So a forward
    pass in the learner equals the one that acted, until the batch is used up. They settle after ``settled`` batches.

    Args:
        features: F.
        settled: batches after which the statistics stand still.

    Shapes:
        ``[..., F]`` -> ``[..., F]``.
    """

    mean: Tensor
    std: Tensor
    batches: Tensor

    def __init__(self, features: int, settled: int = 20) -> None:
        super().__init__()
        self.settled = settled
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        return ((features - self.mean) / self.std).clamp(-10.0, 10.0)

    @torch.no_grad()
    def observe(self, features: Tensor, weights: Tensor) -> None:
        """Moves the statistics by one batch, each batch counting the same.

        Args:
            features: ``[..., F]``.
            weights: ``[...]``, 0 for rows that are padding.
        """
        total = weights.sum()
        if self.batches >= self.settled or total < 1:
            return
        rows = weights.unsqueeze(-1)
        lead = tuple(range(features.dim() - 1))
        mean = (features * rows).sum(lead) / total
        variance = ((features - mean).square() * rows).sum(lead) / total
        share = 1.0 / (self.batches + 1)
        spread = (1 - share) * self.std.square() + share * (variance + (1 - share) * (mean - self.mean).square())
        if self.batches == 0:
            spread = variance
        self.mean += share * (mean - self.mean)
        # A feature that never moved may move later: it must not be blown up then.
        self.std.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)).sqrt())
        self.batches += 1
