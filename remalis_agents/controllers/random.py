"""Random control: any legal phase, at every decision."""

from __future__ import annotations

import numpy as np

from remalis_agents.controllers.base import IntArray, Junctions, PhaseController


class RandomController(PhaseController):
    """Draws uniformly among the phases that the mask allows."""

    name = "random"

    def _begin(self, n_agents: int, rng: np.random.Generator) -> None:
        self._rng = rng

    def _choose(self, seen: Junctions) -> IntArray:
        # 0 is excluded, so that no draw of a legal phase is as low as an illegal one's.
        draws = 1.0 - self._rng.random(seen.legal.shape)
        return (draws * seen.legal).argmax(axis=1)
