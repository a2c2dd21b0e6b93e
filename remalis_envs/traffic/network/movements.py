"""Movements of an intersection: links gathered by the arm they come from and the arm they lead to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .arms import Leg, arm_names
from .model import Movement, MovementKind
from .netfile import NetFile, NetLink

_KIND: dict[str, MovementKind] = {"l": "left", "L": "left", "r": "right", "R": "right", "t": "uturn", "s": "straight"}
_STEPS = 12


@dataclass
class Streams:
    """Movements with the links behind them."""

    movements: tuple[Movement, ...]
    links: tuple[tuple[NetLink, ...], ...]
    """For each movement, its links, with their rows in the right-of-way matrix."""
    arm_names: tuple[str, ...] = field(default=())


def streams_of(net: NetFile, signal: str, junctions: tuple[str, ...], legs: list[Leg]) -> Streams:
    """Movements of a signal: vehicles by arm (clockwise) and turn (right to left), then crossings by arm."""
    names = arm_names(legs)
    into = {e: i for i, leg in enumerate(legs) for e in leg.inward}
    out_of = {e: i for i, leg in enumerate(legs) for e in leg.outward}
    inside = frozenset(junctions)
    vehicles: dict[tuple[int, int], list[NetLink]] = {}
    crossings: dict[str, list[NetLink]] = {}
    for link in net.links_of_signal[signal]:
        if link.signal_index < 0 or link.junction not in inside:
            continue
        if net.edges[link.to_edge].function == "crossing":
            crossings.setdefault(link.to_edge, []).append(link)
            continue
        origin = _arm_before(net, link, into, inside)
        target = _arm_after(net, link, out_of, inside)
        if origin >= 0 and target >= 0:
            vehicles.setdefault((origin, target), []).append(link)
    order = sorted(vehicles, key=lambda pair: (pair[0], (pair[0] - pair[1] - 1) % len(legs)))
    movements: list[Movement] = []
    links: list[tuple[NetLink, ...]] = []
    for pair in order:
        parts = _apart(vehicles[pair], into)
        for place, part in enumerate(parts, start=1):
            name = f"{names[pair[0]]}->{names[pair[1]]}" + (f" ({place})" if len(parts) > 1 else "")
            movements.append(_vehicles(net, len(movements), name, pair, part))
            links.append(tuple(part))
    arms = {edge: _arm_crossed(net, edge, into, out_of) for edge in crossings}
    titles = Counter(arms.values())
    for edge in sorted(crossings, key=lambda e: (arms[e], e)):
        arm = arms[edge]
        name = f"crossing {names[arm]}" if names else "crossing"
        if titles[arm] > 1:
            name += f" ({edge.rsplit('_', 1)[-1]})"
        movements.append(_crossing(net, len(movements), name, arm, crossings[edge]))
        links.append(tuple(crossings[edge]))
    return Streams(tuple(movements), tuple(links), names)


def _apart(links: list[NetLink], into: dict[str, int]) -> list[list[NetLink]]:
    """The links of one movement, or of one for each street that was merged into the arm: those meet inside."""
    streets: dict[str, list[NetLink]] = {}
    for link in links:
        streets.setdefault(link.from_edge, []).append(link)
    return list(streets.values()) if all(edge in into for edge in streets) else [links]


def _vehicles(net: NetFile, index: int, name: str, pair: tuple[int, int], links: list[NetLink]) -> Movement:
    directions = Counter(link.direction for link in links if net.lanes[link.from_lane].motor)
    direction = (directions or Counter(link.direction for link in links)).most_common(1)[0][0]
    kind = "uturn" if pair[0] == pair[1] else _KIND.get(direction, "straight")
    motor = [link for link in links if net.lanes[link.from_lane].motor]
    return Movement(
        index,
        name,
        kind,
        pair[0],
        pair[1],
        tuple(sorted({link.signal_index for link in links})),
        tuple(dict.fromkeys(link.from_lane for link in motor)),
        tuple(dict.fromkeys(link.to_lane for link in motor)),
        round(max(net.way_m(link) for link in links), 2),
    )


def _crossing(net: NetFile, index: int, name: str, arm: int, links: list[NetLink]) -> Movement:
    positions = {link.signal_index for link in links} | {k.signal_index2 for k in links if k.signal_index2 >= 0}
    lanes = tuple(dict.fromkeys(link.to_lane for link in links))
    length = max(net.lanes[lane].length_m for lane in lanes)
    return Movement(index, name, "crossing", arm, arm, tuple(sorted(positions)), lanes, (), round(length, 2))


def _arm_crossed(net: NetFile, crossing: str, into: dict[str, int], out_of: dict[str, int]) -> int:
    for edge in net.edges[crossing].crosses:
        if edge in into or edge in out_of:
            return into.get(edge, out_of.get(edge, 0))
    return 0


def _arm_after(net: NetFile, link: NetLink, out_of: dict[str, int], inside: frozenset[str]) -> int:
    """Arm that a link leads to; between junctions of one signal, straight on to the edge of it."""
    edge = link.to_edge
    for _ in range(_STEPS):
        if edge in out_of:
            return out_of[edge]
        onward = [k for lane in net.edges[edge].lanes for k in net.links_from.get(lane.id, []) if k.junction in inside]
        if not onward:
            return -1
        edge = min(onward, key=_by_direction).to_edge
    return -1


def _arm_before(net: NetFile, link: NetLink, into: dict[str, int], inside: frozenset[str]) -> int:
    """Arm that a link comes from; between junctions of one signal, straight back to the edge of it."""
    edge = link.from_edge
    for _ in range(_STEPS):
        if edge in into:
            return into[edge]
        back = [k for k in net.links if k.to_edge == edge and k.junction in inside]
        if not back:
            return -1
        edge = min(back, key=_by_direction).from_edge
    return -1


def _by_direction(link: NetLink) -> tuple[int, int]:
    return ("sLRlrt".find(link.direction), link.signal_index)
