"""Ambiguity in grounding, as a latent variable (equation 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import linear
from remalis_agents.networks.remalis.draws import Draws

_LOG_STD_BOUNDS = (-5.0, 2.0)


class Ambiguity(NamedTuple):
    """How a grounded embedding may be read."""

    mean: Tensor
    """``[*, N, z]``."""
    log_std: Tensor
    """``[*, N, z]``."""
    noise: Tensor
    """``[*, N, z]``, standard normal: drawn once, and given back when the step is learnt from."""

    def divergence(self) -> Tensor:
        """KL to the unit normal, ``[*, N]``."""
        variance = (2.0 * self.log_std).exp()
        return 0.5 * (variance + self.mean.square() - 1.0 - 2.0 * self.log_std).sum(-1)


class Uncertainty(nn.Module):
    r"""Draws a reading of the grounded embedding.

    .. math:: q(z | x) = \mathcal N(\mu(x), \sigma^2(x)), \quad z = \mu + \sigma \epsilon, \quad e' = e + W z

    By the reparameterisation of Kingma and Welling, "Auto-Encoding Variational Bayes", 2013, arXiv:1312.6114; the
    noise is stored with the step, so that what is learnt from is what was acted on. Where the team takes its best
    action z is the mean.

    Args:
        width: of e.
        size: of z.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.read = linear(width, 2 * size, 0.1)
        self.add = linear(size, width, 0.1, bias=False)
        self.draws = Draws("uncertainty")

    def forward(self, embedding: Tensor, noise: Tensor | None, sample: bool) -> tuple[Tensor, Ambiguity]:
        """The embedding ``[*, N, width]`` as it was read, and how else it may be.

        Args:
            embedding: e.
            noise: as it was drawn when this was acted on; None to draw.
            sample: whether to draw, or to take the mean.
        """
        mean, log_std = self.read(embedding).chunk(2, -1)
        log_std = log_std.clamp(*_LOG_STD_BOUNDS)
        if noise is None:
            noise = self.draws.normal(mean) if sample else torch.zeros_like(mean)
        return embedding + self.add(mean + log_std.exp() * noise), Ambiguity(mean, log_std, noise)
