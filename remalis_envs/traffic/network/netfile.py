"""SUMO's network file as plain records: edges, lanes, links, junctions and signal programs."""

from __future__ import annotations

import gzip
import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from remalis_envs.errors import SumoError

_MOTOR = frozenset({"passenger", "bus", "coach", "truck", "trailer", "delivery", "taxi", "emergency", "private", "all"})


def permits(allow: str | None, disallow: str | None, vehicle_class: str) -> bool:
    """Whether a lane or link with these attributes may be used by a class."""
    if allow:
        return allow == "all" or vehicle_class in allow.split()
    return not disallow or (disallow != "all" and vehicle_class not in disallow.split())


@dataclass
class NetLane:
    """A lane of any edge, also inside junctions."""

    id: str
    edge: str
    index: int
    length_m: float
    speed_m_s: float
    shape: tuple[tuple[float, float], ...]
    motor: bool
    """Whether cars, buses or lorries may use it."""
    allow: str | None = None
    disallow: str | None = None

    def permits(self, vehicle_class: str) -> bool:
        """Whether a class may use the lane."""
        return permits(self.allow, self.disallow, vehicle_class)


@dataclass
class NetEdge:
    """An edge: a road, the inside of a junction, a crossing or a walking area."""

    id: str
    function: str
    origin: str
    target: str
    lanes: list[NetLane] = field(default_factory=list)
    crosses: tuple[str, ...] = ()
    """For a crossing, the edges that it crosses."""

    @property
    def motor(self) -> bool:
        return any(lane.motor for lane in self.lanes)


@dataclass
class NetLink:
    """A connection between two lanes."""

    from_edge: str
    from_lane: str
    to_edge: str
    to_lane: str
    via: str
    signal: str
    signal_index: int
    signal_index2: int
    direction: str
    allow: str | None = None
    disallow: str | None = None
    junction: str = ""
    junction_index: int = -1
    """Row of this link in the junction's right-of-way matrix."""

    def permits(self, vehicle_class: str) -> bool:
        """Whether a class may use the link."""
        return permits(self.allow, self.disallow, vehicle_class)


@dataclass
class NetJunction:
    """A node with its right-of-way matrix."""

    id: str
    type: str
    x_m: float
    y_m: float
    incoming_lanes: tuple[str, ...]
    yields: dict[int, int] = field(default_factory=dict)
    """For each link, the bit mask of the links it must yield to."""
    foes: dict[int, int] = field(default_factory=dict)
    """For each link, the bit mask of the links whose way it crosses."""


@dataclass
class NetFile:
    """Everything of a network file that signals and roads need."""

    path: Path
    edges: dict[str, NetEdge] = field(default_factory=dict)
    lanes: dict[str, NetLane] = field(default_factory=dict)
    links: list[NetLink] = field(default_factory=list)
    junctions: dict[str, NetJunction] = field(default_factory=dict)
    programs: dict[str, list[str]] = field(default_factory=dict)
    """For each signal, the states of its program's phases in order."""
    links_from: dict[str, list[NetLink]] = field(default_factory=dict)
    """Links by the lane they leave from."""
    links_of_signal: dict[str, list[NetLink]] = field(default_factory=dict)

    def way_m(self, link: NetLink) -> float:
        """Length of the way through the junction, over all internal lanes."""
        total, via, seen = 0.0, link.via, 0
        while via and seen < 8:
            total += self.lanes[via].length_m
            onward = self.links_from.get(via, [])
            via = onward[0].via if onward else ""
            seen += 1
        return total

    def way_speed_m_s(self, link: NetLink) -> float:
        """Speed that the way through the junction allows."""
        lane = self.lanes.get(link.via) or self.lanes[link.from_lane]
        return max(lane.speed_m_s, 1.0)


