"""Integer tables of a road network, so that one pass over the vehicles yields every feature as array arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES, Arm, Movement, MovementKind, RoadNetwork

VEHICLE_SPACE_M = 7.5
"""Road that one queued car takes: its length and the gap before it (SUMO's default car)."""

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class NetworkIndex:
    """Codes and incidence tables of a :class:`RoadNetwork`.

    Codes: *lane* 0..L-1 are lanes of roads, beyond them lanes inside junctions; *stop* 0..K-1 are (agent, stop-line
    lane) pairs, stop K is a dummy that is always empty; *arm row* = agent * MAX_ARMS + arm, the dummy row after the
    last collects what belongs to no arm; *phase row* = agent * MAX_PHASES + phase.
    """

    def __init__(self, network: RoadNetwork) -> None:
        self.network = network
        self.n_agents = len(network.intersections)
        self.n_arm_rows = self.n_agents * MAX_ARMS
        self.first_phase_row = np.arange(self.n_agents) * MAX_PHASES
        self._index_lanes()
        self._index_arms()
        self._index_stops()
        self._index_phases()
        self._index_crossings()
        self._index_roads()

    # -- lanes ------------------------------------------------------------------------------------------------
    def _index_lanes(self) -> None:
        lanes = self.network.lanes
        self.n_lanes = len(lanes)
        self.lane_code = {lane.id: code for code, lane in enumerate(lanes)}
        self.lane_length_m = np.array([lane.length_m for lane in lanes], dtype=np.float64)
        self.lane_speed_m_s = np.array([lane.speed_m_s for lane in lanes], dtype=np.float64)
        self.edges = tuple(dict.fromkeys(lane.edge for lane in lanes))
        self.edge_code = {edge: code for code, edge in enumerate(self.edges)}
        self.lanes_of_edge: dict[str, list[int]] = {edge: [] for edge in self.edges}
        for code, lane in enumerate(lanes):
            self.lanes_of_edge[lane.edge].append(code)
        self.edge_length_m = np.array([self.lane_length_m[self.lanes_of_edge[e][0]] for e in self.edges])
        self.edge_speed_m_s = np.array([self.lane_speed_m_s[self.lanes_of_edge[e]].max() for e in self.edges])
        free_flow_s = (self.edge_length_m / self.edge_speed_m_s).tolist()
        self.edge_free_flow_s = dict(zip(self.edges, free_flow_s, strict=True))
        # One lane for each internal edge on the way: those beside it are as long, but for a curve.
        first = {name.rpartition("_")[0]: name for name in reversed(self.network.junction_lanes)}
        self.lanes_between: dict[tuple[str, str], list[str]] = {}
        for name in first.values():
            self.lanes_between.setdefault(self.network.junction_lanes[name], []).append(name)
        internal = [name for name in self.network.junction_lanes if name not in self.lane_code]
        for code, name in enumerate(internal, start=self.n_lanes):
            self.lane_code[name] = code
        self.n_codes = len(self.lane_code)
        target = [self.edge_code.get(self.network.junction_lanes[name][1], 0) for name in internal]
        edge_of = [self.edge_code[lane.edge] for lane in lanes] + target
        self.edge_of_code = np.array(edge_of, dtype=np.int64)
        # Speed limits by code; a car inside a junction is measured against the road that it is leaving for.
        self.code_speed_m_s = np.concatenate([self.lane_speed_m_s, self.edge_speed_m_s[np.array(target, np.int64)]])

    # -- arms -------------------------------------------------------------------------------------------------
    def _index_arms(self) -> None:
        rows, dummy = self.n_arm_rows, self.n_arm_rows
        self.arm_exists = np.zeros(rows, dtype=bool)
        self.arm_in_m = np.zeros(rows + 1)
        self.arm_out_m = np.zeros(rows + 1)
        self.arm_length_m = np.zeros(rows + 1)
        self.arm_free_flow_s = np.zeros(rows + 1)
        self.arm_upstream = np.full(rows + 1, -1, dtype=np.int64)
        self.arm_downstream = np.full(rows + 1, -1, dtype=np.int64)
        self.in_arm = np.full(self.n_codes, dummy, dtype=np.int64)
        self.out_arm = np.full(self.n_codes, dummy, dtype=np.int64)
        self.distance_after_m = np.zeros(self.n_codes)
        """Metres from the end of a lane to the stop line of the arm it belongs to."""
        for inter in self.network.intersections:
            for arm in inter.arms[:MAX_ARMS]:
                row = inter.index * MAX_ARMS + arm.index
                self.arm_exists[row] = bool(arm.in_edges)
                self.arm_upstream[row], self.arm_downstream[row] = arm.upstream, arm.downstream
                after = 0.0
                for edge in arm.in_edges:
                    codes = self.lanes_of_edge.get(edge, [])
                    self.in_arm[codes] = row
                    self.distance_after_m[codes] = after
                    self.arm_in_m[row] += self.lane_length_m[codes].sum()
                    if codes:
                        after += self.lane_length_m[codes[0]]
                        self.arm_free_flow_s[row] += self.lane_length_m[codes[0]] / self.lane_speed_m_s[codes[0]]
                self.arm_length_m[row] = after
                for edge in arm.out_edges:
                    codes = self.lanes_of_edge.get(edge, [])
                    self.out_arm[codes] = row
                    self.arm_out_m[row] += self.lane_length_m[codes].sum()
        # Reciprocals once: shares of a road that vehicles fill.
        self.per_in_capacity = VEHICLE_SPACE_M / np.maximum(self.arm_in_m, VEHICLE_SPACE_M)
        self.per_out_capacity = VEHICLE_SPACE_M / np.maximum(self.arm_out_m, VEHICLE_SPACE_M)

    # -- stop lines -------------------------------------------------------------------------------------------
    def _index_stops(self) -> None:
        stop_of: dict[tuple[int, str], int] = {}
        agents, arms, lengths = [], [], []
        exits: dict[int, set[int]] = {}
        turns: dict[str, set[int]] = {kind: set() for kind in get_args(MovementKind)}
        for inter in self.network.intersections:
            for move in inter.movements:
                if move.kind == "crossing":
                    continue
                for lane in move.lanes:
                    key = (inter.index, lane)
                    if key not in stop_of:
                        stop_of[key] = len(stop_of)
                        agents.append(inter.index)
                        arms.append(inter.index * MAX_ARMS + min(move.from_arm, MAX_ARMS - 1))
                        lengths.append(self.lane_length_m[self.lane_code[lane]])
                    turns[move.kind].add(stop_of[key])
                    exits.setdefault(stop_of[key], set()).add(inter.index * MAX_ARMS + min(move.to_arm, MAX_ARMS - 1))
        self.stop_of = stop_of
        self.n_stops = len(stop_of)
        self.stop_agent = np.array(agents, dtype=np.int64)
        self.stop_arm = np.array(arms, dtype=np.int64)
        self.stop_length_m = np.array(lengths)
        self.turn_stops = {kind: np.array(sorted(found), dtype=np.int64) for kind, found in turns.items()}
        """By kind of movement, the stop lines from which it may be driven."""
        pairs = [(stop, row, 1.0 / len(rows)) for stop, rows in sorted(exits.items()) for row in sorted(rows)]
        self.exit_stop, self.exit_row, self.exit_weight = _columns(pairs)
        self.feed_lane, self.feed_stop, self.feed_weight = _columns(self._feeds())

    def _feeds(self) -> Iterable[tuple[int, int, float]]:
        """(lane, stop, share): a stop-line lane feeds itself, lanes upstream on the same arm the ones they lead to."""
        for inter in self.network.intersections:
            shares: dict[int, dict[int, float]] = {}
            for (agent, lane), stop in self.stop_of.items():
                if agent == inter.index:
                    shares[self.lane_code[lane]] = {stop: 1.0}
            for arm in inter.arms:
                stops = [
                    s for lane, own in shares.items() for s in own if self.in_arm[lane] == self._row(inter.index, arm)
                ]
                for edge in arm.in_edges:
                    for code in self.lanes_of_edge.get(edge, []):
                        if code not in shares:
                            shares[code] = self._downstream_shares(code, shares) or {s: 1.0 / len(stops) for s in stops}
            for code, own in shares.items():
                for stop, share in own.items():
                    yield code, stop, share

    def _downstream_shares(self, code: int, shares: dict[int, dict[int, float]]) -> dict[int, float]:
        nexts = [
            self.lane_code[n]
            for n in self.network.lane_links.get(self.network.lanes[code].id, ())
            if n in self.lane_code
        ]
        known = [shares[n] for n in nexts if n in shares]
        total: dict[int, float] = {}
        for own in known:
            for stop, share in own.items():
                total[stop] = total.get(stop, 0.0) + share / len(known)
        return total

    @staticmethod
    def _row(agent: int, arm: Arm) -> int:
        return agent * MAX_ARMS + min(arm.index, MAX_ARMS - 1)

    # -- phases -----------------------------------------------------------------------------------------------
    def _index_phases(self) -> None:
        rows: list[int] = []
        stops: list[int] = []
        starts: list[int] = []
        self.n_phases = np.array([len(i.phases) for i in self.network.intersections], dtype=np.int64)
        lanes_of_agent = np.maximum(np.bincount(self.stop_agent, minlength=self.n_agents), 1)
        served, majors, by_arm = [], [], []
        self.phase_arms: list[list[frozenset[int]]] = []
        for inter in self.network.intersections:
            arms_by_phase, lanes_by_arm = [], _lanes_by_arm(inter.movements)
            for number, phase in enumerate(inter.phases):
                moves = [inter.movements[m] for m in phase.major + phase.minor]
                own = sorted(
                    {self.stop_of[inter.index, lane] for m in moves if m.kind != "crossing" for lane in m.lanes}
                )
                rows.append(inter.index * MAX_PHASES + number)
                starts.append(len(stops))
                stops.extend([*own, self.n_stops])
                served.append(len(own) / lanes_of_agent[inter.index])
                majors.append(len(phase.major) / max(1, len(moves)))
                green = _lanes_by_arm(moves)
                by_arm.append([len(g) / max(1, len(a)) for g, a in zip(green, lanes_by_arm, strict=True)])
                arms_by_phase.append(frozenset(m.from_arm for m in moves if m.kind != "crossing"))
            self.phase_arms.append(arms_by_phase)
        self.phase_row = np.array(rows, dtype=np.int64)
        self.phase_start = np.array(starts, dtype=np.int64)
        self.phase_stop = np.array(stops, dtype=np.int64)
        self.phase_served = np.array(served)
        self.phase_major_share = np.array(majors)
        self.phase_arm_share = np.array(by_arm).reshape(len(rows), MAX_ARMS)
        self.phase_exists = np.arange(MAX_PHASES) < self.n_phases[:, None]

    def _index_crossings(self) -> None:
        self.crossing_code: dict[str, int] = {}
        arms: list[int] = []
        rows: list[int] = []
        codes: list[int] = []
        for inter in self.network.intersections:
            of_move: dict[int, int] = {}
            for move in inter.movements:
                if move.kind == "crossing":
                    code = len(arms)
                    of_move[move.index] = code
                    self.crossing_code.update({lane: code for lane in move.lanes})
                    arms.append(inter.index * MAX_ARMS + min(move.to_arm, MAX_ARMS - 1))
            for number, phase in enumerate(inter.phases):
                for move_index in phase.major + phase.minor:
                    if move_index in of_move:
                        rows.append(inter.index * MAX_PHASES + number)
                        codes.append(of_move[move_index])
        self.n_crossings = len(arms)
        self.crossing_arm = np.array(arms, dtype=np.int64)
        self.phase_crossing_row = np.array(rows, dtype=np.int64)
        self.phase_crossing = np.array(codes, dtype=np.int64)

    # -- roads ------------------------------------------------------------------------------------------------
    def _index_roads(self) -> None:
        """Where a car counts as being: its arm row, or beyond those its edge; inside a junction, where it goes."""
        edge_arm = np.full(len(self.edges), -1, dtype=np.int64)
        for code in range(self.n_lanes):
            if self.in_arm[code] < self.n_arm_rows:
                edge_arm[self.edge_of_code[code]] = self.in_arm[code]
        road_of_edge = np.where(edge_arm >= 0, edge_arm, self.n_arm_rows + np.arange(len(self.edges)))
        self.road_of_code = road_of_edge[self.edge_of_code]
        self.n_roads = self.n_arm_rows + len(self.edges)

    def adjacency(self) -> npt.NDArray[np.bool_]:
        """Road neighbours, bool ``(N, N)``, symmetric, without the diagonal."""
        near = np.zeros((self.n_agents, self.n_agents), dtype=bool)
        for inter in self.network.intersections:
            for arm in inter.arms:
                for other in (arm.upstream, arm.downstream):
                    if other >= 0 and other != inter.index:
                        near[inter.index, other] = near[other, inter.index] = True
        return near


def _columns(rows: Iterable[tuple[int, int, float]]) -> tuple[IntArray, IntArray, FloatArray]:
    table = list(rows)
    first = np.array([row[0] for row in table], dtype=np.int64)
    second = np.array([row[1] for row in table], dtype=np.int64)
    return first, second, np.array([row[2] for row in table], dtype=np.float64)


def _lanes_by_arm(movements: Iterable[Movement]) -> list[set[str]]:
    """The stop-line lanes that feed these movements, by the arm that they are on."""
    lanes: list[set[str]] = [set() for _ in range(MAX_ARMS)]
    for move in movements:
        if move.kind != "crossing":
            lanes[min(move.from_arm, MAX_ARMS - 1)].update(move.lanes)
    return lanes
