"""Incidents and weather of an episode, as they begin and end, and the concepts that they put on arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.simulation import Simulation
from remalis_envs.traffic.sources import TripSource

if TYPE_CHECKING:
    from remalis_envs.traffic.scenarios import Scenario


class Disruptions:
    """The drawn incidents of one episode."""

    def __init__(
        self,
        scenario: Scenario,
        index: NetworkIndex,
        simulation: Simulation,
        source: TripSource,
        rng: np.random.Generator,
        end_s: float,
    ) -> None:
        self.arm_concepts: npt.NDArray[np.int64] | None = None
        self.weather_concept = -1

    def update(self, now_s: float, until_s: float) -> None:
        """Begin and end what is due."""
