"""A traffic world in the caller's own process, and its snapshots by playing again."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, ScenarioError, SumoError
from remalis_envs.traffic.core import TrafficCore
from remalis_envs.traffic.remote import NOT_OURS, SimulatorDied, refuse_pickling


@dataclass(repr=False)
class InlineSnapshot:
    """What was done from the beginning of an episode: the same again comes to the same.

    SUMO's own saved states do not: whatever their precision, branches from one went other ways within a few decisions,
    on ``easy`` as on the rest.
    """

    owner: weakref.ref[InlineCore]
    seed: int
    options: dict[str, Any]
    actions: tuple[npt.NDArray[np.int64], ...]

    def __reduce__(self) -> Any:
        return refuse_pickling()


class InlineCore(TrafficCore):
    """A world in this process; a fault of SUMO that leaves the process alive ends the episode, not the program."""

    def reset(self, seed: int, options: dict[str, Any]) -> None:
        self._begun_with, self._played = (seed, options), list[npt.NDArray[np.int64]]()
        super().reset(seed, options)

    def step(self, actions: npt.NDArray[np.int64]) -> None:
        try:
            super().step(actions)
        except SumoError as error:
            self.simulation.close()
            if isinstance(error, ScenarioError):
                raise
            raise SimulatorDied(str(error)) from None
        self._played.append(actions.copy())

    def snapshot(self) -> InlineSnapshot:
        """The episode as it is; takes no time, while :meth:`restore` takes as long as the episode has."""
        return InlineSnapshot(weakref.ref(self), *self._begun_with, tuple(self._played))

    def restore(self, snapshot: InlineSnapshot) -> None:
        """Go on from ``snapshot``, which stays usable.

        Raises:
            RemalisError: it is not a snapshot of this environment.
        """
        if not isinstance(snapshot, InlineSnapshot) or snapshot.owner() is not self:
            raise RemalisError(NOT_OURS)
        self.reset(snapshot.seed, snapshot.options)
        for actions in snapshot.actions:
            self.step(actions)
