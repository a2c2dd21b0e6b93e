"""The road network as agents see it: intersections, arms, movements, phases and roads.

Plain frozen data, read once from a SUMO network file by :mod:`.read`, stored as JSON beside it, and never changed
by an episode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_ARMS = 6
"""Arms of the largest intersection that an observation has room for."""

MAX_PHASES = 32
"""``A``: the number of actions of every traffic agent, on every map."""

MovementKind = Literal["straight", "left", "right", "uturn", "crossing"]


@dataclass(frozen=True)
class Arm:
    """One leg of an intersection; arms are numbered clockwise from north.

    A leg may be cut into several SUMO edges (where a turn lane opens, say): ``in_edges`` runs from the stop line
    upstream to the previous intersection or the edge of the map, ``out_edges`` from the junction downstream.
    Either is empty on a one-way street.
    """

    index: int
    bearing_deg: float
    """Direction in which the leg leaves the junction, clockwise from north, in [0, 360)."""
    in_edges: tuple[str, ...]
    out_edges: tuple[str, ...]
    upstream: int
    """Index of the signalised intersection where the incoming road begins, -1 where there is none."""
    downstream: int
    """Index of the signalised intersection where the outgoing road ends, -1 where there is none."""


@dataclass(frozen=True)
class Movement:
    """A stream through an intersection: all connections from one arm to another, or one pedestrian crossing."""

    index: int
    name: str
    """Such as ``"N->S"`` or ``"crossing N"``; arms are named by compass point, numbered where two share one."""
    kind: MovementKind
    from_arm: int
    to_arm: int
    """For a crossing both are the arm that is crossed."""
    links: tuple[int, ...]
    """Positions in the signal's state string."""
    lanes: tuple[str, ...]
    """Stop-line lanes that feed the movement, rightmost first; the crossing's own edge for a crossing."""
    exit_lanes: tuple[str, ...]
    length_m: float
    """Longest way through the junction (for a crossing: its length)."""


@dataclass(frozen=True)
class Phase:
    """A set of movements that are green together."""

    name: str
    state: str
    """SUMO's signal state: ``G`` green with right of way, ``g`` green but yielding, ``r`` red."""
    major: tuple[int, ...]
    """Indices of movements shown ``G``."""
    minor: tuple[int, ...]
    """Indices of movements shown ``g``."""


@dataclass(frozen=True)
class Intersection:
    """A signalised intersection: one agent."""

    index: int
    id: str
    """The agent's name and the id of SUMO's traffic light."""
    x_m: float
    y_m: float
    arms: tuple[Arm, ...]
    movements: tuple[Movement, ...]
    phases: tuple[Phase, ...]
    yellow_s: float
    """Least yellow that the approach speeds ask for."""
    all_red_s: float
    """Least clearance for vehicles, after the yellow."""
    crossing_clearance_s: tuple[float, ...]
    """For each movement, the red a crossing needs before others may start; 0 for vehicles."""
    yields_to: tuple[tuple[int, ...], ...] = ()
    """For each position of the signal's state, the positions that it gives way to when both are green."""
    turn_clearance_s: tuple[float, ...] = ()
    """For each position, the red after yellow that a turn needs to leave from where it waits; 0 for others."""


@dataclass(frozen=True)
class Lane:
    """A lane of a road (not inside a junction)."""

    id: str
    edge: str
    length_m: float
    speed_m_s: float


@dataclass(frozen=True)
class RoadNetwork:
    """Everything that does not change within an episode."""

    net_file: str
    intersections: tuple[Intersection, ...]
    lanes: tuple[Lane, ...]
    lane_links: dict[str, tuple[str, ...]]
    """For each lane that does not end at a signal, the lanes it leads to."""
    junction_lanes: dict[str, tuple[str, str]]
    """For each lane inside a junction, the edge it comes from and the edge it leads to."""
    entries: tuple[str, ...]
    """Edges where vehicles may enter at the border of the map."""
    exits: tuple[str, ...]
    bounds_m: tuple[float, float, float, float]
    """xmin, ymin, xmax, ymax."""
    limits: tuple[str, ...] = ()
    """What of the map its agents cannot see or do, a sentence for each intersection."""

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(i.id for i in self.intersections)
