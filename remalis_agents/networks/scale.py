"""Running scales of a network's inputs and of the returns it learns to predict, moved by the batches seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.distributed import summed


class RunningScale(nn.Module):
    r"""Maps each feature to :math:`\mathrm{clip}((x - \mu) / \sigma, \pm 10)`.

    A queue of two cars reads 0.1 and a flag reads 1; a network fed with both learns the flag first. Andrychowicz et
    al., "What Matters in On-Policy Reinforcement Learning?", 2020, arXiv:2006.05990, section 3.3.

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
        """Moves the statistics by one batch, each batch counting the same; several learners' batches are one.

        Args:
            features: ``[..., F]``.
            weights: ``[...]``, 0 for rows that are padding.
        """
        if self.batches >= self.settled:
            return
        total = summed(weights.sum())
        if total < 1:
            return
        rows = weights.unsqueeze(-1)
        lead = tuple(range(features.dim() - 1))
        mean = summed((features * rows).sum(lead)) / total
        variance = summed(((features - mean).square() * rows).sum(lead)) / total
        share = 1.0 / (self.batches + 1)
        spread = (1 - share) * self.std.square() + share * (variance + (1 - share) * (mean - self.mean).square())
        if self.batches == 0:
            spread = variance
        self.mean += share * (mean - self.mean)
        # A feature that never moved may move later: it must not be blown up then.
        self.std.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)).sqrt())
        self.batches += 1


class ReturnScale(nn.Module):
    r"""Running mean and deviation of returns, in whose units values are learnt, with outputs preserved (PopArt).

    When the scale moves, the last layer of the value is changed so that its values in units of the return stay what
    they were:

    .. math:: W \leftarrow W \sigma / \sigma', \quad b \leftarrow (b \sigma + \mu - \mu') / \sigma'

    van Hasselt et al., "Learning values across many orders of magnitude", 2016, arXiv:1602.07714.
    """

    mean: Tensor
    std: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))
        self.register_buffer("count", torch.zeros(()))

    def normalise(self, returns: Tensor) -> Tensor:
        """Returns in the units that the value head learns in."""
        return (returns - self.mean) / self.std

    def restore(self, values: Tensor) -> Tensor:
        """The value head's outputs in units of the return."""
        return values * self.std + self.mean

    @torch.no_grad()
    def observe(self, mean: float, variance: float, heads: list[nn.Linear], weight: float = 0.1) -> None:
        """Moves the scale towards a batch of returns; the first batch sets it.

        Args:
            mean: of the batch.
            variance: of the batch.
            heads: the value's last layers, which are changed along.
            weight: of the batch, against all before it.
        """
        old_mean, old_std = self.mean.item(), self.std.item()
        rate = 1.0 if self.count.item() == 0 else weight
        shift = mean - old_mean
        spread = (1 - rate) * (old_std**2 + rate * shift**2) + rate * variance
        self.mean += rate * shift
        self.std.fill_(max(spread**0.5, 1e-3))
        self.count += 1
        if self.count == 1:  # nothing was learnt yet that could be preserved, and 0 now means a mean return
            return
        for head in heads:
            head.weight.mul_(old_std / self.std)
            head.bias.mul_(old_std).add_(old_mean - self.mean).div_(self.std)