def parse_net(path: str | Path) -> NetFile:
    """Parse a ``.net.xml`` (or ``.net.xml.gz``).

    Raises:
        SumoError: The file is missing, is not XML, or is not a network.
    """
    path = Path(path)
    try:
        with opened(path) as stream:
            root = ET.parse(stream).getroot()
    except FileNotFoundError:
        raise SumoError(f"The network file {path} does not exist.") from None
    except (ET.ParseError, EOFError, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise SumoError(f"The network file {path} is not readable as XML: {error}.") from error
    except OSError as error:
        raise SumoError(f"The network file {path} cannot be read: {error}.") from error
    if root.tag != "net":
        raise SumoError(f"{path} is not a SUMO network: its root is <{root.tag}>, expected <net>.")
    net = NetFile(path)
    try:
        _read_edges(root, net)
        _read_links(root, net)
        _read_junctions(root, net)
    except (KeyError, ValueError, TypeError) as error:
        raise SumoError(f"The network file {path} is broken near {error}: build it again with netconvert.") from error
    for program in root.iter("tlLogic"):
        net.programs[program.attrib["id"]] = [phase.attrib["state"] for phase in program.iter("phase")]
    return net


def opened(path: str | Path) -> IO[bytes]:
    """A file of SUMO's for reading, unpacked where its name ends in ``.gz``."""
    packed = str(path).endswith(".gz")
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else open(path, "rb")


def bearing_deg(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Compass direction from ``start`` to ``end``, clockwise from north, in [0, 360)."""
    return math.degrees(math.atan2(end[0] - start[0], end[1] - start[1])) % 360.0


def _motor(allow: str | None, disallow: str | None) -> bool:
    if allow:
        return not _MOTOR.isdisjoint(allow.split())
    return not (disallow and {"all", "passenger"} & set(disallow.split()))


def _shape(text: str) -> tuple[tuple[float, float], ...]:
    points = (p.split(",") for p in text.split())
    return tuple((float(p[0]), float(p[1])) for p in points)


def _read_edges(root: ET.Element, net: NetFile) -> None:
    for item in root.iter("edge"):
        get = item.attrib.get
        edge = NetEdge(
            item.attrib["id"],
            get("function", "normal") or "normal",
            get("from", "") or "",
            get("to", "") or "",
            crosses=tuple((get("crossingEdges") or "").split()),
        )
        for part in item.iter("lane"):
            a = part.attrib
            lane = NetLane(
                a["id"],
                edge.id,
                int(a["index"]),
                float(a["length"]),
                float(a["speed"]),
                _shape(a.get("shape", "")),
                _motor(a.get("allow"), a.get("disallow")),
                a.get("allow"),
                a.get("disallow"),
            )
            edge.lanes.append(lane)
            net.lanes[lane.id] = lane
        net.edges[edge.id] = edge


def _read_links(root: ET.Element, net: NetFile) -> None:
    for item in root.iter("connection"):
        a = item.attrib
        link = NetLink(
            a["from"],
            net.edges[a["from"]].lanes[int(a["fromLane"])].id,
            a["to"],
            net.edges[a["to"]].lanes[int(a["toLane"])].id,
            a.get("via", ""),
            a.get("tl", ""),
            int(a.get("linkIndex", -1)),
            int(a.get("linkIndex2", -1)),
            a.get("dir", "s"),
            a.get("allow"),
            a.get("disallow"),
        )
        net.links.append(link)
        net.links_from.setdefault(link.from_lane, []).append(link)
        if link.signal:
            net.links_of_signal.setdefault(link.signal, []).append(link)


def _read_junctions(root: ET.Element, net: NetFile) -> None:
    for item in root.iter("junction"):
        a = item.attrib
        if a.get("type") == "internal":
            continue
        junction = NetJunction(
            a["id"], a.get("type", ""), float(a["x"]), float(a["y"]), tuple(a.get("incLanes", "").split())
        )
        for row in item.iter("request"):
            index = int(row.attrib["index"])
            junction.yields[index] = int(row.attrib["response"], 2)
            junction.foes[index] = int(row.attrib["foes"], 2)
        net.junctions[junction.id] = junction
        _number_links(net, junction)


def _number_links(net: NetFile, junction: NetJunction) -> None:
    """Rows of the right-of-way matrix follow the incoming lanes, and the links within a lane."""
    row = 0
    for lane in junction.incoming_lanes:
        for link in net.links_from.get(lane, []):
            to_function = net.edges[link.to_edge].function
            from_function = net.edges[link.from_edge].function
            if to_function == "walkingarea" or (from_function == "walkingarea" and to_function != "crossing"):
                continue
            link.junction, link.junction_index = junction.id, row
            row += 1
