"""Signal control: which phase every intersection shows, with minimum and maximum green, yellow and all-red."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError
from remalis_envs.traffic.engine.index import NetworkIndex
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
            steps = value / step_length_s if isinstance(value, int | float) and math.isfinite(value) else -1.0
            least = 1 if name == "decision_s" else 0
            if steps < least or abs(steps - round(steps)) > 1e-9:
                raise RemalisError(
                    f"{name} must be a multiple of SUMO's step of {step_length_s:g} s"
                    f"{' and positive' if least else ', at least 0'}, not {value!r}"
                )
        if not self.max_green_s >= max(self.min_green_s, self.decision_s):
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


class SignalControl:
    """The signals of all intersections as arrays over agents; times are simulation seconds."""

    def __init__(self, index: NetworkIndex, timing: SignalTiming) -> None:
        self.index, self.timing = index, timing
        self._phases = [i.phases for i in index.network.intersections]
        self._ids = [i.id for i in index.network.intersections]
        self._transitions: dict[tuple[int, int, int], Transition] = {}
        self._agents = np.arange(index.n_agents)

    def reset(self, now_s: float, set_state: SetState) -> None:
        """Show the first phase everywhere."""
        n = self.index.n_agents
        self.current = np.zeros(n, dtype=np.int64)
        self.green_since_s = np.full(n, now_s + self.timing.first_green_extra_s)
        """When the current green began; in the future while an intersection is between phases."""
        self.pending: dict[float, list[tuple[str, str]]] = {}
        for agent in range(n):
            set_state(self._ids[agent], self._phases[agent][0].state)

    def in_transition(self, now_s: float) -> npt.NDArray[np.bool_]:
        """Bool ``(N,)``: between two greens."""
        return self.green_since_s > now_s

    def elapsed_s(self, now_s: float) -> npt.NDArray[np.float64]:
        """Seconds of green so far, ``(N,)``; 0 in transition."""
        return np.maximum(now_s - self.green_since_s, 0.0)

    def must_switch(self, now_s: float) -> npt.NDArray[np.bool_]:
        """Bool ``(N,)``: one more decision interval would exceed the maximum green, and the minimum is over."""
        elapsed = now_s - self.green_since_s
        over = elapsed + self.timing.decision_s > self.timing.max_green_s
        return over & (elapsed >= self.timing.min_green_s) & (self.index.n_phases > 1)

    def mask(
        self, now_s: float, must_switch: npt.NDArray[np.bool_] | None = None, out: npt.NDArray[np.int8] | None = None
    ) -> npt.NDArray[np.int8]:
        """Legal phases, int8 ``(N, A)``, into ``out`` if given; ``must_switch`` saves working it out again."""
        if must_switch is None:
            must_switch = self.must_switch(now_s)
        if out is None:
            out = np.zeros(self.index.phase_exists.shape, dtype=np.int8)
        free = now_s - self.green_since_s >= self.timing.min_green_s
        np.logical_and(self.index.phase_exists, free[:, None], out=out)
        out[self._agents, self.current] = ~must_switch
        return out

    def safe_default(self, mask: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
        """What is done instead of a masked action: keep the phase, or go on to the next where that is not legal."""
        keep = mask[self._agents, self.current] > 0
        return np.where(keep, self.current, (self.current + 1) % np.maximum(self.index.n_phases, 1))

    def decide(self, targets: npt.NDArray[np.int64], now_s: float) -> None:
        """Begin the transitions to ``targets``, ``(N,)`` legal phases."""
        for agent in np.flatnonzero(targets != self.current).tolist():
            step = self._transition(agent, int(self.current[agent]), int(targets[agent]))
            for offset, state in step.states:
                self.pending.setdefault(now_s + offset, []).append((self._ids[agent], state))
            end = now_s + step.duration_s
            self.pending.setdefault(end, []).append((self._ids[agent], self._phases[agent][targets[agent]].state))
            self.green_since_s[agent] = end
        self.current = targets.copy()

    def _transition(self, agent: int, old: int, new: int) -> Transition:
        key = (agent, old, new)
        if key not in self._transitions:
            inter, timing = self.index.network.intersections[agent], self.timing
            if timing.plain:
                step = plain_transition(
                    inter.phases[old].state, inter.phases[new].state, timing.yellow_s, timing.all_red_s
                )
            else:
                step = transition(inter, old, new, timing.yellow_s, timing.all_red_s, geometry=timing.by_geometry)
            self._transitions[key] = step
        return self._transitions[key]

    def next_event_s(self, until_s: float) -> float | None:
        """The earliest moment before ``until_s`` at which a state has to be set."""
        first = min(self.pending, default=None)
        return first if first is not None and first < until_s else None

    def apply(self, now_s: float, set_state: SetState) -> None:
        """Set the states that are due."""
        for signal, state in self.pending.pop(now_s, ()):
            set_state(signal, state)
