"""Which streams of an intersection may be green together, and which of them must yield then.

A *unit* is what can only be green as a whole: movements that share a lane, or one crossing. Two units go together
when none of their ways cross, or when every turn that crosses the other's way must yield to it by the junction's
right of way. Straight streams and pedestrians never yield, and nobody turns over a crossing in front of his own
stop line.
"""

from __future__ import annotations

from collections.abc import Iterator

from .model import Movement
from .movements import Streams
from .netfile import NetFile, NetLink

_TURNS = ("left", "right", "uturn")


class SignalGraph:
    """Units of an intersection and how they go together; sets of units are bit masks.

    Attributes:
        movements: Movements of the intersection.
        units: For each unit, the indices of its movements.
        together: For each unit, the mask of the units that may be green with it, yielding or not.
        joint: The same, without the pairs in which one unit as a whole would have to wait for the other.
    """

    def __init__(self, net: NetFile, streams: Streams) -> None:
        self.movements = streams.movements
        self.width = max((p for m in streams.movements for p in m.links), default=-1) + 1
        self.units = _units(streams)
        count = len(self.units)
        self._unit_of = {m: u for u, members in enumerate(self.units) for m in members}
        self._positions = [tuple(sorted({p for m in unit for p in self.movements[m].links})) for unit in self.units]
        self._masks = [sum(1 << p for p in positions) for positions in self._positions]
        self._yields_to = [0] * self.width
        self._waits_for = [0] * count
        everyone = (1 << count) - 1
        self.together = [everyone & ~(1 << u) for u in range(count)]
        self._relate(net, streams)
        self.joint = [self.together[u] & ~self._waits_for[u] for u in range(count)]
        for u in range(count):
            for v in bits(self._waits_for[u]):
                self.joint[v] &= ~(1 << u)

    def yields_to(self) -> tuple[tuple[int, ...], ...]:
        """For each signal position, the positions that it gives way to."""
        return tuple(tuple(bits(mask)) for mask in self._yields_to)

    def links_mask(self, units: int) -> int:
        """Mask of the signal positions that are green in a set of units."""
        mask = 0
        for u in bits(units):
            mask |= self._masks[u]
        return mask

    def yielding(self, units: int) -> int:
        """Mask of the signal positions that must yield within a set of units."""
        green = self.links_mask(units)
        return sum(1 << p for p in bits(green) if self._yields_to[p] & green)

    def state(self, units: int) -> str:
        """SUMO's signal state of a set of units."""
        green, minor = self.links_mask(units), self.yielding(units)
        return "".join("r" if not green >> p & 1 else "g" if minor >> p & 1 else "G" for p in range(self.width))

    def all_together(self, units: int) -> bool:
        return all(units & ~(1 << u) & ~self.together[u] == 0 for u in bits(units))

    def movements_of(self, units: int) -> tuple[int, ...]:
        return tuple(sorted(m for u in bits(units) for m in self.units[u]))

    def _relate(self, net: NetFile, streams: Streams) -> None:
        rows = [(m, link) for m, links in enumerate(streams.links) for link in links]
        waiting: dict[tuple[int, int], set[int]] = {}
        for k, (m, one) in enumerate(rows):
            for n, other in rows[k + 1 :]:
                if m == n or not _cross(net, one, other):
                    continue
                u, v = self._unit_of[m], self._unit_of[n]
                if self._yields(net, m, one, n, other):
                    self._yields_to[one.signal_index] |= self._masks_of(other)
                    waiting.setdefault((u, v), set()).add(m)
                elif self._yields(net, n, other, m, one):
                    self._yields_to[other.signal_index] |= self._masks_of(one)
                    waiting.setdefault((v, u), set()).add(n)
                elif u != v:
                    self.together[u] &= ~(1 << v)
                    self.together[v] &= ~(1 << u)
        for (u, v), movements in waiting.items():
            # A unit with a straight stream goes on even while its turns wait; one of turns alone is all waiting.
            if u != v and not any(self.movements[m].kind == "straight" for m in set(self.units[u]) - movements):
                self._waits_for[u] |= 1 << v

    def _masks_of(self, link: NetLink) -> int:
        return 1 << link.signal_index | (1 << link.signal_index2 if link.signal_index2 >= 0 else 0)

    def _yields(self, net: NetFile, m: int, one: NetLink, n: int, other: NetLink) -> bool:
        mine, theirs = self.movements[m], self.movements[n]
        if mine.kind not in _TURNS or (theirs.kind == "crossing" and theirs.from_arm == mine.from_arm):
            return False
        return _must_yield(net, one, other) and not _must_yield(net, other, one)


def bits(mask: int) -> Iterator[int]:
    """Positions of the ones in a bit mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def maximal_cliques(neighbours: list[int], most: int) -> list[int]:
    """Maximal cliques of a graph given by neighbour masks (Bron and Kerbosch with pivots), at most ``most``."""
    found: list[int] = []

    def extend(chosen: int, open_: int, closed: int) -> None:
        if len(found) >= most:
            return
        if not open_ and not closed:
            found.append(chosen)
            return
        pivot = max(bits(open_ | closed), key=lambda u: (open_ & neighbours[u]).bit_count())
        for u in bits(open_ & ~neighbours[pivot]):
            extend(chosen | 1 << u, open_ & neighbours[u], closed & neighbours[u])
            open_ &= ~(1 << u)
            closed |= 1 << u

    if neighbours:
        extend(0, (1 << len(neighbours)) - 1, 0)
    return found


def _cross(net: NetFile, one: NetLink, other: NetLink) -> bool:
    if one.junction != other.junction:
        return False
    foes = net.junctions[one.junction].foes
    return bool(
        foes.get(one.junction_index, 0) >> other.junction_index & 1
        or foes.get(other.junction_index, 0) >> one.junction_index & 1
    )


def _must_yield(net: NetFile, one: NetLink, other: NetLink) -> bool:
    return bool(net.junctions[one.junction].yields.get(one.junction_index, 0) >> other.junction_index & 1)


def _units(streams: Streams) -> list[tuple[int, ...]]:
    """Movements that share a lane or a signal position, gathered."""
    root = list(range(len(streams.movements)))

    def find(m: int) -> int:
        while root[m] != m:
            m = root[m]
        return m

    owner: dict[object, int] = {}
    for m, movement in enumerate(streams.movements):
        keys: list[object] = list(movement.links)
        if movement.kind != "crossing":
            keys += [link.from_lane for link in streams.links[m]]
        for key in keys:
            root[find(m)] = find(owner.setdefault(key, m))
    groups: dict[int, list[int]] = {}
    for m in range(len(root)):
        groups.setdefault(find(m), []).append(m)
    return sorted(tuple(members) for members in groups.values())


def movement_split(movements: tuple[Movement, ...], state: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Movements shown ``G`` and movements shown only ``g`` by a signal state."""
    major = tuple(m.index for m in movements if any(state[p] == "G" for p in m.links))
    minor = tuple(m.index for m in movements if m.index not in major and any(state[p] == "g" for p in m.links))
    return major, minor
