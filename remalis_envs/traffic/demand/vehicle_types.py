"""Vehicle types of drawn demand, as parameters for SUMO."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from remalis_envs.traffic.cache import cached

CAR, BUS, LORRY, EMERGENCY = range(4)
"""Indices into :data:`VEHICLE_TYPES`, as stored in :class:`.trips.Trips`."""

# speedDev is 0 throughout: each vehicle's speed factor is drawn with its trip, because SUMO's own seed is constant.
VEHICLE_TYPES: tuple[dict[str, str], ...] = (
    {"id": "car", "vClass": "passenger", "sigma": "0.5", "speedDev": "0"},
    {
        "id": "bus",
        "vClass": "bus",
        "length": "12",
        # SUMO bends the body of this shape along the lanes behind it, as a turning bus follows its front axle; a
        # straight body would sweep over the cars that wait beside a turn, and count as a collision.
        "guiShape": "bus/flexible",
        "accel": "1.2",
        "decel": "4",
        "sigma": "0.5",
        "speedDev": "0",
    },
    {
        "id": "lorry",
        "vClass": "truck",
        "length": "10",
        "guiShape": "truck/semitrailer",
        "accel": "1.3",
        "decel": "4",
        "sigma": "0.5",
        "speedDev": "0",
    },
    # An emergency vehicle hurries but keeps to the signals: clearing its way is the agents' task, so there is no
    # blue-light device that would open a lane or run a red light for it.
    {"id": "emergency", "vClass": "emergency", "length": "6.5", "sigma": "0", "speedDev": "0"},
)
"""Parameters of each vehicle type; the index is :attr:`.trips.Trips.vehicle_type`."""

PERSON_TYPE: dict[str, str] = {"id": "walker", "vClass": "pedestrian", "speedDev": "0", "speedFactor": "1"}
"""Parameters of the one type of pedestrian."""

SPEED_FACTOR_MEAN: tuple[float, ...] = (1.0, 0.95, 0.95, 1.3)
"""Mean chosen speed over the limit of each vehicle type."""


def types_xml() -> str:
    """Text of the additional file with every type: ``<additional>`` with one ``<vType>`` each."""
    rows = [
        "    <vType " + " ".join(f"{key}={quoteattr(value)}" for key, value in parameters.items()) + "/>"
        for parameters in (*VEHICLE_TYPES, PERSON_TYPE)
    ]
    return "\n".join(["<additional>", *rows, "</additional>", ""])


def types_file() -> Path:
    """The additional file with every type, in the cache; pass it to SUMO as ``--additional-files``."""
    text = types_xml()
    folder = cached(["vehicle types", text], lambda folder: _write(folder / "types.add.xml", text))
    return folder / "types.add.xml"


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
