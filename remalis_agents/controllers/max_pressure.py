"""Max pressure: the phase with the greatest difference between what waits before it and what stands behind it."""

from __future__ import annotations

from typing import Literal

from remalis_agents.controllers.base import IntArray, Junctions, PhaseController
from remalis_envs.errors import unknown

Measure = Literal["count", "halting"]


class MaxPressureController(PhaseController):
    """Max pressure (Varaiya, 2013), on counts of vehicles.

    ``w(p) = sum over lanes l served by p of [x(l) - mean over exits of l of y(exit)]``, where x(l) is the number of
    vehicles on lane l and y(exit) the mean number on a lane of the exit road. At each decision the legal phase of the
    greatest w is shown. Minimum green and clearance are the environment's.

    Varaiya's controller switches without loss. Here a change costs the clearance, 5 s and more of a decision's 5 s, so
    another phase must be better by more than ``margin_veh``. On the training demand of ``easy``, margins of 0, 0.5 and
    1 vehicle differ by 2%, while a shortest green of 10 or 15 s makes delay a quarter or a half longer.

    Args:
        measure: ``count`` for all vehicles on a lane, ``halting`` for those that stand (exits count all).
        margin_veh: Least gain in pressure for which the signal changes.
    """

    name = "max_pressure"

    def __init__(self, measure: Measure = "count", margin_veh: float = 0.5) -> None:
        if measure not in ("count", "halting"):
            raise unknown("measure of max pressure", measure, ("count", "halting"))
        self.measure, self.margin_veh = measure, margin_veh

    def _choose(self, seen: Junctions) -> IntArray:
        pressure = seen.phase("pressure")
        if self.measure == "halting":
            pressure = pressure - seen.phase("vehicles") + seen.phase("queue")
        return seen.best(pressure, margin=self.margin_veh)
