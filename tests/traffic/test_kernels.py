"""What the compiled loops yield, against definitions written out one car and one phase at a time."""

from __future__ import annotations

import numpy as np
import pytest

import remalis_envs
from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import HALTING_M_S, Counter, Vehicles
from remalis_envs.traffic.engine.signals import SignalControl, SignalTimes, SignalTiming
from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES
from remalis_envs.traffic.observations import ARM_FEATURES, INTERSECTION_FEATURES, LAYOUT, LIMIT, PHASE_FEATURES
from remalis_envs.traffic.observer import Observer, SignalView
from remalis_envs.traffic.outcomes import Events
from remalis_envs.traffic.served import Served
from remalis_envs.traffic.vocabulary import EXIT_FULL, HOLD, METER, SUBGOALS

MAPS = ({"level": "medium"}, {"level": "hell"}, {"scenario": "resco/ingolstadt21"})


@pytest.fixture(scope="module", params=MAPS, ids=lambda one: next(iter(one.values())))
def index(request: pytest.FixtureRequest) -> NetworkIndex:
    return NetworkIndex(remalis_envs.traffic_v0(**request.param).network)


def traffic(index: NetworkIndex, seed: int, cars: int = 900) -> Vehicles:
    """Cars anywhere, half of them queued; some are emergency vehicles."""
    rng = np.random.default_rng(seed)
    speed = np.where(rng.random(cars) < 0.5, 0.0, rng.uniform(0.0, 20.0, cars))
    return Vehicles(
        tuple(map(str, range(cars))),
        rng.integers(index.n_codes, size=cars),
        speed,
        np.where(speed < HALTING_M_S, rng.uniform(0.0, 300.0, cars), 0.0),
        emergency=np.flatnonzero(rng.random(cars) < 0.02),
        halting=np.flatnonzero(speed < HALTING_M_S),
    )


