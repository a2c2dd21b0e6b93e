"""Road networks: maps of our own, reading anyone's, phases, and the way from one phase to the next."""

from __future__ import annotations

from .generate import grid
from .model import MAX_ARMS, MAX_PHASES, Arm, Intersection, Lane, Movement, Phase, RoadNetwork
from .read import load_network, read_network

__all__ = [
    "MAX_ARMS",
    "MAX_PHASES",
    "Arm",
    "Intersection",
    "Lane",
    "Movement",
    "Phase",
    "RoadNetwork",
    "grid",
    "load_network",
    "read_network",
]
