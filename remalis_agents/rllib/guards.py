"""What watches over an update: losses that are no numbers, gradients that jump."""

from __future__ import annotations

import tempfile
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from remalis_agents.networks.distributed import rank
from remalis_envs.errors import RemalisError


class LossError(RemalisError, ArithmeticError):
    """A term of the loss is not a number; the message names it and the file with the batch."""


def lost(terms: list[str], batch: Mapping[str, Any], weights: Mapping[str, Any], folder: str | None) -> LossError:
    """Saves a batch whose loss is not a number, and builds the error that says so.

    The file holds ``terms``, ``batch`` and ``weights`` (the policy's state before the batch), for ``torch.load``.

    Args:
        terms: the names of the terms.
        batch: the minibatch, tensors in nested mappings.
        weights: the policy's state.
        folder: where to save; None, or a folder that this machine cannot write, for a temporary one.
    """
    content = {"terms": terms, "batch": _plain(batch), "weights": _plain(weights)}
    try:
        if folder is None:
            raise FileNotFoundError
        path = Path(folder) / f"lost_batch_{rank()}.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, path)
    except OSError:
        path = Path(tempfile.mkdtemp(prefix="remalis-")) / f"lost_batch_{rank()}.pt"
        torch.save(content, path)
    return LossError(
        f"Training stopped because the loss is not a finite number: {' and '.join(terms)}. The batch and the weights "
        f"before it are in {path}; a lower lr or grad_clip, or rewards of a smaller scale, may help."
    )


def _plain(value: Any) -> Any:
    """Nested mappings of tensors, without the classes around them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, Tensor):
        return value.detach().cpu()
    return torch.as_tensor(value)


SPIKE = 5.0
"""A gradient is a spike when its norm is so many times the running median."""
HISTORY = 100
"""Minibatches over which the median runs."""
FIRST = 10
"""Minibatches that a median needs before anything is called a spike."""


class GradientWatch:
    """Norms of the loss's gradient with respect to what each role's agents put out.

    Cheaper than norms over weights, and it tells roles apart that share weights: a jump says whose data it came from.
    """

    def __init__(self) -> None:
        self._outputs: list[Tensor] = []
        self._norms: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=HISTORY))

    def watch(self, outputs: list[Tensor], roles: Tensor, weights: Tensor) -> None:
        """Keeps the gradients of outputs (``[*, N]`` or ``[*, N, A]``) that come with the next backward pass.

        Args:
            outputs: of the pass that the loss is made from.
            roles: ``[*, N]`` integer.
            weights: ``[*, N]``, 0 for rows without an agent, whose role says nothing.
        """
        self._outputs = [output for output in outputs if output.requires_grad]
        self._roles, self._weights = roles.flatten(), weights.flatten()
        for output in self._outputs:
            output.retain_grad()

    def look(self) -> dict[str, float]:
        """After the backward pass: ``grad_norm_role_<k>``, and ``grad_spikes_role_<k>``, 1 where it is a spike."""
        gradients = [output.grad for output in self._outputs if output.grad is not None]
        self._outputs = []
        if not gradients:
            return {}
        roles = self._roles
        squares = torch.stack([g.square().reshape(len(roles), -1).sum(-1) for g in gradients]).sum(0)
        count = int(roles.max()) + 1
        sums = torch.zeros(count, device=roles.device).index_add_(0, roles, squares).sqrt().tolist()
        figures: dict[str, float] = {}
        for role in roles[self._weights > 0].unique().tolist():
            norm, before = sums[role], self._norms[role]
            figures[f"grad_norm_role_{role}"] = norm
            figures[f"grad_spikes_role_{role}"] = float(len(before) >= FIRST and norm > SPIKE * median(before))
            before.append(norm)
        return figures
