"""Maps: what the levels promise of them, and that the same arguments give the same map."""

from __future__ import annotations

from collections import Counter

import pytest

from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.traffic.cache import CACHE_VARIABLE
from remalis_envs.traffic.network import (
    MAX_PHASES,
    PHASE_COUNTS,
    SPLITS,
    grid,
    irregular,
    level_network,
    read_network,
    split_seed,
)
from remalis_envs.traffic.network.netfile import parse_net
from remalis_envs.traffic.network.plan import WIDE_M
from remalis_envs.traffic.network.read import unreachable

SIGNALS = {"easy": (9, 9), "medium": (25, 25), "hard": (64, 64), "hell": (100, 120)}
PHASES = {"easy": (2, 9), "medium": (10, 15), "hard": (16, MAX_PHASES), "hell": (26, MAX_PHASES)}


@pytest.mark.parametrize("level", list(SIGNALS))
def test_level_is_what_the_table_says(level):
    net_file = level_network(level)
    network = read_network(net_file, count=PHASE_COUNTS[level])
    assert SIGNALS[level][0] <= len(network.intersections) <= SIGNALS[level][1]
    for one in network.intersections:
        assert PHASES[level][0] <= len(one.phases) <= PHASES[level][1], one.id
        assert 3 <= len(one.arms) <= 6
        served = {m for phase in one.phases for m in phase.major + phase.minor}
        assert served == set(range(len(one.movements))), one.id
    assert unreachable(net_file) is None
    assert len(network.entries) == len(network.exits) >= 12


def test_levels_differ_as_promised():
    kinds = {}
    for level in SIGNALS:
        network = read_network(level_network(level), count=PHASE_COUNTS[level])
        kinds[level] = Counter(m.kind for one in network.intersections for m in one.movements)
        arms = Counter(len(one.arms) for one in network.intersections)
        speeds = {round(lane.speed_m_s, 1) for lane in network.lanes}
        if level in ("easy", "medium"):
            assert set(arms) == {4} and len(speeds) == 1
        if level == "hard":
            assert arms[3] >= 5 and len(speeds) >= 3
        if level == "hell":
            assert set(arms) == {3, 4, 5, 6}
    assert [bool(kinds[level]["crossing"]) for level in SIGNALS] == [False, True, False, True]
    assert [bool(kinds[level]["uturn"]) for level in SIGNALS] == [False, False, False, True]


def _content(path):
    """A network without netconvert's header, which holds the date."""
    return path.read_text().split("-->", 1)[1]


def test_same_arguments_same_map(tmp_path, monkeypatch):
    contents = []
    for name in ("one", "two"):
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / name))
        contents.append([_content(level_network("medium", 3)), _content(irregular(8, seed=5))])
    assert contents[0] == contents[1]


def test_seeds_and_splits_give_different_maps():
    maps = [_content(level_network("hard", 0, split)) for split in SPLITS] + [
        _content(irregular(8, seed=s)) for s in (1, 2)
    ]
    assert len(set(maps)) == len(maps)


def test_split_seeds_are_disjoint():
    drawn = [split_seed(seed, split) for seed in range(50) for split in SPLITS]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: level_network("helll"), "Did you mean 'hell'"),
        (lambda: level_network("easy", 0, "tset"), "Did you mean 'test'"),
        (lambda: level_network("easy", -1), "0 or more"),
        (lambda: irregular(2), "at least 3"),
        (lambda: grid(0, 3), "at least one"),
        (lambda: read_network(grid(2, 2), "programme"), "Did you mean 'program'"),
    ],
)
def test_wrong_arguments_are_sentences(call, message):
    with pytest.raises(RemalisError, match=message) as caught:
        call()
    assert isinstance(caught.value, UnknownNameError) or "Did you mean" not in message


def test_grid_of_any_size():
    network = read_network(grid(1, 4, lanes=1, turn_lane=False, length_m=120.0, attach_m=80.0))
    assert [len(one.arms) for one in network.intersections] == [4] * 4
    assert len(network.entries) == 10


def test_irregular_has_about_as_many_signals_as_asked():
    network = read_network(irregular(10, seed=1, uturns=True))
    assert 10 <= len(network.intersections) <= 12
    assert any(m.kind == "uturn" for one in network.intersections for m in one.movements)


def test_crossings_of_irregular_maps_reach_onto_the_pavement():
    """SUMO's drivers start when a pedestrian has all but left the crossing, which must not end at the kerb then."""
    net = parse_net(irregular(3, seed=0, crossings=True))
    crossings = [edge for edge in net.edges.values() if edge.function == "crossing"]
    assert len(crossings) >= 9
    for edge in crossings:
        carriageway_m = WIDE_M * sum(lane.motor for crossed in edge.crosses for lane in net.edges[crossed].lanes)
        assert edge.lanes[0].length_m > carriageway_m + 1.0, edge.id