def by_arm(index: NetworkIndex, vehicles: Vehicles, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Cars, queued cars, longest waits, speeds, slowness and emergency vehicles of every arm, car by car."""
    rows = index.n_arm_rows
    found = {name: np.zeros(rows) for name in ("vehicles", "queue", "wait_s", "slowness", "emergency", "exit")}
    for k in np.flatnonzero(kept):
        code, halting = vehicles.code[k], vehicles.speed_m_s[k] < HALTING_M_S
        if (arm := index.in_arm[code]) < rows:
            found["vehicles"][arm] += 1
            found["queue"][arm] += halting
            found["slowness"][arm] += 1.0 - min(1.0, vehicles.speed_m_s[k] / index.code_speed_m_s[code])
            found["emergency"][arm] += k in vehicles.emergency
            if halting:
                found["wait_s"][arm] = max(found["wait_s"][arm], vehicles.wait_s[k])
        if (arm := index.out_arm[code]) < rows:
            found["exit"][arm] += 1
    return found


@pytest.mark.parametrize("share", [None, 0.6, 0.0])
def test_counts_are_the_sums_over_the_cars(index: NetworkIndex, share: float | None) -> None:
    vehicles = traffic(index, seed=1)
    keep = None if share is None else np.random.default_rng(2).random(len(vehicles.ids)) < share
    kept = np.ones(len(vehicles.ids), bool) if keep is None else keep
    counts, found = Counter(index).count(vehicles, keep), by_arm(index, vehicles, kept)
    assert np.array_equal(counts.arm_vehicles, found["vehicles"])
    assert np.array_equal(counts.arm_queue, found["queue"])
    assert np.array_equal(counts.arm_wait_s, found["wait_s"])
    assert np.array_equal(counts.arm_emergency, found["emergency"])
    assert np.array_equal(counts.exit_vehicles, found["exit"])
    assert counts.arm_slowness == pytest.approx(found["slowness"])
    cars = found["vehicles"]
    assert counts.arm_speed_share == pytest.approx(np.where(cars > 0, 1.0 - found["slowness"] / np.maximum(cars, 1), 1))


def test_stop_lines_count_the_lanes_that_feed_them(index: NetworkIndex) -> None:
    vehicles = traffic(index, seed=3)
    counts, n = Counter(index).count(vehicles), index.n_stops + 1
    halting = vehicles.speed_m_s < HALTING_M_S
    cars, queue, wait, special = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    for lane, stop, weight in zip(index.feed_lane, index.feed_stop, index.feed_weight, strict=True):
        there = vehicles.code == lane
        cars[stop] += weight * there.sum()
        queue[stop] += weight * (there & halting).sum()
        wait[stop] = max([wait[stop], *vehicles.wait_s[there & halting]])
        special[stop] = max(special[stop], there[vehicles.emergency].sum())
    exits = by_arm(index, vehicles, np.ones(len(vehicles.ids), bool))["exit"]
    lanes_out = np.bincount(index.out_arm[: index.n_lanes], minlength=index.n_arm_rows + 1)
    pressure, full = cars.copy(), np.zeros(n)
    for stop, row, weight in zip(index.exit_stop, index.exit_row, index.exit_weight, strict=True):
        if index.arm_downstream[row] >= 0:
            pressure[stop] -= weight * exits[row] / lanes_out[row]
        full[stop] = max(full[stop], exits[row] * index.per_out_capacity[row])
    assert counts.stop_vehicles == pytest.approx(cars)
    assert counts.stop_queue == pytest.approx(queue)
    assert np.array_equal(counts.stop_wait_s, wait)
    assert np.array_equal(counts.stop_emergency, special)
    assert counts.stop_pressure == pytest.approx(pressure)
    assert counts.stop_exit == pytest.approx(full)


def view_of(index: NetworkIndex, rng: np.random.Generator) -> SignalView:
    n = index.n_agents
    moving = rng.random(n) < 0.3
    times = SignalTimes(np.where(moving, 0.0, rng.uniform(0.0, 300.0, n)), moving, ~moving, rng.random(n) < 0.2)
    subgoal = rng.integers(-1, len(SUBGOALS), n)
    discharged = rng.integers(0, 100, n)
    return SignalView(rng.integers(index.n_phases), times, subgoal, rng.normal(0.0, 5.0, n), discharged)


def test_vectors_are_made_from_the_counts(index: NetworkIndex) -> None:
    """Whatever the array held before."""
    rng, observer = np.random.default_rng(4), Observer(index)
    for seed in (5, 6):
        counts, view = Counter(index).count(traffic(index, seed, cars=9000)), view_of(index, rng)
        rows = observer.fill(counts, view, None, None)
        assert np.abs(rows).max() == LIMIT  # some roads are that full
    phases, arms, own = LAYOUT.phase_features(rows), LAYOUT.arm_features(rows), LAYOUT.intersection_features(rows)
    ends = [*index.phase_start[1:], len(index.phase_stop)]
    for row, start, end in zip(index.phase_row, index.phase_start, ends, strict=True):
        agent, phase = divmod(row, MAX_PHASES)
        stops, shown = index.phase_stop[start:end], dict(zip(PHASE_FEATURES, phases[agent, phase], strict=True))
        assert shown["is_current"] == (view.current[agent] == phase)
        for name, value in {
            "queue": counts.stop_queue[stops].sum() / 20.0,
            "vehicles": counts.stop_vehicles[stops].sum() / 20.0,
            "pressure": counts.stop_pressure[stops].sum() / 20.0,
            "wait": counts.stop_wait_s[stops].max() / 60.0,
            "exit_occupancy": counts.stop_exit[stops].max(),
            "emergency": counts.stop_emergency[stops].max(),
        }.items():
            assert shown[name] == pytest.approx(np.clip(value, -LIMIT, LIMIT), rel=1e-5, abs=1e-6), name
    for k in range(index.n_arm_rows):
        agent, arm = divmod(k, MAX_ARMS)
        shown = dict(zip(ARM_FEATURES, arms[agent, arm], strict=True))
        green = arm in index.phase_arms[agent][view.current[agent]] and not view.times.in_transition[agent]
        turning = {f"vehicles_{turn}": index.turn_stops[turn] for turn in ("left", "straight", "right")}
        for name, value in {
            "queue": counts.arm_queue[k] / 20.0,
            "vehicles": counts.arm_vehicles[k] / 20.0,
            "speed": counts.arm_speed_share[k] * index.arm_exists[k],
            "wait": counts.arm_wait_s[k] / 60.0,
            "occupancy": counts.arm_vehicles[k] * index.per_in_capacity[k],
            "exit_occupancy": counts.exit_vehicles[k] * index.per_out_capacity[k],
            "emergency": counts.arm_emergency[k],
            "green": float(green),
            **{
                name: counts.stop_vehicles[[stop for stop in stops if index.stop_arm[stop] == k]].sum() / 20.0
                for name, stops in turning.items()
            },
        }.items():
            assert shown[name] == pytest.approx(min(value, LIMIT), rel=1e-5, abs=1e-6), name
    first = INTERSECTION_FEATURES.index("last_reward") - len(SUBGOALS)
    for agent in range(index.n_agents):
        shown = dict(zip(INTERSECTION_FEATURES, own[agent], strict=True))
        assert shown["time_in_phase"] == pytest.approx(min(view.times.elapsed_s[agent] / 60.0, LIMIT))
        assert shown["in_transition"] == view.times.in_transition[agent]
        assert shown["must_switch"] == view.times.must_switch[agent]
        assert shown["last_reward"] == pytest.approx(np.clip(view.last_reward[agent], -LIMIT, LIMIT))
        assert shown["last_discharged"] == pytest.approx(min(view.last_discharged[agent] / 20.0, LIMIT))
        one_hot = own[agent, first : first + len(SUBGOALS)]
        assert np.array_equal(one_hot, np.arange(len(SUBGOALS)) == view.last_subgoal[agent])


def test_subgoals_and_arms_looked_at(index: NetworkIndex) -> None:
    rng, served = np.random.default_rng(7), Served(index)
    counts = Counter(index).count(traffic(index, 8, cars=9000))
    counts.arm_emergency[:] = 0.0
    discharged = rng.integers(0, 4, index.n_arm_rows) * np.repeat(rng.random(index.n_agents) < 0.5, MAX_ARMS)
    events = Events(discharged, np.zeros(index.n_agents, bool))
    subgoals = served.subgoals(events, counts)
    full = (counts.stop_exit[:-1] >= EXIT_FULL) & (counts.stop_queue[:-1] >= 1.0)
    metered = set(index.stop_agent[full].tolist())
    fill = counts.arm_queue * index.per_in_capacity[:-1]
    seen = set()
    for agent, concept in enumerate(served.concepts(subgoals, counts).tolist()):
        own = slice(agent * MAX_ARMS, (agent + 1) * MAX_ARMS)
        if discharged[own].sum():
            assert subgoals[agent] == discharged[own].argmax()
        else:
            assert subgoals[agent] == (METER if agent in metered else HOLD)
        arm = subgoals[agent] if subgoals[agent] < MAX_ARMS else fill[own].argmax()
        assert concept == sum(fill[own][arm] >= bound for bound in (0.1, 0.3, 0.6, 0.9))
        seen |= {int(subgoals[agent]), concept}
    assert len(seen) > 3


def test_what_is_green_may_stay_and_others_come_after_the_minimum(index: NetworkIndex) -> None:
    control, rng = SignalControl(index, SignalTiming()), np.random.default_rng(9)
    control.reset(0.0, lambda signal, state: None)
    control.current = rng.integers(index.n_phases)
    n = index.n_agents
    passed, must = rng.random(n) < 0.5, rng.random(n) < 0.5
    masks = rng.integers(0, 2, (n, MAX_PHASES)).astype(np.int8)
    control.mask(SignalTimes(np.zeros(n), ~passed, passed, must), out=masks)
    for agent in range(n):
        for phase in range(MAX_PHASES):
            legal = not must[agent] if phase == control.current[agent] else passed[agent]
            assert masks[agent, phase] == (legal and phase < index.n_phases[agent])
