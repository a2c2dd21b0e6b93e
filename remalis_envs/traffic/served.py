"""What every intersection's last action was for, and the concept of the arm that it looked at.

Definitions follow the end of the project's reading of the ReMALIS paper (sections 3.1 and 4.1). Both come from the
simulation's own record, so they score silent methods too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.compiled import compiled
from remalis_envs.traffic.engine.index import FloatArray, IntArray, NetworkIndex
from remalis_envs.traffic.engine.readings import ARM_SUMS, STOP_SUMS, Counts
from remalis_envs.traffic.network.model import MAX_ARMS
from remalis_envs.traffic.outcomes import Events
from remalis_envs.traffic.vocabulary import (
    BUILDING,
    CLEAR,
    CONGESTED,
    CROSS,
    EMERGENCY_NEAR,
    EXIT_FULL,
    HOLD,
    JAMMED,
    METER,
    SENSOR_LOST,
    SPILLED_BACK,
)

BoolArray = npt.NDArray[np.bool_]
_STATE_BOUNDS = np.array([BUILDING, CONGESTED, JAMMED, SPILLED_BACK])


class Served:
    """Tells sub-goals and concepts of a network's intersections."""

    def __init__(self, index: NetworkIndex) -> None:
        self.index = index
        rows, stops, n = index.n_arm_rows, index.n_stops + 1, index.n_agents
        by_stop, by_arm, none = np.zeros((STOP_SUMS, stops)), np.zeros((ARM_SUMS, rows + 1)), np.zeros(n, np.int64)
        discharged = np.zeros(rows, np.int64)
        self._subgoals = compiled(_subgoals, *self._subgoal_arguments(discharged, none, by_stop, none))
        self._concepts = compiled(_concepts, *self._concept_arguments(none, by_arm, none, none))

    def subgoals(self, events: Events, counts: Counts, crossing_served: BoolArray | None = None) -> IntArray:
        """The sub-goal that each intersection's last action served, int64 ``(N,)`` into ``SUBGOALS``.

        Args:
            events: what the interval brought.
            counts: true counts.
            crossing_served: bool ``(N,)``: people waited, and the phase lets some of them cross; None where there are
                no crossings.
        """
        served, discharged = np.empty(self.index.n_agents, np.int64), events.discharged_by_agent
        self._subgoals(*self._subgoal_arguments(events.discharged, discharged, counts.by_stop, served))
        if crossing_served is not None:
            served[crossing_served & (discharged == 0)] = CROSS
        if np.count_nonzero(events.cleared):
            served[events.cleared] = CLEAR
        return served

    def concepts(
        self,
        subgoal: IntArray,
        counts: Counts,
        incident: IntArray | None = None,
        weather: IntArray | None = None,
        sensor_ok: BoolArray | None = None,
    ) -> IntArray:
        """The true concept of the arm that each agent looked at, int64 ``(N,)`` into ``CONCEPTS``.

        That arm is the one its sub-goal served, or the worst one. An emergency vehicle on any arm comes before an
        incident on the arm looked at, that before a lost sensor, that before the arm's state; ``weather`` takes
        the place of "free" only.

        Args:
            subgoal: int ``(N,)``.
            counts: true counts, not what the detectors report.
            incident: concept of the incident on each arm row, -1 for none, ``(N * MAX_ARMS,)``.
            weather: concept of the weather on each arm row, -1 for none, ``(N * MAX_ARMS,)``.
            sensor_ok: bool ``(N * MAX_ARMS,)``.
        """
        rows, concept = np.empty_like(subgoal), np.empty_like(subgoal)
        self._concepts(*self._concept_arguments(subgoal, counts.by_arm, rows, concept))
        if weather is not None:
            concept = np.where((concept == 0) & (weather[rows] >= 0), weather[rows], concept)
        if sensor_ok is not None:
            concept = np.where(sensor_ok[rows] | ~self.index.arm_exists[rows], concept, SENSOR_LOST)
        if incident is not None:
            concept = np.where(incident[rows] >= 0, incident[rows], concept)
        if np.count_nonzero(counts.arm_emergency):
            near = counts.arm_emergency.reshape(-1, MAX_ARMS).any(axis=1)
            concept = np.where(near, EMERGENCY_NEAR, concept)
        return concept

    def _subgoal_arguments(
        self, discharged: IntArray, by_agent: IntArray, by_stop: FloatArray, served: IntArray
    ) -> tuple[Any, ...]:
        return (discharged, by_agent, by_stop, self.index.stop_agent, EXIT_FULL, HOLD, METER, served)

    def _concept_arguments(
        self, subgoal: IntArray, by_arm: FloatArray, rows: IntArray, concept: IntArray
    ) -> tuple[Any, ...]:
        return (subgoal, by_arm, self.index.per_in_capacity, _STATE_BOUNDS, rows, concept)


def _subgoals(
    discharged: IntArray,
    by_agent: IntArray,
    by_stop: FloatArray,
    stop_agent: IntArray,
    exit_full: float,
    hold: int,
    meter: int,
    served: IntArray,
) -> None:
    """Fill ``served`` (N,): the arm that let most cars go; where none went, held or metered."""
    arms = len(discharged) // len(served)
    for agent in range(len(served)):
        first = agent * arms
        best = 0
        for arm in range(1, arms):
            if discharged[first + arm] > discharged[first + best]:
                best = arm
        served[agent] = best if by_agent[agent] > 0 else hold
    for stop in range(len(stop_agent)):
        if by_stop[4, stop] >= exit_full and by_stop[1, stop] >= 1.0 and by_agent[stop_agent[stop]] == 0:
            served[stop_agent[stop]] = meter


def _concepts(
    subgoal: IntArray,
    by_arm: FloatArray,
    room: FloatArray,
    bounds: FloatArray,
    rows: IntArray,
    concept: IntArray,
) -> None:
    """Fill ``rows`` (N,), the arm rows looked at, and ``concept``, how many of the ``bounds`` their queue reaches."""
    arms = (by_arm.shape[1] - 1) // len(subgoal)
    for agent in range(len(subgoal)):
        first = agent * arms
        row = first + subgoal[agent]
        if subgoal[agent] >= arms:
            row = first
            for other in range(first + 1, first + arms):
                if by_arm[1, other] * room[other] > by_arm[1, row] * room[row]:
                    row = other
        rows[agent] = row
        concept[agent] = 0
        for bound in bounds:
            if by_arm[1, row] * room[row] >= bound:
                concept[agent] += 1
