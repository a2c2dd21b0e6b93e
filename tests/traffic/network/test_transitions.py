"""Transitions: who loses his green is warned and has left before others start."""

from __future__ import annotations

import pytest

from remalis_envs.traffic.network import PHASE_COUNTS, Transitions, grid, level_network, read_network, transition


@pytest.fixture(scope="module")
def crossing_grid():
    return read_network(grid(3, 3, crossings=True)).intersections[4]


def _index(one, name: str) -> int:
    return [p.name for p in one.phases].index(name)


def test_plain_switch_is_yellow_then_red():
    one = read_network(grid(3, 3)).intersections[4]
    way = transition(one, 0, 1)
    assert one.phases[0].state == "GGGgrrrrGGGgrrrr"
    assert way.states[0] == (0.0, "yyyyrrrryyyyrrrr") and way.states[1] == (3.0, "r" * 16)
    assert way.duration_s >= 5.0


def test_same_phase_needs_nothing(crossing_grid):
    assert transition(crossing_grid, 2, 2).duration_s == 0.0


def test_pedestrians_get_time_while_cars_go_on(crossing_grid):
    one = crossing_grid
    start = _index(one, "N+S through, left+right yielding; crossing E+W")
    way = transition(one, start, _index(one, "E+W through, left+right yielding; crossing N+S"))
    crossings = [p for m in one.movements if m.kind == "crossing" for p in m.links]
    assert all(way.states[0][1][p] == "r" for p in crossings)
    assert "G" in way.states[0][1], "vehicles keep their green while the last pedestrians walk"
    assert way.duration_s >= max(one.crossing_clearance_s)


@pytest.mark.parametrize("level", ["easy", "medium", "hard", "hell"])
def test_every_transition_of_every_level(level):
    network = read_network(level_network(level), count=PHASE_COUNTS[level])
    for one in network.intersections[:: max(1, len(network.intersections) // 12)]:
        crossings = {p for m in one.movements if m.kind == "crossing" for p in m.links}
        table = Transitions(one)
        for a, old in enumerate(one.phases):
            for b, new in enumerate(one.phases):
                _check(table.between(a, b), old.state, new.state, crossings)


def _check(way, old: str, new: str, crossings: set[int]) -> None:
    losing = [p for p in range(len(old)) if old[p] in "Gg" and new[p] == "r"]
    offsets = [offset for offset, _ in way.states]
    assert offsets == sorted(set(offsets)) and all(0 <= o < way.duration_s for o in offsets)
    assert way.duration_s == int(way.duration_s)
    for p in range(len(old)):
        shown = "".join(state[p] for _, state in way.states)
        if old[p] == "r":
            assert set(shown) <= {"r"}, "nobody starts early"
        elif p in losing and p not in crossings:
            assert "y" in shown and shown.endswith("r") and "G" not in shown[shown.index("y") :]
        elif p in losing:
            assert set(shown) <= {"r"}
        elif old[p] == "G" and new[p] == "g":
            assert "G" not in shown.lstrip("G")
            assert p in crossings or "y" in shown, "who loses his priority is warned"
    if any(p not in crossings for p in losing):
        yellow = next(o for o, s in way.states if "y" in s)
        red = next(o for o, s in way.states if o > yellow and "y" not in s)
        assert red - yellow >= 3.0 and way.duration_s - red >= 2.0


def test_turn_that_waits_is_not_caught_by_a_stream_that_goes_on(crossing_grid):
    """E+W turns wait for the pedestrians of the N crossing: it must pause before the E crossing opens."""
    one = crossing_grid
    a = _index(one, "E+W through, left+right yielding; crossing N+S")
    b = next(i for i, p in enumerate(one.phases) if "crossing N+E" in p.name and "E through" not in p.name)
    north = next(m.links[0] for m in one.movements if m.name == "crossing N")
    assert one.phases[a].state[north] == one.phases[b].state[north] == "G"
    assert {state[north] for _, state in transition(one, a, b).states} == {"r"}


def test_options_hold_literally_without_geometry(crossing_grid):
    way = transition(crossing_grid, 0, 1, 4.0, 0.0, geometry=False)
    assert way.duration_s == 4.0 and len(way.states) == 1
    longer = transition(crossing_grid, 0, 1, 5.0, 6.0)
    assert longer.duration_s >= 11.0
