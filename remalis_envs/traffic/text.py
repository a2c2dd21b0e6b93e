"""Observations and actions as text, the way a traffic engineer would put it, and back."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from remalis_envs.arguments import said_text
from remalis_envs.errors import RemalisError
from remalis_envs.traffic.network.model import Intersection
from remalis_envs.traffic.observations import (
    ARM_FEATURES,
    GREEN_SCALE_S,
    INTERSECTION_FEATURES,
    LAYOUT,
    PEDESTRIAN_SCALE,
    PHASE_FEATURES,
    VEHICLE_SCALE,
    WAIT_SCALE_S,
)
from remalis_envs.traffic.vocabulary import SUBGOALS

_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def compass(bearing_deg: float) -> str:
    """The nearest of eight compass points."""
    return _COMPASS[round(bearing_deg / 45.0) % 8]


def describe(inter: Intersection, observation: npt.NDArray[np.float32], mask: npt.NDArray[np.int8]) -> str:
    """An intersection's observation in words; nothing is said that the vector does not hold."""
    own = dict(zip(INTERSECTION_FEATURES, LAYOUT.intersection_features(observation).tolist(), strict=True))
    lines = [f"Intersection {inter.id}, {len(inter.arms)} arms, {len(inter.phases)} phases."]
    lines.append(_signal_line(inter, observation, own))
    for arm, row in zip(inter.arms, LAYOUT.arm_features(observation).tolist(), strict=False):
        values = dict(zip(ARM_FEATURES, row, strict=True))
        if values["exists"]:
            lines.append(_arm_line(arm.index, arm.bearing_deg, values))
    lines.append("Phases that may be chosen now:")
    for number, row in enumerate(LAYOUT.phase_features(observation)[: len(inter.phases)].tolist()):
        if mask[number]:
            lines.append(_phase_line(number, inter.phases[number].name, dict(zip(PHASE_FEATURES, row, strict=True))))
    return "\n".join(lines)


def _signal_line(inter: Intersection, observation: npt.NDArray[np.float32], own: dict[str, float]) -> str:
    current = int(LAYOUT.phase_features(observation)[:, PHASE_FEATURES.index("is_current")].argmax())
    name = inter.phases[current].name
    if own["in_transition"]:
        line = f"The signal is changing to phase {current} ({name})."
    else:
        line = f"Phase {current} ({name}) has been green for {own['time_in_phase'] * GREEN_SCALE_S:.0f} s."
    if own["must_switch"]:
        line += " It has reached its maximum green."
    last = [goal for goal in SUBGOALS if own[f"last_{goal.replace(' ', '_')}"]]
    if last:
        line += f" The last action served: {last[0]}; {own['last_discharged'] * VEHICLE_SCALE:.0f} vehicles left."
    return line


def _arm_line(index: int, bearing_deg: float, values: dict[str, float]) -> str:
    line = f"- Arm {index + 1} ({compass(bearing_deg)}): "
    if not values["sensor_ok"]:
        return line + "the detector is out of order."
    line += f"{values['vehicles'] * VEHICLE_SCALE:.0f} vehicles, {values['queue'] * VEHICLE_SCALE:.0f} of them queued"
    line += f", mean speed {values['speed']:.0%} of the limit, longest wait {values['wait'] * WAIT_SCALE_S:.0f} s"
    line += f", road {values['occupancy']:.0%} full, exit {values['exit_occupancy']:.0%} full."
    if values["pedestrians"]:
        line += f" {values['pedestrians'] * PEDESTRIAN_SCALE:.0f} pedestrians wait to cross."
    if values["emergency"]:
        line += " An emergency vehicle approaches."
    return line


def _phase_line(number: int, name: str, values: dict[str, float]) -> str:
    line = f"- Phase {number} ({name}): serves {values['vehicles'] * VEHICLE_SCALE:.1f} vehicles"
    line += f", {values['queue'] * VEHICLE_SCALE:.1f} queued, pressure {values['pressure'] * VEHICLE_SCALE:+.2f}"
    line += f", longest wait {values['wait'] * WAIT_SCALE_S:.0f} s, fullest exit {values['exit_occupancy']:.0%}"
    if values["pedestrians"]:
        line += f", {values['pedestrians'] * PEDESTRIAN_SCALE:.0f} pedestrians"
    if values["emergency"]:
        line += ", an emergency vehicle"
    return line + (" [green now]" if values["is_current"] else "")


def action_texts(inter: Intersection, mask: npt.NDArray[np.int8]) -> list[str]:
    """The legal actions, each in the form that :func:`parse` reads."""
    return [f"phase {k}: {phase.name}" for k, phase in enumerate(inter.phases) if mask[k]]


def parse(inter: Intersection, text: str) -> int:
    """The action that ``text`` names, by ``phase <number>``, a bare number, or the name of a phase.

    Raises:
        RemalisError: the text names no phase of this intersection.
    """
    said = said_text(text).strip().lower()
    by_name = [k for k, phase in enumerate(inter.phases) if phase.name.lower() == said]
    match = re.search(r"\bphase\s+(\d{1,9})\b", said) or re.fullmatch(r"(\d{1,9})", said)
    if match is None and not by_name:
        contained = [k for k, phase in enumerate(inter.phases) if phase.name.lower() in said]
        by_name = contained if len(contained) == 1 else []
    number = int(match.group(1)) if match else by_name[0] if by_name else -1
    if not 0 <= number < len(inter.phases):
        raise RemalisError(
            f"{text[:80]!r} names no phase of intersection {inter.id}; say 'phase 0' to 'phase {len(inter.phases) - 1}'"
        )
    return number
