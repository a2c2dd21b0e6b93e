"""Reading a SUMO network: intersections with their arms, movements and phases, and the roads between them."""

from __future__ import annotations

import hashlib
import warnings
from functools import cache
from pathlib import Path
from typing import Literal

from remalis_envs.errors import RemalisError, SumoError, unknown

from ..cache import cached
from . import store
from .arms import Leg, Roads, legs_of, signals_of
from .clearance import all_red_s, crossing_s, turn_s, yellow_s
from .model import MAX_PHASES, Arm, Intersection, Lane, Phase, RoadNetwork
from .movements import Streams, streams_of
from .netfile import NetFile, parse_net
from .phases import generate_phases, phases_of_states
from .signal_graph import SignalGraph

PhaseSource = Literal["generated", "program"]
DEFAULT_COUNT = (4, MAX_PHASES)
"""Least and most phases of an intersection where nobody asks for other numbers."""
_STORED_NAME = "network.json"


def read_network(
    net_file: str | Path, phases: PhaseSource = "generated", *, count: tuple[int, int] = DEFAULT_COUNT
) -> RoadNetwork:
    """Read a network, from the cache where the same file was read before; warns of its ``limits``.

    Args:
        net_file: A ``.net.xml``.
        phases: ``"generated"`` for our own phases, ``"program"`` for the greens of the file's signal programs.
        count: Least and most generated phases of an intersection.

    Raises:
        SumoError: The file is missing or broken.
        RemalisError: The network has no signals.
        UnknownNameError: ``phases`` is neither.
    """
    if phases not in ("generated", "program"):
        raise unknown("source of phases", phases, ("generated", "program"))
    path = Path(net_file)
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise SumoError(f"The network file {path} does not exist.") from None
    except OSError as error:
        raise SumoError(f"The network file {path} cannot be read: {error}.") from error

    def build(folder: Path) -> None:
        store.save(build_network(path, phases, count), folder / _STORED_NAME)

    folder = cached(["signals", code_version(), content, phases, count], build)
    network = store.load(folder / _STORED_NAME, str(path))
    for limit in network.limits:
        warnings.warn(limit, RuntimeWarning, stacklevel=2)
    return network


load_network = read_network


def build_network(path: Path, phases: PhaseSource, count: tuple[int, int]) -> RoadNetwork:
    """Read a network without the cache; see :func:`read_network`."""
    net = parse_net(path)
    roads = Roads.of(net)
    signals = signals_of(net)
    if not signals:
        raise RemalisError(
            f"The network {path} has no traffic lights: there is nothing to control. Build it with signals, for "
            "instance with netconvert's --tls.guess."
        )
    order = {name: i for i, name in enumerate(signals)}
    intersections, limits = [], list[str]()
    for name, junctions in signals.items():
        legs = legs_of(net, roads, name, junctions, limits)
        streams = streams_of(net, name, junctions, legs)
        offered = _phases_of(net, name, streams, phases, count, limits)
        arms = _arms(roads, legs, frozenset(junctions), order)
        intersections.append(_intersection(net, order[name], name, junctions, arms, streams, offered))
    return RoadNetwork(str(path), tuple(intersections), *_road_tables(net, roads), tuple(limits))


def unreachable(path: Path) -> tuple[str, str] | None:
    """An entry and an exit of a network between which no way leads; ``None`` where all are connected."""
    net = parse_net(path)
    roads = Roads.of(net)
    *_, entries, exits, _ = _road_tables(net, roads)
    onward: dict[str, set[str]] = {}
    for link in net.links:
        if net.lanes[link.from_lane].motor and net.lanes[link.to_lane].motor:
            onward.setdefault(link.from_edge, set()).add(link.to_edge)
    for entry in entries:
        seen, todo = {entry}, [entry]
        while todo:
            for edge in onward.get(todo.pop(), ()):
                if edge not in seen:
                    seen.add(edge)
                    todo.append(edge)
        for way_out in exits:
            if way_out not in seen and way_out != roads.opposite.get(entry):
                return entry, way_out
    return None


