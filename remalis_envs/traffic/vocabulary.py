"""The words of traffic: sub-goals that an intersection can serve and concepts that describe what it looks at."""

from __future__ import annotations

from remalis_envs.traffic.network.model import MAX_ARMS

SUBGOALS: tuple[str, ...] = (
    *(f"relieve arm {arm + 1}" for arm in range(MAX_ARMS)),
    "let pedestrians cross",
    "hold the green",
    "meter",
    "clear the way",
)
"""Relieving arm 1 to 6 (clockwise from north); metering holds cars back from an exit that is full; clearing the way
lets an emergency vehicle through."""

CROSS, HOLD, METER, CLEAR = range(MAX_ARMS, MAX_ARMS + 4)

ARM_STATES = ("free", "building", "congested", "jammed", "spilled back")
INCIDENT_CONCEPTS = ("closure", "crash", "work zone", "rain", "ice")
CONCEPTS: tuple[str, ...] = (*ARM_STATES, *INCIDENT_CONCEPTS, "sensor lost", "emergency vehicle near")

SENSOR_LOST = CONCEPTS.index("sensor lost")
EMERGENCY_NEAR = CONCEPTS.index("emergency vehicle near")

BUILDING, CONGESTED, JAMMED, SPILLED_BACK = 0.1, 0.3, 0.6, 0.9
"""Share of an arm's road that queued cars fill, from which the state of that name begins."""
EXIT_FULL = 0.8
"""Share of an exit road that is taken, from which it counts as full."""
