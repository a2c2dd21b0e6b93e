"""Colours and sizes of pictures.

Vehicles run from orange (standing) through cream to blue (free), which people with any kind of colour vision tell
apart; red and green of signals differ in lightness and in the width of the bar as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Colour = tuple[int, int, int]

LAND: Colour = (229, 234, 223)
PAPER: Colour = (250, 250, 247)
INK: Colour = (38, 44, 54)
FAINT_INK: Colour = (118, 126, 138)
RULE: Colour = (218, 221, 214)
KERB: Colour = (178, 184, 176)
ASPHALT: Colour = (70, 77, 89)
JUNCTION: Colour = (80, 87, 100)
FOOTPATH: Colour = (212, 212, 202)
MARK: Colour = (128, 136, 148)
CENTRE: Colour = (152, 159, 168)
ARROW: Colour = (150, 157, 167)
ZEBRA: Colour = (150, 155, 162)
WALK: Colour = (244, 246, 240)

SIGNALS: dict[str, Colour] = {
    "G": (47, 214, 129),
    "g": (168, 240, 190),
    "y": (255, 214, 51),
    "r": (226, 52, 66),
}
"""Green, yielding green, yellow, red."""
SIGNAL_NAMES = {"G": "green", "g": "green, yields", "y": "yellow", "r": "red"}

SPEED_STOPS: tuple[tuple[float, Colour], ...] = (
    (0.0, (255, 138, 26)),
    (0.25, (255, 190, 92)),
    (0.55, (245, 240, 222)),
    (1.0, (64, 176, 255)),
)
"""Share of the speed limit and its colour."""
SPEED_STEPS = 64

PERSON: Colour = (214, 64, 159)
EMERGENCY_RING: Colour = (192, 92, 255)
EMERGENCY_BODY: Colour = (255, 255, 255)

ROAD_TINTS: dict[str, Colour] = {
    "rain": (50, 84, 128),
    "ice": (140, 160, 168),
    "work_zone": (122, 92, 48),
    "closure": (122, 40, 52),
}
"""Asphalt under what changes a road."""
INCIDENT_NAMES = {
    "closure": "road closed",
    "crash": "crash",
    "work_zone": "road works",
    "rain": "rain",
    "ice": "ice",
}


def speed_colours() -> list[Colour]:
    """Colours of ``SPEED_STEPS`` steps from standing to free."""
    at = np.linspace(0.0, 1.0, SPEED_STEPS)
    shares = [share for share, _ in SPEED_STOPS]
    channels = [np.interp(at, shares, [colour[c] for _, colour in SPEED_STOPS]) for c in range(3)]
    return [(int(r), int(g), int(b)) for r, g, b in zip(*(np.rint(c) for c in channels), strict=True)]


def speed_steps(share: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Index into :func:`speed_colours` for shares of the limit."""
    return np.rint(np.clip(share, 0.0, 1.0) * (SPEED_STEPS - 1)).astype(np.int64)


def signal_letter(state: str) -> str:
    """SUMO's signal letters by what they mean to a driver: ``G``, ``g``, ``y`` or ``r``."""
    if state in "Gg":
        return state
    return {"Y": "y", "y": "y", "s": "g", "o": "g", "O": "G"}.get(state, "r")
