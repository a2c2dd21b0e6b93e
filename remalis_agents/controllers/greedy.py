"""Greedy control: the phase that serves the most vehicles now."""

from __future__ import annotations

from remalis_agents.controllers.base import IntArray, Junctions, PhaseController


class GreedyController(PhaseController):
    """``argmax_p sum over lanes l served by p of n(l)``, where n counts the vehicles that queue on l or approach on it.

    This is what RESCO (Ault and Sharon, 2021) calls MAXWAVE. It looks at no exit, so it may send vehicles into a
    full road, and at no cost of switching.

    Args:
        margin_veh: How many more vehicles another phase must serve before the signal changes.
    """

    name = "greedy"

    def __init__(self, margin_veh: float = 0.0) -> None:
        self.margin_veh = margin_veh

    def _choose(self, seen: Junctions) -> IntArray:
        return seen.best(seen.phase("vehicles"), margin=self.margin_veh)
