"""A traffic world in the caller's own process, and its snapshots by SUMO's saved states."""

from __future__ import annotations

import copy
import os
import tempfile
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, ScenarioError, SumoError
from remalis_envs.traffic.core import TrafficCore
from remalis_envs.traffic.remote import SimulatorDied

_EPISODE = (
    "now_s",
    "end_s",
    "record",
    "outages",
    "source",
    "disruptions",
    "detectors",
    "tracker",
    "control",
    "last",
    "_pedestrians",
    "_waiting_s",
    "_seen_waiting_s",
    "sumo_rl",
)
"""Attributes of a core that change within an episode."""


@dataclass(repr=False)
class InlineSnapshot:
    """SUMO's state as a file's content, and everything on our side of it."""

    owner: weakref.ref[InlineCore]
    state: bytes
    totals: dict[str, float]
    signals: dict[str, str]
    seed: int
    episode: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]


class InlineCore(TrafficCore):
    """A world in this process; a fault of SUMO that leaves the process alive ends the episode, not the program."""

    def step(self, actions: npt.NDArray[np.int64]) -> None:
        try:
            super().step(actions)
        except SumoError as error:
            self.simulation.close()
            if isinstance(error, ScenarioError):
                raise
            raise SimulatorDied(str(error)) from None

    def load(self, seed: int) -> None:
        self._seed = seed
        super().load(seed)

    def snapshot(self) -> InlineSnapshot:
        """The episode as it is.

        Raises:
            RemalisError: SUMO's saved state would not be exact.
        """
        if reason := self._inexact():
            raise RemalisError(
                f"SUMO's saved states are not exact with {reason}, so this scenario cannot be branched in the process; "
                "use backend='worker', whose snapshots are forks of the simulator and exact"
            )
        handle, path = tempfile.mkstemp(prefix="remalis-", suffix=".xml")
        os.close(handle)
        try:
            self.simulation.sumo.simulation.saveState(path)
            with open(path, "rb") as file:
                state = file.read()
        finally:
            os.unlink(path)
        return InlineSnapshot(
            weakref.ref(self),
            state,
            self.simulation.totals(),
            dict(self.simulation.shown),
            self._seed,
            self._copied({name: getattr(self, name) for name in _EPISODE}),
            {name: array.copy() for name, array in vars(self.arrays).items()},
        )

    def _inexact(self) -> str:
        """What of this scenario a saved state would lose; empty where nothing."""
        if self.scenario.pedestrians or self.scenario.incidents.any:
            return "pedestrians or friction"
        if self.scenario.files.meso:
            return "the mesoscopic model"
        # Actuated programs remember what their detectors saw.
        return "signal programs of SUMO's own" if self._programs else ""

    def restore(self, snapshot: InlineSnapshot) -> None:
        """Go on from ``snapshot``, which stays usable.

        Raises:
            RemalisError: it is not a snapshot of this environment.
        """
        if not isinstance(snapshot, InlineSnapshot) or snapshot.owner() is not self:
            raise RemalisError("this snapshot belongs to another environment; restore it there")
        handle, path = tempfile.mkstemp(prefix="remalis-", suffix=".xml")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(snapshot.state)
            self._seed = snapshot.seed
            self.simulation.load(self.sumo_seed(snapshot.seed), state_file=path)
        finally:
            os.unlink(path)
        self.simulation.add_to_totals(snapshot.totals)
        for name, value in self._copied(snapshot.episode).items():
            setattr(self, name, value)
        for signal, state in snapshot.signals.items():
            self._set_state(signal, state)
        for name, array in vars(self.arrays).items():
            array[...] = snapshot.arrays[name]

    def _copied(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """A deep copy that goes on sharing the simulation and all tables that never change."""
        shared = (self.simulation, self.index, self.scenario, self.tables, self.tables and self.tables.routes)
        return copy.deepcopy(attributes, {id(thing): thing for thing in shared})
