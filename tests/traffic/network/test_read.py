"""Reading networks: arms, movements and programs of our own maps and of others'."""

from __future__ import annotations

import importlib.util
import time
import warnings
from pathlib import Path

import pytest

from remalis_envs.errors import RemalisError, SumoError
from remalis_envs.traffic.network import MAX_ARMS, MAX_PHASES, PHASE_COUNTS, grid, level_network, read_network
from remalis_envs.traffic.sumo import run_tool
from tests.traffic.conftest import star

RESCO = {
    "arterial4x4": 16,
    "cologne1": 1,
    "cologne3": 3,
    "cologne8": 8,
    "grid4x4": 16,
    "ingolstadt1": 1,
    "ingolstadt7": 7,
    "ingolstadt21": 21,
}


def resco_net(name: str) -> Path:
    spec = importlib.util.find_spec("sumo_rl")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "nets" / "RESCO" / name / f"{name}.net.xml"


def test_arms_run_clockwise_from_north_and_reach_their_neighbours():
    network = read_network(grid(3, 3))
    middle = next(one for one in network.intersections if one.id == "B1")
    assert [round(arm.bearing_deg) for arm in middle.arms] == [0, 90, 180, 270]
    assert [network.agents[arm.upstream] for arm in middle.arms] == ["B2", "C1", "B0", "A1"]
    assert [network.agents[arm.downstream] for arm in middle.arms] == ["B2", "C1", "B0", "A1"]
    corner = next(one for one in network.intersections if one.id == "A0")
    assert [arm.upstream >= 0 for arm in corner.arms] == [True, True, False, False]


def test_arm_is_chained_through_the_turn_lane():
    network = read_network(grid(3, 3))
    middle = next(one for one in network.intersections if one.id == "B1")
    assert middle.arms[0].in_edges == ("B2-B1.stop", "B2-B1")
    assert middle.arms[0].out_edges == ("B1-B2", "B1-B2.stop")


def test_arm_is_chained_through_turn_lanes_of_netgenerate(tmp_path):
    net_file = tmp_path / "turn.net.xml"
    run_tool(
        *("netgenerate", "--grid", "--grid.number", "2", "--grid.length", "200", "--grid.attach-length", "150"),
        *("--turn-lanes", "1", "--turn-lanes.length", "60", "--default-junction-type", "traffic_light"),
        *("--tls.discard-simple", "--no-turnarounds", "--output-file", str(net_file)),
    )
    network = read_network(net_file)
    assert [len(arm.in_edges) for one in network.intersections for arm in one.arms] == [2] * 16
    assert sum(arm.upstream >= 0 for one in network.intersections for arm in one.arms) == 8


def test_movements_of_a_grid_intersection():
    one = read_network(grid(3, 3, crossings=True)).intersections[0]
    names = [m.name for m in one.movements]
    assert names[:3] == ["N->W", "N->S", "N->E"] and names[-4:] == [f"crossing {a}" for a in "NESW"]
    assert [m.kind for m in one.movements[:3]] == ["right", "straight", "left"]
    positions = [p for m in one.movements for p in m.links]
    assert sorted(positions) == list(range(len(one.phases[0].state)))
    crossing = one.movements[-1]
    assert one.crossing_clearance_s[-1] >= crossing.length_m / 1.4 and one.crossing_clearance_s[0] == 0


def test_tables_of_lanes():
    network = read_network(grid(2, 2))
    stop_lanes = {lane for one in network.intersections for m in one.movements for lane in m.lanes}
    assert stop_lanes.isdisjoint(network.lane_links)
    ids = {lane.id for lane in network.lanes}
    assert stop_lanes | set(network.lane_links) == ids
    edges = {lane.edge for lane in network.lanes}
    assert all({a, b} <= edges for a, b in network.junction_lanes.values())
    assert set(network.entries) | set(network.exits) <= edges


def test_stored_network_equals_the_one_read_and_loads_fast():
    net_file = level_network("hell")
    first = read_network(net_file, count=PHASE_COUNTS["hell"])
    start = time.perf_counter()
    second = read_network(net_file, count=PHASE_COUNTS["hell"])
    assert time.perf_counter() - start < 1.0
    assert first == second


