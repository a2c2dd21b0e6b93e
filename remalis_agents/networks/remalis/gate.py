"""The gate: whether an agent talks in a step at all, within a budget."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.distributed import summed
from remalis_agents.networks.layers import layers_of, linear
from remalis_agents.networks.remalis.draws import Draws
from remalis_agents.networks.remalis.losses import weighted

_TALKS_FIRST = 2.0


class Gate(nn.Module):
    r"""Opens with a probability of its own in each step.

    .. math:: g_i \sim \mathrm{Bernoulli}(\sigma(w \cdot x_i + b)), \quad L = (\overline{\sigma(\cdot)} - B)^2

    A decision like an action: drawn, stored, and part of the agent's log-probability. The loss holds the share of open
    gates at the budget B. Where the team takes its best actions nothing is drawn, and those gates open that want to
    most: where the logit is above a level that was exceeded, in what was learnt from last, in the share of steps in
    which gates were to open. The likelier side of the coin would keep to no budget.

    Args:
        inputs: width of x.
        budget: B.
    """

    level: Tensor

    def __init__(self, inputs: int, budget: float) -> None:
        super().__init__()
        self.budget = budget
        self.look = linear(inputs, 1, 0.01)
        for part in layers_of(self.look):
            nn.init.constant_(part.bias, _TALKS_FIRST)
        self.draws = Draws("gate")
        self.register_buffer("level", torch.zeros(()))

    def forward(self, inputs: Tensor, drawn: Tensor | None, sample: bool) -> tuple[Tensor, Tensor]:
        """Open gates and logits, each ``[*, N]``, from inputs ``[*, N, inputs]``."""
        logits = self.look(inputs).squeeze(-1)
        if drawn is not None:
            return drawn, logits
        return self.draws.happens(logits.sigmoid()) if sample else (logits > self.level).to(logits.dtype), logits

    def budget_loss(self, logits: Tensor, counted: Tensor) -> Tensor:
        """Squared distance of the share of open gates to the budget, scalar."""
        return (weighted(torch.sigmoid(logits), counted) - self.budget).square()

    @torch.no_grad()
    def observe(self, logits: Tensor, counted: Tensor) -> None:
        """Sets the level by a batch of steps; with several learners, by the mean of theirs.

        Args:
            logits: ``[...]``, as :meth:`forward` gave them.
            counted: ``[...]``, 0 for steps that do not count.
        """
        mine = logits[counted > 0]
        if len(mine):
            mean = mine.sigmoid().mean()
            found = torch.stack([mine.float().quantile(1.0 - mean), torch.ones_like(mean)])
        else:
            found = torch.zeros(2, device=logits.device)
        total, learners = summed(found)
        if learners > 0:
            self.level.copy_(total / learners)
