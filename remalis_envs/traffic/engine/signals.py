"""Signal control: which phase every intersection shows, with minimum and maximum green, yellow and all-red."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from remalis_envs.compiled import compiled
from remalis_envs.errors import RemalisError
from remalis_envs.traffic.engine.index import IntArray, NetworkIndex
from remalis_envs.traffic.engine.simulation import LONGEST_S
from remalis_envs.traffic.network.model import MAX_PHASES
from remalis_envs.traffic.network.transitions import Transition, transition


@dataclass(frozen=True)
class SignalTiming:
    """Times of signal control, in seconds.

    ``yellow_s`` and ``all_red_s`` are floors; with ``by_geometry`` a junction that needs more gets more (DESIGN.md,
    decision 4). ``max_green_s`` of ``inf`` switches the limit off.
    """

    decision_s: float = 5.0
    yellow_s: float = 3.0
    all_red_s: float = 2.0
    min_green_s: float = 5.0
    max_green_s: float = 60.0
    by_geometry: bool = True
    plain: bool = False
    """Change signals as sumo-rl and RESCO do: ``yellow_s`` in every case, links that stay green untouched."""
    first_green_extra_s: float = 0.0
    """The first green counts as begun this much after the episode, as if a yellow had come before it."""

    def check(self, step_length_s: float = 1.0) -> None:
        """Raise where no signal could be run with these times.

        Raises:
            RemalisError: a time is negative, not a multiple of the simulation's step, or leaves no room for a green.
        """
        for name in ("decision_s", "yellow_s", "all_red_s", "min_green_s"):
            value = getattr(self, name)
            is_time = isinstance(value, int | float) and not isinstance(value, bool) and value < LONGEST_S
            steps = value / step_length_s if is_time else -1.0
            least = 1 if name == "decision_s" else 0
            if steps < least or abs(steps - round(steps)) > 1e-9:
                raise RemalisError(
                    f"{name} must be a multiple of SUMO's step of {step_length_s:g} s"
                    f"{' and positive' if least else ', at least 0'}, not {value!r}"
                )
        longest = self.max_green_s
        if isinstance(longest, bool) or not isinstance(longest, int | float):
            longest = -1.0
        if not longest >= max(self.min_green_s, self.decision_s):
            raise RemalisError(
                f"max_green_s must be at least min_green_s ({self.min_green_s:g} s) and decision_s "
                f"({self.decision_s:g} s), not {self.max_green_s!r}; float('inf') switches it off"
            )


def plain_transition(old: str, new: str, yellow_s: float, all_red_s: float) -> Transition:
    """The way between two signal states where only links that turn red are warned, for the same time always."""
    losing = [a in "Gg" and b in "rs" for a, b in zip(old, new, strict=True)]
    states = []
    for begin_s, length_s, letter in ((0.0, yellow_s, "y"), (yellow_s, all_red_s, "r")):
        if length_s > 0:
            states.append((begin_s, "".join(letter if lost else a for lost, a in zip(losing, old, strict=True))))
    return Transition(tuple(states), yellow_s + all_red_s)


SetState = Callable[[str, str], None]
BoolArray = npt.NDArray[np.bool_]


@dataclass(slots=True)
class SignalTimes:
    """How long the signals have shown what they show at one moment, arrays over agents."""

    elapsed_s: npt.NDArray[np.float64]
    """Seconds of green so far; 0 in transition."""
    in_transition: npt.NDArray[np.bool_]
    """Between two greens."""
    min_green_passed: npt.NDArray[np.bool_]
    must_switch: npt.NDArray[np.bool_]
    """One more decision interval would exceed the maximum green, and the minimum is over."""


@dataclass(frozen=True)
class PhaseChange:
    """The way of one signal from a phase to another."""

    states: tuple[tuple[float, tuple[str, str]], ...]
    """Seconds from its beginning, and then (signal, state); the last is the new green."""
    duration_s: float


class SignalControl:
    """The signals of all intersections as arrays over agents; times are simulation seconds."""

    def __init__(self, index: NetworkIndex, timing: SignalTiming) -> None:
        self.index, self.timing = index, timing
        self._phases = [i.phases for i in index.network.intersections]
        self._ids = [i.id for i in index.network.intersections]
        self._changes: dict[tuple[int, int, int], PhaseChange] = {}
        self._agents = np.arange(index.n_agents)
        self._nobody = np.zeros(index.n_agents, dtype=bool)
        masks = np.zeros((index.n_agents, MAX_PHASES), np.int8)
        self._mask = compiled(_mask, index.n_phases, index.n_phases, self._nobody, self._nobody, masks)

    def reset(self, now_s: float, set_state: SetState) -> None:
        """Show the first phase everywhere."""
        n = self.index.n_agents
        self.current = np.zeros(n, dtype=np.int64)
        self.green_since_s = np.full(n, now_s + self.timing.first_green_extra_s)
        """When the current green began; in the future while an intersection is between phases."""
        self.pending: dict[float, list[tuple[str, str]]] = {}
        for agent in range(n):
            set_state(self._ids[agent], self._phases[agent][0].state)

    def times(self, now_s: float) -> SignalTimes:
        """All that depends on how long the signals have been green."""
        timing, since = self.timing, now_s - self.green_since_s
        passed, must_switch = since >= timing.min_green_s, self._nobody
        if timing.max_green_s < math.inf:
            must_switch = (since + timing.decision_s > timing.max_green_s) & passed & (self.index.n_phases > 1)
        return SignalTimes(np.maximum(since, 0.0), since < 0.0, passed, must_switch)

    def mask(self, times: SignalTimes, out: npt.NDArray[np.int8]) -> None:
        """Write the legal phases into ``out``, int8 ``(N, A)``."""
        self._mask(self.index.n_phases, self.current, times.min_green_passed, times.must_switch, out)

    def safe_default(self, mask: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
        """What is done instead of a masked action: keep the phase, or go on to the next where that is not legal."""
        keep = mask[self._agents, self.current] > 0
        return np.where(keep, self.current, (self.current + 1) % np.maximum(self.index.n_phases, 1))

    def decide(self, targets: npt.NDArray[np.int64], now_s: float) -> None:
        """Begin the transitions to ``targets``, ``(N,)`` legal phases."""
        changing = (targets != self.current).nonzero()[0]
        if not len(changing):
            return
        pending, ends = self.pending, []
        for key in zip(changing.tolist(), self.current[changing].tolist(), targets[changing].tolist(), strict=True):
            change = self._changes.get(key) or self._change(*key)
            for offset, shown in change.states:
                pending.setdefault(now_s + offset, []).append(shown)
            ends.append(now_s + change.duration_s)
        self.green_since_s[changing] = ends
        self.current = targets.copy()

    def _change(self, agent: int, old: int, new: int) -> PhaseChange:
        inter, timing = self.index.network.intersections[agent], self.timing
        before, after = inter.phases[old].state, inter.phases[new].state
        if timing.plain:
            step = plain_transition(before, after, timing.yellow_s, timing.all_red_s)
        else:
            step = transition(inter, old, new, timing.yellow_s, timing.all_red_s, geometry=timing.by_geometry)
        states = [*step.states, (step.duration_s, after)]
        change = PhaseChange(tuple((offset, (inter.id, state)) for offset, state in states), step.duration_s)
        self._changes[agent, old, new] = change
        return change

    def next_event_s(self, until_s: float) -> float | None:
        """The earliest moment before ``until_s`` at which a state has to be set."""
        first = min(self.pending, default=None)
        return first if first is not None and first < until_s else None

    def apply(self, now_s: float, set_state: SetState) -> None:
        """Set the states that are due."""
        for signal, state in self.pending.pop(now_s, ()):
            set_state(signal, state)


def _mask(
    n_phases: IntArray,
    current: IntArray,
    min_green_passed: BoolArray,
    must_switch: BoolArray,
    out: npt.NDArray[np.int8],
) -> None:
    """Fill ``out`` (N, A): what is green may stay unless it must go; the others may come once the minimum is over."""
    for agent in range(len(current)):
        for phase in range(out.shape[1]):
            out[agent, phase] = phase < n_phases[agent] and min_green_passed[agent]
        out[agent, current[agent]] = not must_switch[agent]
