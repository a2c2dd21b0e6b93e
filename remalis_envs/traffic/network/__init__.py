"""Road networks: maps of our own, reading anyone's, phases, and the way from one phase to the next."""

from __future__ import annotations

from .generate import PHASE_COUNTS, grid, irregular, level_network
from .model import MAX_ARMS, MAX_PHASES, Arm, Intersection, Lane, Movement, Phase, RoadNetwork
from .read import load_network, read_network
from .splits import SPLITS, split_seed
from .transitions import Transition, Transitions, transition

__all__ = [
    "MAX_ARMS",
    "MAX_PHASES",
    "PHASE_COUNTS",
    "SPLITS",
    "Arm",
    "Intersection",
    "Lane",
    "Movement",
    "Phase",
    "RoadNetwork",
    "Transition",
    "Transitions",
    "grid",
    "irregular",
    "level_network",
    "load_network",
    "read_network",
    "split_seed",
    "transition",
]
