"""The drawable geometry of a road network, in metres: lanes, junctions, crossings, stop lines and turn arrows."""

from __future__ import annotations

import gzip
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.network.model import RoadNetwork
from remalis_envs.traffic.network.netfile import NetFile, NetLane, NetLink, parse_net

Points = npt.NDArray[np.float64]
"""A line or outline, ``(n, 2)``."""

DEFAULT_LANE_M = 3.2
_LEFT_TO_RIGHT = "tlLsRr"
_MITER_LIMIT = 2.0


@dataclass(frozen=True)
class Ribbon:
    """A strip of even width: a lane, a footpath or a crossing."""

    edge: str
    lane: int
    line: Points
    width_m: float

    @cached_property
    def outline(self) -> Points:
        """Its border as a polygon."""
        half = self.width_m / 2.0
        return np.concatenate([beside(self.line, half), beside(self.line, -half)[::-1]])


@dataclass(frozen=True)
class StopLine:
    """The end of a lane at a signal."""

    agent: int
    lane: str
    left: Points
    """Its left end, ``(2,)``."""
    right: Points
    ahead: Points
    """Unit vector of driving, ``(2,)``."""
    links: tuple[int, ...]
    """Positions in the signal's state string, leftmost turn first."""
    turns: tuple[str, ...]
    """SUMO's direction letter of each link."""


@dataclass(frozen=True)
class Crossing:
    """A pedestrian crossing and the signal links that let people start."""

    agent: int
    ribbon: Ribbon
    links: tuple[int, ...]


