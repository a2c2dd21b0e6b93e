"""Pictures: colours at known places follow signals, speeds and incidents; recording changes nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import remalis_envs
from remalis_envs.errors import UnknownNameError
from remalis_envs.traffic.demand.vehicle_types import BUS, CAR, EMERGENCY
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.render import Recorder, Renderer, Scene, SceneIncident, blend, style
from remalis_envs.traffic.render.layer import bodies
from remalis_envs.traffic.render.panel import clock
from remalis_envs.traffic.render.shapes import MapShapes, StopLine, beside, read_shapes

WIDTH = 2000


@pytest.fixture(scope="module")
def env() -> Iterator[TrafficEnv]:
    made = remalis_envs.traffic_v0("easy", render_mode="rgb_array", backend="inline")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shapes(env: TrafficEnv) -> MapShapes:
    return read_shapes(env.network)


@pytest.fixture(scope="module")
def renderer(env: TrafficEnv) -> Renderer:
    return Renderer(env.network, width=WIDTH)


def one_car(place: Any, heading_deg: float, share: float = 1.0, kind: int = CAR, length_m: float = 5.0) -> Scene:
    return Scene(
        0.0,
        ("car",),
        np.array([place[0]]),
        np.array([place[1]]),
        np.array([heading_deg]),
        np.array([share]),
        np.array([share == 0.0]),
        np.array([kind]),
        np.array([length_m]),
    )


def colour(renderer: Renderer, scene: Scene, place: Any) -> tuple[int, ...]:
    return tuple(renderer.draw(scene)[renderer.pixel(*place)].tolist())


def middle_of(shapes: MapShapes) -> np.ndarray:
    """A place on a lane, away from marks."""
    road = shapes.roads[0]
    return road.line[0] + (road.line[-1] - road.line[0]) * 0.5


def bar_of(stop: StopLine, link: int) -> np.ndarray:
    """The middle of the bar that shows a link's signal."""
    share = (stop.links.index(link) + 0.5) / len(stop.links)
    return stop.left + (stop.right - stop.left) * share + stop.ahead * 0.6


def steps(env: TrafficEnv, count: int, action: int | None = None) -> None:
    observations, _ = env.reset(seed=3)
    for _ in range(count):
        chosen = {}
        for agent, own in observations.items():
            legal = np.flatnonzero(own["action_mask"])
            chosen[agent] = action if action is not None and own["action_mask"][action] else int(legal[0])
        observations, *_ = env.step(chosen)


def test_the_picture_is_an_rgb_array_of_even_size_and_shows_the_traffic(env):
    env.reset(seed=3)
    empty = env.render()
    assert empty.dtype == np.uint8 and empty.ndim == 3 and empty.shape[2] == 3
    assert empty.shape[0] % 2 == 0 and empty.shape[1] % 2 == 0
    steps(env, 12)
    driven = env.render()
    assert driven.shape == empty.shape
    assert (driven != empty).any(axis=2).sum() > 200
    steps(env, 12)
    assert np.array_equal(env.render(), driven)


@pytest.mark.parametrize("letter", ["r", "G", "g", "y"])
def test_each_link_of_a_stop_line_has_the_colour_of_its_signal(env, shapes, renderer, letter):
    dark = tuple("r" * len(one.phases[0].state) for one in env.network.intersections)
    for stop in shapes.stop_lines[:4]:
        for link in stop.links:
            states = list(dark)
            states[stop.agent] = "r" * link + letter + "r" * (len(dark[stop.agent]) - link - 1)
            picture = renderer.draw(Scene(0.0, signals=tuple(states)))
            assert tuple(picture[renderer.pixel(*bar_of(stop, link))].tolist()) == style.SIGNALS[letter]
            for other in set(stop.links) - {link}:
                assert tuple(picture[renderer.pixel(*bar_of(stop, other))].tolist()) == style.SIGNALS["r"]


