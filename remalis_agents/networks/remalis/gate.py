"""The gate: whether an agent talks in a step at all, within a budget."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import layers_of, linear
from remalis_agents.networks.remalis.draws import Draws
from remalis_agents.networks.remalis.losses import weighted

_TALKS_FIRST = 2.0


class Gate(nn.Module):
    r"""Opens with a probability of its own in each step.

    .. math:: g_i \sim \mathrm{Bernoulli}(\sigma(w \cdot x_i + b)), \quad L = (\overline{\sigma(\cdot)} - B)^2

    A decision like an action: drawn, stored, and part of the agent's log-probability. The loss holds the share of open
    gates at the budget B.

    Args:
        inputs: width of x.
        budget: B.
    """

    def __init__(self, inputs: int, budget: float) -> None:
        super().__init__()
        self.budget = budget
        self.look = linear(inputs, 1, 0.01)
        for part in layers_of(self.look):
            nn.init.constant_(part.bias, _TALKS_FIRST)
        self.draws = Draws("gate")

    def forward(self, inputs: Tensor, drawn: Tensor | None, sample: bool) -> tuple[Tensor, Tensor]:
        """Open gates and logits, each ``[*, N]``, from inputs ``[*, N, inputs]``."""
        logits = self.look(inputs).squeeze(-1)
        if drawn is not None:
            return drawn, logits
        return self.draws.happens(logits.sigmoid()) if sample else (logits > 0).to(logits.dtype), logits

    def budget_loss(self, logits: Tensor, counted: Tensor) -> Tensor:
        """Squared distance of the share of open gates to the budget, scalar."""
        return (weighted(torch.sigmoid(logits), counted) - self.budget).square()
