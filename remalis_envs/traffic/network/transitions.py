"""The way from one phase to the next: yellow, all-red, and time for pedestrians to leave the road."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .model import Intersection

_GREEN = "Gg"
_STRENGTH = {c: i for i, c in enumerate("rsogG")}


@dataclass(frozen=True)
class Transition:
    """Signal states to be shown before a new phase starts."""

    states: tuple[tuple[float, str], ...]
    """Seconds after the start of the transition, and the state shown from then on; empty where nothing changes."""
    duration_s: float
    """Seconds until the new phase may be shown."""


def transition(
    intersection: Intersection,
    from_phase: int,
    to_phase: int,
    yellow_s: float = 3.0,
    all_red_s: float = 2.0,
    *,
    geometry: bool = True,
) -> Transition:
    """States between two phases of an intersection.

    Vehicles that lose their green get yellow, then red until the last of them has left. Links that stay green stay
    so, yielding where either phase has them yield. Those that must yield from now on get yellow before: whoever is too
    near to stop drives through, while a green that yields would make him brake as hard as he can. A crossing that loses
    its green turns red first: the vehicles' green goes on while the last pedestrians walk.

    Args:
        intersection: Where.
        from_phase: Index of the phase shown until now.
        to_phase: Index of the phase to come.
        yellow_s: Least yellow.
        all_red_s: Least time between the end of yellow and the new phase.
        geometry: Whether the intersection's own yellow, all-red and walking times hold where they are longer.
    """
    old, new = intersection.phases[from_phase].state, intersection.phases[to_phase].state
    if from_phase == to_phase or old == new:
        return Transition((), 0.0)
    crossings = {p for m in intersection.movements if m.kind == "crossing" for p in m.links}
    losing = {p for p, (a, b) in enumerate(zip(old, new, strict=True)) if a in _GREEN and b not in _GREEN}
    yellow, red, walking = yellow_s, all_red_s, 0.0
    if geometry:
        losing |= _in_the_way(intersection, old, losing)
        yellow, red = (
            max(yellow, intersection.yellow_s),
            max(red, intersection.all_red_s, _turning_s(intersection, old, losing)),
        )
        walking = _walking_s(intersection, losing & crossings)
        if _turns_wait_for(intersection, old, losing & crossings):
            walking += red
    softened = {p for p, (a, b) in enumerate(zip(old, new, strict=True)) if a == "G" and b == "g"} - losing - crossings
    vehicles = losing - crossings
    warned = vehicles | softened
    clearing = yellow + red if warned else 0.0
    duration = float(math.ceil(max(clearing, walking)))
    yellow_from = duration - clearing
    states: list[tuple[float, str]] = []
    # With nothing to clear the new phase starts at once; an all-red of no length is not shown.
    if yellow_from > 0:
        _add(states, 0.0, _shown(old, new, losing & crossings, None, losing, softened))
    if warned:
        _add(states, yellow_from, _shown(old, new, crossings, "y", losing, softened))
    if warned and yellow_from + yellow < duration:
        _add(states, yellow_from + yellow, _shown(old, new, crossings, "r", losing, softened))
    return Transition(tuple(states), duration)


def _in_the_way(intersection: Intersection, old: str, losing: set[int]) -> set[int]:
    """Links that must pause although they stay green.

    A turn that loses its green while the stream it waited for goes on would be caught inside the junction.
    """
    if not intersection.yields_to:
        return set()
    return {q for p in losing if old[p] == "g" for q in intersection.yields_to[p] if old[q] in _GREEN}


def _turns_wait_for(intersection: Intersection, old: str, crossings: set[int]) -> bool:
    """Whether a turn may stand before one of these crossings, to leave only behind the last pedestrian."""
    return any(
        old[p] == "g" and not crossings.isdisjoint(foes) for p, foes in enumerate(intersection.yields_to[: len(old)])
    )


def _turning_s(intersection: Intersection, old: str, losing: set[int]) -> float:
    return max((intersection.turn_clearance_s[p] for p in losing if old[p] == "g"), default=0.0)


def _walking_s(intersection: Intersection, positions: set[int]) -> float:
    times = zip(intersection.movements, intersection.crossing_clearance_s, strict=True)
    return max((s for m, s in times if positions & set(m.links)), default=0.0)


def _shown(old: str, new: str, closed: set[int], ending: str | None, losing: set[int], softened: set[int]) -> str:
    """State within a transition.

    Links that lose their green show ``ending`` (their old green while that is ``None``), or red where they are
    ``closed``. Those that are ``softened`` go from their old green over yellow to a green that yields. All others show
    the more careful of their two signals.
    """
    shown = []
    for p, (a, b) in enumerate(zip(old, new, strict=True)):
        if p in losing:
            shown.append("r" if p in closed else a if ending is None else ending)
        elif p in softened:
            shown.append(a if ending is None else "y" if ending == "y" else b)
        else:
            shown.append(min(a, b, key=lambda c: _STRENGTH.get(c, 0)))
    return "".join(shown)


def _add(states: list[tuple[float, str]], at_s: float, state: str) -> None:
    if not states or states[-1][1] != state:
        states.append((at_s, state))


class Transitions:
    """Transitions of one intersection, each worked out once."""

    def __init__(
        self, intersection: Intersection, yellow_s: float = 3.0, all_red_s: float = 2.0, *, geometry: bool = True
    ) -> None:
        self.intersection = intersection
        self._options = (yellow_s, all_red_s, geometry)
        self._known: dict[tuple[int, int], Transition] = {}

    def between(self, from_phase: int, to_phase: int) -> Transition:
        """See :func:`transition`."""
        key = (from_phase, to_phase)
        if key not in self._known:
            yellow, red, geometry = self._options
            self._known[key] = transition(self.intersection, from_phase, to_phase, yellow, red, geometry=geometry)
        return self._known[key]
