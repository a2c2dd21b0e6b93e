"""Drawn demand: rates within their bounds, routes that can be driven, trips and pedestrians in the real SUMO."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from remalis_envs.errors import RemalisError
from remalis_envs.traffic.demand import (
    BUS,
    EMERGENCY,
    LORRY,
    PROFILES,
    DemandProfile,
    RouteTable,
    add_route,
    add_vehicle,
    draw_rate,
    draw_trips,
    load_routes,
    types_file,
)
from remalis_envs.traffic.demand.lanes import Edge, Search, Turn
from remalis_envs.traffic.demand.persons import add_person, draw_persons, load_walks
from remalis_envs.traffic.network import PHASE_COUNTS, RoadNetwork, grid, level_network, read_network
from remalis_envs.traffic.sumo import sumo_home

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    return read_network(str(grid(3, 3)))


@pytest.fixture(scope="module")
def routes(network: RoadNetwork) -> RouteTable:
    return load_routes(network.net_file, network.entries, network.exits)


@pytest.fixture
def sumo() -> Iterator[Any]:
    sumo_home()
    import libsumo

    yield libsumo
    libsumo.close()


def start(sumo: Any, net_file: str, *options: str) -> None:
    sumo.start(
        [
            *("sumo", "--net-file", str(net_file), "--additional-files", str(types_file()), "--no-step-log"),
            *("--no-warnings", "--time-to-teleport", "-1", "--collision.check-junctions", *options),
        ]
    )


@functools.cache
def described_level(level: str) -> RoadNetwork:
    return read_network(str(level_network(level)), count=PHASE_COUNTS[level])


def show_green(sumo: Any) -> None:
    for signal in sumo.trafficlight.getIDList():
        links = len(sumo.trafficlight.getRedYellowGreenState(signal))
        sumo.trafficlight.setRedYellowGreenState(signal, "G" * links)


@pytest.mark.parametrize("level", PROFILES)
def test_a_drawn_rate_stays_within_the_bounds_of_its_level_and_uses_them(level: str) -> None:
    profile = PROFILES[level]
    rates = [draw_rate(profile, np.random.default_rng(seed), 0.0, HOUR_S).values_veh_s for seed in range(40)]
    lowest, highest = min(r.min() for r in rates), max(r.max() for r in rates)
    span = profile.rate_high_veh_s - profile.rate_low_veh_s
    assert profile.rate_low_veh_s <= lowest <= profile.rate_low_veh_s + 0.05 * span
    assert profile.rate_high_veh_s - 0.05 * span <= highest <= profile.rate_high_veh_s


def test_spikes_last_two_minutes_and_leave_the_network_time_to_recover() -> None:
    for seed in range(20):
        rate = draw_rate(PROFILES["hell"], np.random.default_rng(seed), 0.0, HOUR_S)
        lengths = np.diff(rate.times_s)
        assert set(np.unique(rate.values_veh_s)) == {2.0, 8.0}
        np.testing.assert_allclose(lengths[rate.values_veh_s == 8.0], 120.0)
        assert (lengths[rate.values_veh_s == 2.0][1:-1] >= 480.0).all()


@pytest.mark.parametrize("level", PROFILES)
def test_arrivals_are_poisson_at_the_drawn_rate(level: str, routes: RouteTable) -> None:
    # Counts in bins of a minute against the integral of the rate: mean and variance of the standardised excess.
    excess = []
    for seed in range(12):
        trips = draw_trips(PROFILES[level], routes, np.random.default_rng(seed), 0.0, HOUR_S)
        assert (np.diff(trips.depart_s) >= 0.0).all()
        assert trips.depart_s.min() >= 0.0
        assert trips.depart_s.max() <= HOUR_S
        minutes = np.arange(0.0, HOUR_S + 1.0, 60.0)
        integral = np.concatenate([[0.0], np.cumsum(np.diff(trips.rate.times_s) * trips.rate.values_veh_s)])
        expected = np.diff(np.interp(minutes, trips.rate.times_s, integral))
        excess.append((np.histogram(trips.depart_s, minutes)[0] - expected) / np.sqrt(expected))
    values = np.concatenate(excess)
    assert abs(values.mean()) < 4.0 / np.sqrt(len(values))
    assert 0.75 < values.var() < 1.25


def test_the_same_generator_gives_the_same_trips_and_another_gives_others(routes: RouteTable) -> None:
    one, same, other = (
        draw_trips(PROFILES["hell"], routes, np.random.default_rng(seed), 0.0, 600.0) for seed in (5, 5, 6)
    )
    for name in ("depart_s", "route", "vehicle_type", "speed_factor"):
        assert getattr(one, name).tobytes() == getattr(same, name).tobytes()
    assert one.depart_s.tobytes() != other.depart_s.tobytes()


def test_nobody_leaves_where_he_came_in_unless_the_profile_says_so(network: RoadNetwork) -> None:
    table = load_routes(network.net_file, network.entries, network.exits)
    trips = draw_trips(PROFILES["easy"], table, np.random.default_rng(0), 0.0, HOUR_S)
    for route in np.unique(trips.route):
        edges = table.edge_ids(int(route))
        assert edges[0].split("-")[0] != edges[-1].split("-")[-1]
    described = described_level("hell")
    table = load_routes(described.net_file, described.entries, described.exits)
    assert table.uturn.any()
    trips = draw_trips(PROFILES["hell"], table, np.random.default_rng(0), 0.0, HOUR_S)
    assert 0.01 < table.uturn[trips.route].mean() < 0.03
    shares = np.bincount(trips.vehicle_type, minlength=4) / len(trips)
    for kind, share in ((BUS, 0.05), (LORRY, 0.08), (EMERGENCY, 0.01)):
        assert shares[kind] == pytest.approx(share, abs=0.012)
    assert (trips.speed_factor[trips.vehicle_type == EMERGENCY] > 1.0).all()


def test_turning_shares_change_during_the_hour_of_medium_but_not_of_easy(routes: RouteTable) -> None:
    def change(level: str) -> float:
        profile = dataclasses.replace(PROFILES[level], shape="steady", rate_low_veh_s=10.0, rate_high_veh_s=10.0)
        trips = draw_trips(profile, routes, np.random.default_rng(1), 0.0, 1200.0)
        halves = [routes.destination[trips.route[part]] for part in (trips.depart_s < 600.0, trips.depart_s >= 600.0)]
        shares = [np.bincount(half, minlength=len(routes.exits)) / len(half) for half in halves]
        return float(np.abs(shares[0] - shares[1]).sum())

    assert change("medium") > 2.0 * change("easy")


@pytest.mark.parametrize("level", ["easy", "medium", "hard", "hell"])
def test_every_entry_reaches_the_exit_of_every_other_road(level: str) -> None:
    network = described_level(level)
    table = load_routes(network.net_file, network.entries, network.exits)
    assert tuple(table.entries) == network.entries
    reached = np.zeros((len(table.entries), len(table.exits)), bool)
    reached[table.origin[table.through], table.destination[table.through]] = True
    assert (reached.sum(axis=1) >= len(table.exits) - 1).all()


def test_a_turn_that_the_road_is_too_short_to_reach_is_no_route() -> None:
    def lanes(length_m: float) -> dict[str, Edge]:
        enter = Edge("enter", "a", "b", 100.0, 10.0, [0], turns=[Turn("middle", 0, 0, 1.0, 10.0, 1.0, False)])
        middle = Edge("middle", "b", "c", length_m, 10.0, [0, 1, 2], turns=[Turn("leave", 2, 0, 1.0, 10.0, 1.0, False)])
        return {edge.id: edge for edge in (enter, middle, Edge("leave", "c", "d", 100.0, 10.0, [0]))}

    assert "leave" not in Search(lanes(30.0)).ways("enter", [0])
    assert Search(lanes(60.0)).ways("enter", [0])["leave"].edges == ("enter", "middle", "leave")


def test_free_flow_time_is_what_a_lone_car_takes_at_green(sumo: Any, routes: RouteTable, network: RoadNetwork) -> None:
    start(sumo, network.net_file)
    show_green(sumo)
    straight = int(np.argmax(routes.length_m))
    sumo.route.add("lone", routes.edge_ids(straight))
    sumo.vehicle.add("lone", "lone", "car", departSpeed="max", departLane="best")
    sumo.vehicle.setImperfection("lone", 0.0)
    while sumo.simulation.getMinExpectedNumber():
        sumo.simulationStep()
    assert sumo.simulation.getTime() == pytest.approx(float(routes.free_flow_s[straight]), rel=0.12)


def test_every_trip_of_a_quiet_quarter_of_an_hour_is_let_in_and_arrives(
    sumo: Any, routes: RouteTable, network: RoadNetwork
) -> None:
    # The network's own programs have no all-red: a collision would end a trip by a teleport.
    start(sumo, network.net_file, "--collision.action", "none")
    profile = dataclasses.replace(PROFILES["hard"], shape="steady", rate_low_veh_s=0.3, rate_high_veh_s=0.3)
    trips = draw_trips(profile, routes, np.random.default_rng(2), 0.0, 900.0)
    added, known = 0, set[int]()
    for now in range(0, 1500, 5):
        window = trips.between(added, now + 5)
        for index in window:
            route = int(trips.route[index])
            if route not in known:
                add_route(sumo, routes, route)
                known.add(route)
            name = add_vehicle(sumo, routes, trips, index)
            assert sumo.vehicle.getSpeedFactor(name) == pytest.approx(float(trips.speed_factor[index]))
        added = window.stop
        sumo.simulationStep(now + 5)
    assert added == len(trips) > 200
    assert int(sumo.simulation.getParameter("", "stats.vehicles.inserted")) == len(trips)
    assert sumo.vehicle.getIDCount() == 0
    assert int(sumo.simulation.getParameter("", "stats.teleports.total")) == 0


def test_a_route_table_survives_its_file(routes: RouteTable, tmp_path: Any) -> None:
    routes.save(tmp_path / "routes.npz")
    loaded = RouteTable.load(tmp_path / "routes.npz")
    for field in dataclasses.fields(RouteTable):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(routes, field.name))
    assert [file.name for file in tmp_path.iterdir()] == ["routes.npz"]


def test_a_profile_with_impossible_figures_is_refused_in_a_sentence() -> None:
    with pytest.raises(RemalisError, match="rate_low_veh_s <= rate_high_veh_s"):
        DemandProfile("waves", 2.0, 0.5)
    with pytest.raises(RemalisError, match="lie in"):
        DemandProfile("steady", 1.0, 1.0, bus_share=0.7, lorry_share=0.7)
    for name, value, says in (
        ("shape", "wave", "Did you mean 'waves'"),
        ("bus_share", math.nan, "bus_share of a demand profile is a number of 0 or more, not nan"),
        ("persons_per_s", -1, "not -1"),
        ("rate_high_veh_s", math.inf, "not inf"),
        ("rate_low_veh_s", "much", "not 'much'"),
        ("spike_gap_s", (0, 0), "spike_gap_s of a demand profile is"),
        ("wave_period_s", (20, 10), "wave_period_s of a demand profile is"),
        ("od_period_s", 1e-9, "od_period_s of a demand profile is 0 or 1 or more"),
    ):
        with pytest.raises(RemalisError, match=says):
            dataclasses.replace(PROFILES["medium"], **{name: value})


def test_pedestrians_wait_at_red_and_cross_at_green(sumo: Any) -> None:
    net_file = str(level_network("medium"))
    walks = load_walks(net_file)
    profile = dataclasses.replace(PROFILES["medium"], persons_per_s=1.0)
    persons = draw_persons(profile, walks, np.random.default_rng(0), 0.0, 60.0)
    assert len(persons) > 30
    start(sumo, net_file)
    for signal in sumo.trafficlight.getIDList():
        links = len(sumo.trafficlight.getRedYellowGreenState(signal))
        sumo.trafficlight.setRedYellowGreenState(signal, "r" * links)
    for index in range(len(persons)):
        add_person(sumo, walks, persons, index)
    for now in range(1, 120):
        sumo.simulationStep(now)
        assert not any("_c" in sumo.person.getRoadID(person) for person in sumo.person.getIDList())
    assert sumo.person.getIDCount() == len(persons)
    assert all(sumo.person.getWaitingTime(person) > 10.0 for person in sumo.person.getIDList())
    show_green(sumo)
    crossed: set[str] = set()
    for now in range(120, 300):
        sumo.simulationStep(now)
        crossed |= {person for person in sumo.person.getIDList() if "_c" in sumo.person.getRoadID(person)}
    assert len(crossed) == len(persons)
    assert sumo.person.getIDCount() == 0


def test_a_network_without_crossings_has_no_pedestrians(network: RoadNetwork) -> None:
    walks = load_walks(network.net_file)
    assert len(walks) == 0
    assert len(draw_persons(PROFILES["medium"], walks, np.random.default_rng(0), 0.0, HOUR_S)) == 0
