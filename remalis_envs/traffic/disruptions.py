"""Incidents and weather of an episode, as they begin and end, and the concepts that they put on arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.simulation import Simulation
from remalis_envs.traffic.incidents import Incident, IncidentRuntime, draw_incidents
from remalis_envs.traffic.sources import Tables
from remalis_envs.traffic.vocabulary import CONCEPTS

if TYPE_CHECKING:
    from remalis_envs.traffic.scenarios import Scenario

_WEATHER = ("rain", "ice")


class Disruptions:
    """The drawn incidents of one episode, and what they mean for each arm."""

    def __init__(
        self,
        scenario: Scenario,
        index: NetworkIndex,
        simulation: Simulation,
        tables: Tables | None,
        rng: np.random.Generator,
        end_s: float,
    ) -> None:
        self._index, self._simulation = index, simulation
        self.runtime: IncidentRuntime | None = None
        self.arm_concepts: npt.NDArray[np.int64] | None = None
        """Concept of the incident on each arm row, -1 for none; None while nowhere is one."""
        self.arm_weather: npt.NDArray[np.int64] | None = None
        if tables is not None:
            drawn: tuple[Incident, ...] = ()
            if tables.places is not None:
                drawn = draw_incidents(scenario.incidents, tables.places, rng, scenario.files.begin_s, end_s)
            self.runtime = IncidentRuntime(drawn, tables.routes)

    @property
    def active(self) -> tuple[Incident, ...]:
        """Incidents that are on now."""
        return self.runtime.active if self.runtime is not None else ()

    def update(self, now_s: float) -> None:
        """Begin and end what is due."""
        if self.runtime is not None and self.runtime.update(self._simulation.sumo, now_s):
            self.arm_concepts = self._by_arm([one for one in self.active if one.kind not in _WEATHER])
            self.arm_weather = self._by_arm([one for one in self.active if one.kind in _WEATHER])

    def _by_arm(self, incidents: list[Incident]) -> npt.NDArray[np.int64] | None:
        if not incidents:
            return None
        index = self._index
        concept = np.full(index.n_arm_rows + 1, -1, dtype=np.int64)
        for one in incidents:
            lanes = [code for edge in one.edges for code in index.lanes_of_edge.get(edge, ())]
            concept[index.in_arm[lanes]] = CONCEPTS.index(one.kind.replace("_", " "))
        return concept[:-1]
