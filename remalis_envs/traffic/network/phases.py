"""Phases of an intersection: sets of streams that are green together, chosen by what they cover.

First come the maximal sets of streams that do not cross, each with every turn that can wait its turn beside them.
Too few: the same without the yielding turns, then smaller sets. Too many: those that cover most are kept, so that
every movement is served.
"""

from __future__ import annotations

from collections.abc import Callable

from .model import MAX_PHASES, Movement, Phase
from .movements import Streams
from .naming import phase_names
from .netfile import NetFile
from .signal_graph import SignalGraph, bits, maximal_cliques, movement_split

_MOST_SETS = 6000
"""Maximal sets looked at; an intersection of six arms with crossings and U-turns has about 1,500."""


def generate_phases(
    net: NetFile, streams: Streams, count: tuple[int, int] = (1, MAX_PHASES)
) -> tuple[tuple[Phase, ...], int]:
    """Phases of an intersection.

    Args:
        net: The network.
        streams: The intersection's movements.
        count: Least and most phases wanted; fewer come where the streams do not allow the least.

    Returns:
        The phases, and how many maximal ones there were before the cap.
    """
    graph = SignalGraph(net, streams)
    protected = maximal_cliques(graph.joint, _MOST_SETS)
    full = list(dict.fromkeys(_with_yielding(graph, units) for units in sorted(protected, key=_order(graph))))
    chosen = full
    if len(full) > count[1]:
        chosen = _cap(graph, full, count[1])
    elif len(full) < count[0]:
        chosen = _fill(graph, full, protected, count[0])
    return _phases(graph, streams, sorted(chosen, key=_order(graph))), len(full)


def _phases(graph: SignalGraph, streams: Streams, sets: list[int]) -> tuple[Phase, ...]:
    states = [graph.state(units) for units in sets]
    return phases_of_states(streams.movements, streams.arm_names, states)


def phases_of_states(movements: tuple[Movement, ...], arms: tuple[str, ...], states: list[str]) -> tuple[Phase, ...]:
    """Phases that show the given signal states, named by what they serve."""
    splits = [movement_split(movements, state) for state in states]
    names = phase_names(movements, arms, splits)
    return tuple(
        Phase(name, state, major, minor) for name, state, (major, minor) in zip(names, states, splits, strict=True)
    )


def _with_yielding(graph: SignalGraph, units: int) -> int:
    """Add every unit that would only yield, and would make nobody yield who did not."""
    for u in range(len(graph.units)):
        if units >> u & 1 or units & ~graph.together[u]:
            continue
        wider = units | 1 << u
        if graph.yielding(wider) & graph.links_mask(units) == graph.yielding(units):
            units = wider
    return units


def _weights(graph: SignalGraph, units: int) -> dict[int, float]:
    """How well a set serves each movement: 2 with right of way, 1 yielding."""
    minor = graph.yielding(units)
    return {m: 1.0 if any(minor >> p & 1 for p in graph.movements[m].links) else 2.0 for m in graph.movements_of(units)}


def _order(graph: SignalGraph) -> Callable[[int], tuple[float, tuple[int, ...]]]:
    """Sort key: most served first, then by the movements' numbers (which run clockwise)."""
    return lambda units: (-sum(_weights(graph, units).values()), graph.movements_of(units))


def _cap(graph: SignalGraph, sets: list[int], most: int) -> list[int]:
    """Keep the sets that add most to what is served so far; every movement that any set serves stays served."""
    weights = {units: _weights(graph, units) for units in sets}
    served = [0.0] * len(graph.movements)
    chosen: list[int] = []
    rest = list(sets)
    while rest and len(chosen) < most:
        best = max(rest, key=lambda units: sum(w / (1.0 + served[m]) ** 2 for m, w in weights[units].items()))
        rest.remove(best)
        chosen.append(best)
        for m, w in weights[best].items():
            served[m] += w
    return chosen


def _fill(graph: SignalGraph, full: list[int], protected: list[int], least: int) -> list[int]:
    """Add the sets without their yielding turns, then with ever fewer units, in order of coverage."""
    key = _order(graph)
    chosen = dict.fromkeys(full)
    level = dict.fromkeys([*full, *sorted(protected, key=key)])
    while level and len(chosen) < least:
        fresh = sorted((units for units in level if units and units not in chosen), key=key)
        chosen.update(dict.fromkeys(fresh[: least - len(chosen)]))
        level = dict.fromkeys(units & ~(1 << u) for units in level for u in bits(units))
    return list(chosen)