def test_a_red_light_turns_green_when_its_phase_does(env, shapes, renderer):
    intersection = env.network.intersections[4]
    seen = {}
    for action in range(2):
        # The same phase all the time: all other lights are red by then, and no transition is under way.
        steps(env, 4, action)
        scene = env._running().scene()
        assert scene.signals[4] == intersection.phases[action].state
        without_cars = replace(Scene(0.0), signals=scene.signals)
        picture = renderer.draw(without_cars)
        for stop in (one for one in shapes.stop_lines if one.agent == 4):
            for link in stop.links:
                seen[action, link] = tuple(picture[renderer.pixel(*bar_of(stop, link))].tolist())
    turned = 0
    for link in {link for _, link in seen}:
        states = [intersection.phases[action].state[link] for action in range(2)]
        assert [seen[action, link] for action in range(2)] == [style.SIGNALS[state] for state in states]
        turned += "r" in states and "G" in states
    assert turned > 0


def test_a_cars_colour_follows_its_speed(shapes, renderer):
    front = middle_of(shapes)
    inside = front - [0.0, 2.5]
    standing = colour(renderer, one_car(front, 0.0, share=0.0), inside)
    free = colour(renderer, one_car(front, 0.0, share=1.0), inside)
    assert standing == style.SPEED_STOPS[0][1] and free == style.SPEED_STOPS[-1][1]
    reds = [colour(renderer, one_car(front, 0.0, share=s), inside)[2] for s in np.linspace(0, 1, 9)]
    assert reds == sorted(reds), "from orange to blue, blue never falls"


@pytest.mark.parametrize(("heading", "ahead"), [(0.0, (0, 1)), (90.0, (1, 0)), (180.0, (0, -1)), (270.0, (-1, 0))])
def test_a_car_lies_behind_its_front_bumper(shapes, renderer, heading, ahead):
    front = middle_of(shapes)
    scene = one_car(front, heading)
    empty = renderer.draw(Scene(0.0))
    behind, before = front - 2.0 * np.array(ahead), front + 2.0 * np.array(ahead)
    assert colour(renderer, scene, behind) == style.SPEED_STOPS[-1][1]
    assert colour(renderer, scene, before) == tuple(empty[renderer.pixel(*before)].tolist())


def test_bodies_have_the_vehicles_length_and_are_enlarged_on_small_maps_only():
    bus = one_car((0.0, 0.0), 0.0, kind=BUS, length_m=12.0)
    low, high = bodies(bus, 4.0)[0].min(axis=0), bodies(bus, 4.0)[0].max(axis=0)
    assert high[1] - low[1] == pytest.approx(12.0) and high[1] == pytest.approx(0.0)
    small = bodies(one_car((0.0, 0.0), 0.0), 0.2)[0]
    assert (small.max(axis=0) - small.min(axis=0) > [8.0, 12.0]).all()


def test_people_and_emergency_vehicles_are_marked(shapes, renderer):
    place = middle_of(shapes)
    walking = replace(Scene(0.0), people_m=np.array([place]))
    assert colour(renderer, walking, place) == style.PERSON
    calm, rushing = one_car(place, 0.0), one_car(place, 0.0, kind=EMERGENCY)
    ring = np.array(style.EMERGENCY_RING)
    assert not (renderer.draw(calm) == ring).all(axis=2).any()
    assert (renderer.draw(rushing) == ring).all(axis=2).sum() > 20


def test_incidents_are_drawn_where_they_are_and_go_again(shapes, renderer):
    road = shapes.roads[0]
    beginning = road.line[0] + (road.line[-1] - road.line[0]) * 0.02
    dry = renderer.draw(Scene(0.0))
    for kind in ("closure", "work_zone", "rain", "ice"):
        there = replace(Scene(0.0), incidents=(SceneIncident(kind, (road.edge,)),))
        picture = renderer.draw(there)
        assert (picture[renderer.pixel(*beginning)] != dry[renderer.pixel(*beginning)]).any(), kind
        far = shapes.roads[-1].line.mean(axis=0)
        assert (picture[renderer.pixel(*far)] == dry[renderer.pixel(*far)]).all(), kind
    crash = replace(Scene(0.0), incidents=(SceneIncident("crash", (road.edge,), road.lane, 10.0),))
    changed = np.argwhere((renderer.draw(crash) != dry).any(axis=2))
    way = road.line[1] - road.line[0]
    row, column = renderer.pixel(*(road.line[0] + way * 10.0 / np.hypot(*way)))
    on_map = changed[changed[:, 1] < renderer.view.width_px]
    assert len(on_map) and np.abs(on_map - [row, column]).max() < 15
    assert np.array_equal(renderer.draw(Scene(0.0)), dry)


