"""What really happened between intersections: who discharged what, and whether neighbours were aligned.

Definitions follow the end of the project's reading of the ReMALIS paper (sections 3.1, 4.1 and Table 3's "aligned
sub-tasks"). Everything comes from the simulation's own record, so it scores silent methods too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import repeat
from math import inf

import numpy as np
import numpy.typing as npt

from remalis_envs.compiled import compiled
from remalis_envs.traffic.engine.index import IntArray, NetworkIndex
from remalis_envs.traffic.engine.readings import Vehicles
from remalis_envs.traffic.network.model import MAX_ARMS

DEPENDENT_FROM_VEH = 3
"""Cars that leave one intersection towards another within a decision make the pair dependent."""
ALIGNMENT_SLACK_S = 10.0
"""Half of them have to cross the next stop line within free-flow time and this much more."""

CARRIED_S = 60.0
"""What an intersection has carried lately is what crossed its stop lines in so long a time."""


@dataclass
class Platoon:
    """Cars that set off together from one intersection to the next."""

    road: int
    size: int
    begun_s: float
    deadline_s: float
    crossed: int = 0
    aligned_s: float = -1.0
    """When half of them had crossed; negative before."""


@dataclass
class AlignmentRecord:
    """Totals over an episode."""

    dependent_pairs: int = 0
    aligned_pairs: int = 0
    coordination_s: float = 0.0

    @property
    def share(self) -> float:
        """Share of dependent pairs that were aligned; nan before there was any."""
        return self.aligned_pairs / self.dependent_pairs if self.dependent_pairs else float("nan")

    @property
    def mean_coordination_s(self) -> float:
        """Mean simulated seconds until a dependent pair was aligned, over those that were; nan if none was."""
        return self.coordination_s / self.aligned_pairs if self.aligned_pairs else float("nan")


@dataclass(slots=True)
class Events:
    """What an interval brought, arrays over arm rows or agents."""

    discharged: npt.NDArray[np.int64]
    """Cars that crossed the stop line of each arm, ``(N * MAX_ARMS,)``."""
    cleared: npt.NDArray[np.bool_]
    """Agents through which an emergency vehicle passed, ``(N,)``."""
    misaligned: list[int] = field(default_factory=list)
    """Arm rows whose platoon missed its deadline now."""
    aligned: list[int] = field(default_factory=list)
    discharged_by_agent: npt.NDArray[np.int64] = field(init=False)
    """Cars that crossed a stop line of each intersection, ``(N,)``."""

    def __post_init__(self) -> None:
        self.discharged_by_agent = np.add.reduce(self.discharged.reshape(-1, MAX_ARMS), axis=1)


_NONE = np.zeros(0, np.int64)


class Tracker:
    """Follows every car from road to road."""

    def __init__(self, index: NetworkIndex, decision_s: float = 5.0) -> None:
        self.index = index
        self._decisions = max(round(CARRIED_S / decision_s), 1)
        self._compare = compiled(_compare, *4 * (_NONE,), _NONE.copy(), _NONE.copy())
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._road: dict[str, int] = {}
        self._platoon_of: dict[str, Platoon] = {}
        self._open: list[Platoon] = []
        self._next_deadline_s = inf  # of those open, which roads of different lengths put out of order
        self.alignment = AlignmentRecord()
        self._discharged: deque[npt.NDArray[np.int64]] = deque(maxlen=self._decisions)
        self.carried = np.zeros(self.index.n_agents, np.int64)
        """Vehicles that crossed a stop line of each intersection in the last :data:`CARRIED_S`, ``(N,)``."""

    def update(self, vehicles: Vehicles, now_s: float) -> Events:
        """Compare the cars' roads with those of the last decision."""
        ix, ids, rows = self.index, vehicles.ids, self.index.n_arm_rows
        before = np.fromiter(map(self._road.get, ids, repeat(-1)), np.int64, len(ids))
        road, moved, discharged = np.empty_like(before), np.empty_like(before), np.zeros(rows, np.int64)
        moved = moved[: self._compare(before, vehicles.code, ix.road_of_code, road, moved, discharged)]
        self._road = dict(zip(ids, road.tolist(), strict=True))
        left = before[moved]
        events = Events(discharged, np.zeros(ix.n_agents, dtype=bool))
        if len(vehicles.emergency):
            passed = np.intersect1d(moved, vehicles.emergency)
            gone = before[passed]
            events.cleared[gone[gone < rows] // MAX_ARMS] = True
        movers = [ids[k] for k in moved.tolist()]
        self._cross(movers, now_s, events)
        self._gather(movers, left.tolist(), road[moved].tolist(), now_s)
        self._expire(now_s, events)
        self._carry(events.discharged_by_agent)
        return events

    def _carry(self, discharged: npt.NDArray[np.int64]) -> None:
        if len(self._discharged) == self._decisions:
            self.carried = self.carried - self._discharged[0]
        self._discharged.append(discharged)
        self.carried = self.carried + discharged

    def _cross(self, movers: list[str], now_s: float, events: Events) -> None:
        if not self._platoon_of:
            return
        for car in movers:
            platoon = self._platoon_of.pop(car, None)
            if platoon is None or now_s > platoon.deadline_s:
                continue
            platoon.crossed += 1
            if platoon.aligned_s < 0 and 2 * platoon.crossed >= platoon.size:
                platoon.aligned_s = now_s
                self.alignment.aligned_pairs += 1
                self.alignment.coordination_s += now_s - platoon.begun_s
                events.aligned.append(platoon.road)

    def _gather(self, movers: list[str], left: list[int], entered: list[int], now_s: float) -> None:
        """Open a platoon for every road between signals that enough cars entered."""
        ix, rows = self.index, self.index.n_arm_rows
        entering: dict[int, list[str]] = {}
        for car, before, road in zip(movers, left, entered, strict=True):
            if before < rows and road < rows:
                entering.setdefault(road, []).append(car)
        for road in sorted(entering):
            cars = entering[road]
            if len(cars) < DEPENDENT_FROM_VEH or ix.arm_upstream[road] < 0:
                continue
            platoon = Platoon(road, len(cars), now_s, now_s + float(ix.arm_free_flow_s[road]) + ALIGNMENT_SLACK_S)
            self._open.append(platoon)
            self._next_deadline_s = min(self._next_deadline_s, platoon.deadline_s)
            self.alignment.dependent_pairs += 1
            for car in cars:
                self._platoon_of[car] = platoon

    def _expire(self, now_s: float, events: Events) -> None:
        """Close platoons whose time is up."""
        if self._next_deadline_s > now_s:
            return
        late = [platoon for platoon in self._open if platoon.deadline_s <= now_s]
        events.misaligned.extend(platoon.road for platoon in late if platoon.aligned_s < 0)
        self._open = [platoon for platoon in self._open if platoon.deadline_s > now_s]
        self._next_deadline_s = min((platoon.deadline_s for platoon in self._open), default=inf)


def _compare(
    before: IntArray, code: IntArray, road_of_code: IntArray, road: IntArray, moved: IntArray, discharged: IntArray
) -> int:
    """Fill ``road`` by car, ``discharged`` by arm row, and the first places of ``moved``; returns how many.

    A car that was not there ``before`` has -1; beyond the arm rows are roads that lead to no signal.
    """
    n_moved = 0
    for k in range(len(code)):
        road[k] = road_of_code[code[k]]
        if before[k] >= 0 and before[k] != road[k]:
            moved[n_moved] = k
            n_moved += 1
            if before[k] < len(discharged):
                discharged[before[k]] += 1
    return n_moved


def misaligned_shares(index: NetworkIndex, events: Events, out: npt.NDArray[np.float32]) -> None:
    """Write into ``out`` the share of each intersection's dependent pairs, decided now, that did not fit, ``(N,)``.

    A pair counts for both its intersections: the one that the platoon left and the one that had to serve it.
    -1 where none of an intersection's pairs was decided.
    """
    out.fill(-1.0)
    if not events.misaligned and not events.aligned:
        return
    late, all_of = np.zeros(index.n_agents), np.zeros(index.n_agents)
    for roads, totals in ((events.misaligned, (late, all_of)), (events.aligned, (all_of,))):
        for road in roads:
            for agent in (road // MAX_ARMS, index.arm_upstream[road]):
                for total in totals:
                    total[agent] += 1
    known = all_of > 0
    out[known] = late[known] / all_of[known]
