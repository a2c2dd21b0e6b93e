"""What need not be worked out anew at each step: results that hold until the tensors behind them change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def same(known: Sequence[Tensor], given: Sequence[Tensor]) -> bool:
    """Whether two rows of tensors are alike in shape, type, place and value."""
    return all(
        one.shape == other.shape
        and one.dtype == other.dtype
        and one.device == other.device
        and torch.equal(one, other)
        for one, other in zip(known, given, strict=True)
    )


class Kept:
    """One result that depends on a few small tensors alone, such as weights.

    It is kept only where nothing learns through it: in passes without gradients. Values are compared, because torch
    does not count every change of a tensor (a fused optimiser's, say).
    """

    def __init__(self) -> None:
        self._known: tuple[list[Tensor], Tensor] | None = None

    def of(self, behind: Sequence[Tensor], make: Callable[[], Tensor]) -> Tensor:
        """What ``make()`` gives, or gave when ``behind`` was the same."""
        device = behind[0].device.type
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled(device):
            return make()
        if self._known is None or not same(self._known[0], behind):
            self._known = [one.clone() for one in behind], make()
        return self._known[1]