def test_the_view_is_to_scale(env, renderer):
    one, other = env.network.intersections[0], env.network.intersections[-1]
    (row, column), (other_row, other_column) = renderer.pixel(one.x_m, one.y_m), renderer.pixel(other.x_m, other.y_m)
    across, up = other.x_m - one.x_m, other.y_m - one.y_m
    assert other_column - column == pytest.approx(across * renderer.view.px_per_m, abs=1.5)
    assert row - other_row == pytest.approx(up * renderer.view.px_per_m, abs=1.5)


def test_a_close_up_of_an_unknown_agent_names_the_nearest(env):
    with pytest.raises(UnknownNameError, match="Did you mean 'B1'"):
        Renderer(env.network, closeup="B11")


def test_recording_shows_every_second_and_changes_nothing(env):
    steps(env, 8)
    plain = env.metrics()
    observations, _ = env.reset(seed=3)
    recorder, found = Recorder(env), []
    recorder.start()
    for _ in range(8):
        chosen = {agent: int(np.flatnonzero(own["action_mask"])[0]) for agent, own in observations.items()}
        observations, *_ = env.step(chosen)
        found += recorder.scenes()
    found.append(recorder.now())
    assert [scene.time_s for scene in found] == [float(t) for t in range(41)]
    np.testing.assert_equal(env.metrics(), plain)
    moved = [len(set(b.ids) & set(a.ids)) for a, b in pairwise(found)]
    assert max(moved) > 5
    assert {letter for scene in found for letter in "".join(scene.signals)} >= {"G", "r"}


def test_a_worker_sends_the_same_scenes(env):
    other = remalis_envs.traffic_v0("easy", render_mode="rgb_array", backend="worker")
    try:
        steps(env, 6)
        steps(other, 6)
        here, there = env._running().scene(), other._running().scene()
        assert here.ids == there.ids and here.signals == there.signals
        assert np.array_equal(here.x_m, there.x_m) and np.array_equal(here.heading_deg, there.heading_deg)
        assert np.array_equal(env.render(), other.render())
        Recorder(other).start()
    finally:
        other.close()


def test_between_two_scenes_cars_are_on_their_way():
    before, after = one_car((0.0, 0.0), 350.0, 0.2), replace(one_car((10.0, 4.0), 10.0, 0.6), time_s=1.0)
    between = blend(before, after, 0.25)
    assert between.time_s == 0.25
    assert (between.x_m[0], between.y_m[0]) == (2.5, 1.0)
    assert between.heading_deg[0] % 360.0 == pytest.approx(355.0), "the short way round"
    assert between.speed_share[0] == pytest.approx(0.3)
    teleported = replace(after, x_m=np.array([500.0]))
    assert blend(before, teleported, 0.5).x_m[0] == 0.0
    assert blend(before, Scene(1.0), 0.5).ids == ()


def test_a_line_beside_another_keeps_its_distance():
    corner = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    assert np.allclose(beside(corner, 1.0), [[0.0, 1.0], [9.0, 1.0], [9.0, 10.0]])
    assert np.allclose(beside(corner, -1.0), [[0.0, -1.0], [11.0, -1.0], [11.0, 10.0]])


def test_every_signalled_lane_has_a_stop_line(env, shapes):
    wanted = {
        (one.index, lane)
        for one in env.network.intersections
        for move in one.movements
        if move.kind != "crossing"
        for lane in move.lanes
    }
    assert {(stop.agent, stop.lane) for stop in shapes.stop_lines} == wanted


def test_clock():
    assert [clock(t) for t in (0.0, 59.9999999, 61.0, 25_205.0)] == ["0:00:00", "0:01:00", "0:01:01", "7:00:05"]


def test_nothing_for_pictures_is_loaded_before_one_is_drawn():
    code = "import sys, remalis_envs.traffic.render; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
