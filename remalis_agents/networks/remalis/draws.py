"""Parts that draw from a generator of their own, so that leaving one out changes no other's draws."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def seed_of(part: str) -> int:
    """A seed for a part, from its name and the seed that torch was given."""
    return (torch.initial_seed() + zlib.crc32(part.encode())) % 2**63


@contextmanager
def weights_of(part: str) -> Iterator[None]:
    """Layers built inside draw their weights from the part's own seed, and take nothing from anybody else's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(part))
        yield


class Draws:
    """Random numbers for one part's forward passes."""

    def __init__(self, part: str) -> None:
        self._part, self._generator = part, torch.Generator()
        self.restart()

    def restart(self) -> None:
        """Begins anew, from the seed that torch was given last."""
        self._generator.manual_seed(seed_of(f"draws of {self._part}"))

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers, shaped and placed as ``like``."""
        return torch.randn(like.shape, generator=self._generator, dtype=torch.float32).to(like.device)

    def happens(self, probability: Tensor) -> Tensor:
        """1 with the given probabilities, else 0."""
        drawn = torch.rand(probability.shape, generator=self._generator).to(probability.device)
        return (drawn < probability.detach()).to(probability.dtype)
