"""Which concepts are mistaken for which: the confusion matrix, its memory, and what both do to grounding (3.3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.distributed import summed
from remalis_agents.networks.layers import linear, sharing
from remalis_agents.networks.remalis.kept import Kept

GATES = ("damp", "literal", "off")


class Confusion(nn.Module):
    r"""Running confusion C, ``[V, V]`` (equation 10), and the memory M of all confusions ever (equation 12).

    Row i of C is what concept i was taken for, as shares of the steps at which it was true. Both stand still while
    agents act and while a batch is learnt from; :meth:`observe` moves them once for each step collected. They are
    buffers: part of checkpoints, the same in every runner and learner.

    The gate multiplies concept logits by :math:`1 - \lambda \kappa_j`, where

    .. math:: \kappa_j = \tfrac12 \sum_{i \ne j} (C_{ij} + C_{ji}) \in [0, 1]

    (clipped) is how much of concept j is confusion: what is often mistaken counts for less. The paper's own product
    (``literal``), with :math:`\lambda \kappa_j` as factor, strengthens what is confused, and silences what is not.

    Args:
        concepts: V.
        gate: one of :data:`GATES`.
        strength: :math:`\lambda`, in [0, 1].
        rate: weight of a batch in C.
    """

    matrix: Tensor
    memory: Tensor

    def __init__(self, concepts: int, gate: str = "damp", strength: float = 0.5, rate: float = 0.05) -> None:
        super().__init__()
        self.gate, self.strength, self.rate = gate, strength, rate
        self._share = Kept()
        self.register_buffer("matrix", torch.zeros(concepts, concepts))
        self.register_buffer("memory", torch.zeros(concepts, concepts))

    def factors(self) -> Tensor:
        """What each concept's logit is multiplied with, ``[V]``."""
        share = self._share.of((self.matrix,), self._mistaken)
        return self.strength * share if self.gate == "literal" else 1.0 - self.strength * share

    def _mistaken(self) -> Tensor:
        mistaken = self.matrix - torch.diag(self.matrix.diagonal())
        return (0.5 * (mistaken.sum(0) + mistaken.sum(1))).clamp(max=1.0)

    def forward(self, logits: Tensor) -> Tensor:
        """Gated concept logits ``[..., V]``."""
        return logits if self.gate == "off" else logits * self.factors()

    @torch.no_grad()
    def observe(self, true: Tensor, taken_for: Tensor, weights: Tensor) -> None:
        """Takes note of a batch of steps.

        Args:
            true: ``[...]`` integer, the true concept; -1 where it is not known.
            taken_for: ``[...]`` integer, the concept that grounding thought likeliest.
            weights: ``[...]``, 0 for steps that do not count.
        """
        size = len(self.matrix)
        counted = (weights > 0) & (true >= 0)
        pairs = (true * size + taken_for)[counted]
        counts = summed(torch.bincount(pairs, minlength=size * size).view(size, size).to(self.matrix.dtype))
        seen = counts.sum(-1, keepdim=True)
        shares = counts / seen.clamp(min=1.0)
        # The first time that a concept is seen its row is set; later it moves.
        rate = torch.where(self.matrix.sum(-1, keepdim=True) > 0, self.rate, 1.0) * (seen > 0)
        self.matrix += rate * (shares - self.matrix)
        self.memory += counts - torch.diag(counts.diagonal())


class ConfusionLoss(nn.Module):
    r"""The price of confusing concepts (equation 11).

    .. math:: L = \frac1V \sum_{i \ne j} A(c_i, c_j)\, \mathrm{Conf}(c_i, c_j)

    with Conf the batch's soft confusion, the mean probability of j where i was true, and A weights of mean 1 over the
    pairs, by how alike the two concepts' embeddings are. A does not learn from this loss: learnt jointly it would look
    away from what is confused. With ``adversarial`` it learns to look there instead.

    Args:
        width: of concept embeddings.
        adversarial: whether A has weights of its own, trained to make the loss large.
    """

    def __init__(self, width: int, adversarial: bool = False) -> None:
        super().__init__()
        self.look = None
        if adversarial:
            with sharing(None):
                self.look = linear(width, width, 1.0, bias=False)

    def attention(self, embeddings: Tensor) -> Tensor:
        """A, ``[V, V]``, 0 on the diagonal and of mean 1 elsewhere; from embeddings ``[V, width]``."""
        fixed = embeddings.detach()
        asked = fixed if self.look is None else _reversed(self.look(fixed))
        scores = asked @ fixed.T / fixed.shape[-1] ** 0.5
        others = ~torch.eye(len(fixed), dtype=torch.bool, device=fixed.device)
        weights = scores.masked_fill(~others, -1e9).flatten().softmax(0).view_as(scores)
        return weights * others.sum()

    def forward(self, probabilities: Tensor, true: Tensor, weights: Tensor, embeddings: Tensor) -> Tensor:
        """The loss, scalar.

        Args:
            probabilities: ``[..., V]`` of the concepts.
            true: ``[...]`` integer, -1 where unknown.
            weights: ``[...]``, 0 for steps that do not count.
            embeddings: ``[V, width]``.
        """
        size = probabilities.shape[-1]
        counted = weights * (true >= 0)
        rows = nn.functional.one_hot(true.clamp(min=0), size).to(probabilities.dtype) * counted.unsqueeze(-1)
        rows, taken = rows.reshape(-1, size), probabilities.reshape(-1, size)
        confusion = rows.T @ taken / rows.sum(0).unsqueeze(-1).clamp(min=1.0)
        return (self.attention(embeddings) * confusion).sum() / size


class _Reverse(torch.autograd.Function):
    """The identity, whose gradient has the other sign."""

    @staticmethod
    def forward(ctx: object, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return -gradient


def _reversed(value: Tensor) -> Tensor:
    result: Tensor = _Reverse.apply(value)  # type: ignore[no-untyped-call]
    return result
