"""The things that an agent looks at, read out of its vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.layout import Layout
from remalis_agents.networks.scale import RunningScale


class Entities(nn.Module):
    """Reads the things that an agent looks at out of its vector: its arms, say, or the controls of a page.

    Shapes:
        observations ``[*, N, D]`` -> entities ``[*, N, M, F]``, exists ``[*, N, M]``; the whole vector as the one
        entity where the layout names none.
    """

    def __init__(self, observation_size: int, layout: Layout | None) -> None:
        super().__init__()
        self.layout = layout if layout is not None and layout.entity_start >= 0 else None
        self.features = self.layout.entity_features if self.layout else observation_size
        self.scale = RunningScale(self.features)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        entities, exists = self._split(observations)
        return self.scale(entities) * exists.unsqueeze(-1), exists

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        """Moves the running scale."""
        entities, exists = self._split(observations)
        self.scale.observe(entities, exists * alive.unsqueeze(-1))

    def _split(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        at = self.layout
        if at is None:
            return observations.unsqueeze(-2), torch.ones_like(observations[..., :1])
        block = observations[..., at.entity_start : at.entity_start + at.entity_count * at.entity_features]
        entities = block.unflatten(-1, (at.entity_count, at.entity_features))
        if at.entity_exists < 0:
            return entities, torch.ones_like(entities[..., 0])
        return entities, (entities[..., at.entity_exists] > 0).to(entities.dtype)
