"""What every team network is: one forward pass over the whole team."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Any, NamedTuple

from torch import Tensor, nn


class TeamOutput(NamedTuple):
    """What a network says about a batch of B teams of N agents with A actions."""

    logits: Tensor
    """``[B, N, A]``, before the action mask."""
    values: Tensor
    """``[B, N]``, in the learner's normalised units where values are normalised."""
    extras: dict[str, Any]
    """Whatever a method's own losses and records need."""


class TeamNetwork(nn.Module, ABC):
    """Base of all team networks.

    Subclasses take ``(observation_size, action_count)`` and their own options as keyword arguments. Parameters must
    not depend on the number of agents, so that one checkpoint runs on every scenario.
    """

    @abstractmethod
    def forward(self, observations: Tensor, alive: Tensor, adjacency: Tensor) -> TeamOutput:
        """One pass over the team.

        Args:
            observations: ``[B, N, D]`` float.
            alive: ``[B, N]`` float, 1 for agents that take part.
            adjacency: ``[B, N, N]`` float, 1 where row i may hear column j.
        """

    def values(self, observations: Tensor, alive: Tensor, adjacency: Tensor) -> Tensor:
        """Values ``[B, N]`` alone; override where they cost less than the whole pass."""
        return self(observations, alive, adjacency).values

    def logits(self, observations: Tensor, alive: Tensor, adjacency: Tensor) -> Tensor:
        """Logits ``[B, N, A]`` alone, for acting; override where they cost less than the whole pass."""
        return self(observations, alive, adjacency).logits

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        """Takes note of a batch after it was learnt from; for running statistics of the inputs."""


def mlp(sizes: list[int], last_gain: float | None = None) -> nn.Sequential:
    """Linear layers with ReLU between them, orthogonally initialised.

    Args:
        sizes: widths from input to output.
        last_gain: gain of the last layer, which then has no ReLU after it; None for ReLU after every layer.
    """
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        layer = nn.Linear(inputs, outputs)
        nn.init.orthogonal_(layer.weight, last_gain if last and last_gain is not None else 2**0.5)
        nn.init.zeros_(layer.bias)
        layers.append(layer)
        if not (last and last_gain is not None):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)