@cache
def code_version() -> str:
    """Hash of the code that reads and builds networks: a changed program never sees an old cache."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _phases_of(
    net: NetFile, name: str, streams: Streams, source: PhaseSource, count: tuple[int, int], limits: list[str]
) -> tuple[Phase, ...]:
    if source == "program":
        states = [s for s in net.programs[name] if ("G" in s or "g" in s) and "y" not in s and "Y" not in s]
        states = states or net.programs[name][:1]
        possible = len(states)
        phases = phases_of_states(streams.movements, streams.arm_names, states[:MAX_PHASES])
    else:
        phases, possible = generate_phases(net, streams, (count[0], min(count[1], MAX_PHASES)))
    if not phases:
        other = "program" if source == "generated" else "generated"
        raise RemalisError(
            f"Intersection {name!r} of {net.path} has no phase that lets anybody drive (phases={source!r}), which "
            f"happens where several junctions are joined to one signal: try phases={other!r}."
        )
    if possible > MAX_PHASES and count == DEFAULT_COUNT:
        limits.append(
            f"Intersection {name!r} has {possible} phases; agents see at most {MAX_PHASES}, so those that cover "
            "most movements were kept."
        )
    return phases


def _arms(roads: Roads, legs: list[Leg], inside: frozenset[str], order: dict[str, int]) -> tuple[Arm, ...]:
    arms = []
    for i, leg in enumerate(legs):
        inward = tuple(dict.fromkeys(e for edge in leg.inward for e in roads.upstream(edge, inside)))
        outward = tuple(dict.fromkeys(e for edge in leg.outward for e in roads.downstream(edge)))
        before = roads.previous_signal(inward[-1]) if inward else ""
        after = roads.next_signal(outward[-1]) if outward else ""
        arms.append(Arm(i, round(leg.bearing_deg, 1), inward, outward, order.get(before, -1), order.get(after, -1)))
    return tuple(arms)


def _intersection(
    net: NetFile,
    index: int,
    name: str,
    junctions: tuple[str, ...],
    arms: tuple[Arm, ...],
    streams: Streams,
    phases: tuple[Phase, ...],
) -> Intersection:
    nodes = [net.junctions[j] for j in junctions]
    return Intersection(
        index,
        name,
        round(sum(n.x_m for n in nodes) / len(nodes), 2),
        round(sum(n.y_m for n in nodes) / len(nodes), 2),
        arms,
        streams.movements,
        phases,
        yellow_s(net, streams),
        all_red_s(net, streams),
        tuple(crossing_s(m) for m in streams.movements),
        SignalGraph(net, streams).yields_to(),
        turn_s(net, streams, max((len(p.state) for p in phases), default=0)),
    )


def _road_tables(
    net: NetFile, roads: Roads
) -> tuple[
    tuple[Lane, ...],
    dict[str, tuple[str, ...]],
    dict[str, tuple[str, str]],
    tuple[str, ...],
    tuple[str, ...],
    tuple[float, float, float, float],
]:
    edges = [e for e in net.edges.values() if e.function == "normal" and e.motor]
    lanes = tuple(Lane(n.id, e.id, n.length_m, n.speed_m_s) for e in edges for n in e.lanes if n.motor)
    leads: dict[str, tuple[str, ...]] = {}
    for lane in lanes:
        links = net.links_from.get(lane.id, [])
        if lane.edge not in roads.signal_of:
            leads[lane.id] = tuple(dict.fromkeys(k.to_lane for k in links if net.lanes[k.to_lane].motor))
    entries = tuple(e.id for e in edges if not roads.before.get(e.id))
    exits = tuple(e.id for e in edges if not roads.after.get(e.id))
    points = [p for e in edges for n in e.lanes for p in n.shape]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return lanes, leads, _inside(net), entries, exits, (min(xs), min(ys), max(xs), max(ys))


def _inside(net: NetFile) -> dict[str, tuple[str, str]]:
    """For each lane inside a junction, also behind an internal junction, the roads that it joins."""
    found: dict[str, tuple[str, str]] = {}
    for link in net.links:
        if net.edges[link.from_edge].function != "normal" or not link.via:
            continue
        via, target = link.via, link.to_edge
        while via and via not in found:
            found[via] = (link.from_edge, target)
            onward = net.links_from.get(via, [])
            via = onward[0].via if onward else ""
    return found