@pytest.mark.parametrize("name", list(RESCO))
def test_resco_maps(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = read_network(resco_net(name), "program")
    generated = read_network(resco_net(name))
    assert len(program.intersections) == len(generated.intersections) == RESCO[name]
    for network in (program, generated):
        for one in network.intersections:
            assert 1 <= len(one.phases) <= MAX_PHASES and 2 <= len(one.arms) <= MAX_ARMS
            assert len({phase.name for phase in one.phases}) == len(one.phases)
            assert len({len(phase.state) for phase in one.phases}) == 1
            served = {m for phase in one.phases for m in phase.major + phase.minor}
            assert served == set(range(len(one.movements)))
            assert all("y" not in phase.state for phase in one.phases)


def test_program_phases_are_the_files_own_in_order():
    one = read_network(resco_net("cologne1"), "program").intersections[0]
    assert [p.state for p in one.phases] == [
        "rrrrrGGGggrrrrrGGGgg",
        "rrrrrrrrGGrrrrrrrrGG",
        "GGGggrrrrrGGGggrrrrr",
        "rrrGGrrrrrrrrGGrrrrr",
    ]


def test_signal_over_two_junctions_is_one_intersection(tmp_path):
    (tmp_path / "n.nod.xml").write_text(
        '<nodes><node id="w" x="-200" y="0"/><node id="a" x="0" y="0" type="traffic_light" tl="both"/>'
        '<node id="b" x="40" y="0" type="traffic_light" tl="both"/><node id="e" x="240" y="0"/>'
        '<node id="n1" x="0" y="200"/><node id="n2" x="40" y="-200"/></nodes>'
    )
    pairs = [("w", "a"), ("a", "b"), ("b", "e"), ("n1", "a"), ("n2", "b")]
    edges = "".join(f'<edge id="{x}{y}" from="{x}" to="{y}" numLanes="1"/>' for p in pairs for x, y in (p, p[::-1]))
    (tmp_path / "n.edg.xml").write_text(f"<edges>{edges}</edges>")
    net_file = tmp_path / "n.net.xml"
    files = ("--node-files", str(tmp_path / "n.nod.xml"), "--edge-files", str(tmp_path / "n.edg.xml"))
    run_tool("netconvert", *files, "--no-turnarounds", "--output-file", str(net_file))
    network = read_network(net_file)
    (one,) = network.intersections
    assert one.id == "both" and [m.name for m in one.movements if m.kind == "straight"] == ["E->W", "W->E"]
    assert sorted(arm.in_edges[0] for arm in one.arms) == ["eb", "n1a", "n2b", "wa"]
    through = next(m for m in one.movements if m.name == "W->E")
    assert len(through.links) >= 2, "the links of both junctions"


def test_more_than_six_arms_are_merged_with_a_warning(tmp_path):
    points = [(300, 0), (200, 220), (0, 300), (-220, 200), (-300, 0), (-200, -220), (0, -300)]
    nodes = "".join(f'<node id="o{i}" x="{x}" y="{y}"/>' for i, (x, y) in enumerate(points))
    (tmp_path / "n.nod.xml").write_text(f'<nodes><node id="star" x="0" y="0" type="traffic_light"/>{nodes}</nodes>')
    edges = "".join(
        f'<edge id="i{i}" from="o{i}" to="star" numLanes="2"/><edge id="u{i}" from="star" to="o{i}" numLanes="2"/>'
        for i in range(len(points))
    )
    (tmp_path / "n.edg.xml").write_text(f"<edges>{edges}</edges>")
    net_file = tmp_path / "n.net.xml"
    files = ("--node-files", str(tmp_path / "n.nod.xml"), "--edge-files", str(tmp_path / "n.edg.xml"))
    run_tool("netconvert", *files, "--output-file", str(net_file))
    with pytest.warns(RuntimeWarning, match="'star'"):
        network = read_network(net_file)
    assert len(network.intersections[0].arms) == MAX_ARMS
    assert 4 <= len(network.intersections[0].phases) <= MAX_PHASES


def test_errors_are_sentences(tmp_path):
    with pytest.raises(SumoError, match="does not exist"):
        read_network(tmp_path / "none.net.xml")
    broken = tmp_path / "broken.net.xml"
    broken.write_text("<net><edge")
    with pytest.raises(SumoError, match="not readable as XML"):
        read_network(broken)
    other = tmp_path / "other.net.xml"
    other.write_text("<routes/>")
    with pytest.raises(SumoError, match="expected <net>"):
        read_network(other)
    plain = tmp_path / "plain.net.xml"
    run_tool("netgenerate", "--grid", "--grid.number", "3", "--output-file", str(plain))
    with pytest.raises(RemalisError, match="no traffic lights"):
        read_network(plain)


def test_a_junction_beyond_what_agents_see_is_named_every_time(tmp_path: Path) -> None:
    """Eight streets meet: two pairs of arms are merged, and whoever opens the map is told, from the cache as well."""
    net_file = star(tmp_path, arms=8, lanes=1)
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match=f"'hub' has 8 arms; agents see at most {MAX_ARMS}"):
            network = read_network(net_file)
        (hub,) = network.intersections
        assert len(hub.arms) == MAX_ARMS
        assert len(hub.phases) <= MAX_PHASES
        served = {move for phase in hub.phases for move in (*phase.major, *phase.minor)}
        assert served == set(range(len(hub.movements)))
