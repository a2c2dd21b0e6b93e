"""The team's action distribution: one categorical an agent, nothing summed over the team."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core.distribution.torch.torch_distribution import TorchDeterministic, TorchDistribution
from torch import Tensor

from remalis_agents.networks.acting import draw


class TeamCategorical(TorchDistribution):
    """N independent categoricals; ``logp``, ``entropy`` and ``kl`` stay per agent.

    Shapes:
        logits ``[..., N, A]``; actions, log-probabilities, entropies and divergences ``[..., N]``.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits=logits)

    def _get_torch_distribution(self, logits: Tensor) -> Any:
        # Plain log-probabilities: torch's own class validates at each call, which costs more than the sampling.
        self.log_probabilities = torch.log_softmax(logits, -1)
        return None

    def sample(self, *, sample_shape: Any = None) -> Tensor:
        if sample_shape:
            raise NotImplementedError("A team distribution draws one action an agent; draw again for more.")
        return draw(self.log_probabilities)

    def rsample(self, *, sample_shape: Any = None) -> Tensor:
        raise NotImplementedError("Actions are discrete: a draw has no gradient.")

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        return self.log_probabilities.gather(-1, value.long().unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(self.log_probabilities.exp() * self.log_probabilities).sum(-1)

    def kl(self, other: TeamCategorical) -> Tensor:  # type: ignore[override]
        p = self.log_probabilities
        return (p.exp() * (p - other.log_probabilities)).sum(-1)

    def to_deterministic(self) -> TorchDeterministic:
        return TorchDeterministic(loc=self.logits.argmax(-1))

    @staticmethod
    def required_input_dim(space: Any, **kwargs: Any) -> int:
        return int(space.nvec.sum())