@dataclass
class MapShapes:
    """Everything of a map that does not move."""

    roads: list[Ribbon] = field(default_factory=list)
    paths: list[Ribbon] = field(default_factory=list)
    junctions: list[Points] = field(default_factory=list)
    walking_areas: list[Points] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    stop_lines: list[StopLine] = field(default_factory=list)
    lane_marks: list[Points] = field(default_factory=list)
    """Between lanes of one direction."""
    centre_lines: list[Points] = field(default_factory=list)
    """To the left of a direction's leftmost lane."""
    by_edge: dict[str, list[Ribbon]] = field(default_factory=dict)

    def within(self, low: Points, high: Points) -> MapShapes:
        """The part that touches a rectangle; ``low`` and ``high`` are its corners, ``(2,)``."""

        def touches(points: Points) -> bool:
            return bool((points.max(axis=0) >= low).all() and (points.min(axis=0) <= high).all())

        return MapShapes(
            [one for one in self.roads if touches(one.outline)],
            [one for one in self.paths if touches(one.outline)],
            [one for one in self.junctions if touches(one)],
            [one for one in self.walking_areas if touches(one)],
            [one for one in self.crossings if touches(one.ribbon.outline)],
            [one for one in self.stop_lines if touches(one.left[None])],
            [one for one in self.lane_marks if touches(one)],
            [one for one in self.centre_lines if touches(one)],
            self.by_edge,
        )

    @cached_property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax of all that is drawn."""
        every = np.concatenate([r.outline for r in (*self.roads, *self.paths)] + self.junctions)
        low, high = every.min(axis=0), every.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def beside(line: Points, left_m: float) -> Points:
    """A line parallel to ``line``, ``left_m`` to its left (negative: right)."""
    steps = np.diff(line, axis=0)
    steps = steps / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)[:, None]
    normals = np.stack([-steps[:, 1], steps[:, 0]], axis=1)
    at = np.concatenate([normals[:1], (normals[:-1] + normals[1:]) / 2.0, normals[-1:]])
    size = np.maximum((at**2).sum(axis=1, keepdims=True), 1.0 / _MITER_LIMIT)
    return line + left_m * at / size


def read_shapes(network: RoadNetwork) -> MapShapes:
    """The geometry of ``network``, from its SUMO file."""
    net = parse_net(network.net_file)
    widths, outlines = _widths_and_outlines(Path(network.net_file))
    shapes = MapShapes()
    for edge in net.edges.values():
        if edge.function in ("normal", ""):
            ribbons = [_ribbon(lane, widths) for lane in edge.lanes if len(lane.shape) > 1]
            road = [ribbon for lane, ribbon in zip(edge.lanes, ribbons, strict=False) if lane.motor]
            shapes.roads += road
            shapes.paths += [ribbon for ribbon in ribbons if ribbon not in road] if len(road) < len(ribbons) else []
            shapes.by_edge[edge.id] = road
            _mark(shapes, road)
        elif edge.function == "walkingarea":
            shapes.walking_areas += [np.array(lane.shape) for lane in edge.lanes if len(lane.shape) > 2]
    for junction in net.junctions.values():
        on_roads = any(net.lanes[lane].motor for lane in junction.incoming_lanes if lane in net.lanes)
        if on_roads and junction.id in outlines:
            shapes.junctions.append(outlines[junction.id])
    for intersection in network.intersections:
        _add_signal(shapes, net, widths, intersection.index, net.links_of_signal.get(intersection.id, []))
    return shapes


def _ribbon(lane: NetLane, widths: dict[str, float]) -> Ribbon:
    return Ribbon(lane.edge, lane.index, np.array(lane.shape), widths.get(lane.id, DEFAULT_LANE_M))


def _mark(shapes: MapShapes, lanes: list[Ribbon]) -> None:
    for lane in lanes[:-1]:
        shapes.lane_marks.append(beside(lane.line, lane.width_m / 2.0))
    if lanes:
        shapes.centre_lines.append(beside(lanes[-1].line, lanes[-1].width_m / 2.0))


def _add_signal(shapes: MapShapes, net: NetFile, widths: dict[str, float], agent: int, links: list[NetLink]) -> None:
    lanes: dict[str, list[NetLink]] = {}
    walks: dict[str, list[int]] = {}
    for link in links:
        if net.edges[link.to_edge].function == "crossing":
            walks.setdefault(link.to_lane, []).append(link.signal_index)
        elif net.edges[link.from_edge].function == "crossing":
            walks.setdefault(link.from_lane, []).append(link.signal_index)
        elif net.edges[link.from_edge].function in ("normal", "") and len(net.lanes[link.from_lane].shape) > 1:
            lanes.setdefault(link.from_lane, []).append(link)
    for lane_id, leaving in lanes.items():
        leaving.sort(key=lambda link: _LEFT_TO_RIGHT.find(link.direction))
        ribbon = _ribbon(net.lanes[lane_id], widths)
        end, before = ribbon.line[-1], ribbon.line[-2]
        ahead = (end - before) / max(float(np.hypot(*(end - before))), 1e-9)
        aside = np.array([-ahead[1], ahead[0]]) * ribbon.width_m / 2.0
        turns = tuple(link.direction for link in leaving)
        indices = tuple(link.signal_index for link in leaving)
        shapes.stop_lines.append(StopLine(agent, lane_id, end + aside, end - aside, ahead, indices, turns))
    for lane_id, indices_of in walks.items():
        if len(net.lanes[lane_id].shape) > 1:
            shapes.crossings.append(Crossing(agent, _ribbon(net.lanes[lane_id], widths), tuple(indices_of)))


def _widths_and_outlines(path: Path) -> tuple[dict[str, float], dict[str, Points]]:
    """Widths of lanes that have another than the default, and the outlines of junctions."""
    widths: dict[str, float] = {}
    outlines: dict[str, Points] = {}
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        for _, item in ET.iterparse(stream):
            if item.tag == "lane" and "width" in item.attrib:
                widths[item.attrib["id"]] = float(item.attrib["width"])
            elif item.tag == "junction" and item.attrib.get("type") != "internal":
                corners = [point.split(",")[:2] for point in item.attrib.get("shape", "").split()]
                if len(corners) > 2:
                    outlines[item.attrib["id"]] = np.array(corners, dtype=np.float64)
    return widths, outlines
