"""Phases: no two greens that hurt each other, lanes whole, everybody served, names that say it."""

from __future__ import annotations

import pytest

from remalis_envs.traffic.network import MAX_PHASES, PHASE_COUNTS, grid, level_network, read_network
from remalis_envs.traffic.network.netfile import parse_net
from remalis_envs.traffic.network.read import build_network
from remalis_envs.traffic.network.signal_graph import bits, maximal_cliques


@pytest.mark.parametrize("level", ["easy", "medium", "hard", "hell"])
def test_greens_are_safe_by_the_junctions_own_matrix(level):
    """Checked link by link against the file, not by the code that wrote the phases."""
    net_file = level_network(level)
    net = parse_net(net_file)
    for one in read_network(net_file, count=PHASE_COUNTS[level]).intersections:
        junction = net.junctions[one.id]
        kinds = {p: m.kind for m in one.movements for p in m.links}
        rows = {k.signal_index: k.junction_index for k in net.links_of_signal[one.id]}
        for phase in one.phases:
            green = [p for p, c in enumerate(phase.state) if c in "Gg"]
            assert green and set(phase.state) <= set("Ggr")
            for p in green:
                foes = [q for q in green if junction.foes[rows[p]] >> rows[q] & 1 and p != q]
                for q in foes:
                    yields = junction.yields[rows[p]] >> rows[q] & 1
                    back = junction.yields[rows[q]] >> rows[p] & 1
                    if phase.state[p] == "G":
                        assert phase.state[q] == "g" and back, (one.id, phase.name, p, q)
                    assert yields or back
                if phase.state[p] == "g":
                    assert kinds[p] not in ("straight", "crossing"), (one.id, phase.name)


@pytest.mark.parametrize("level", ["medium", "hard", "hell"])
def test_lanes_are_green_as_a_whole(level):
    net_file = level_network(level)
    net = parse_net(net_file)
    for one in read_network(net_file, count=PHASE_COUNTS[level]).intersections:
        lanes: dict[str, set[int]] = {}
        for link in net.links_of_signal[one.id]:
            if net.edges[link.to_edge].function == "crossing":
                continue
            lanes.setdefault(link.from_lane, set()).add(link.signal_index)
        for phase in one.phases:
            for lane, positions in lanes.items():
                assert len({phase.state[p] in "Gg" for p in positions}) == 1, (one.id, lane, phase.name)


@pytest.mark.parametrize("level", ["easy", "medium", "hard", "hell"])
def test_names_and_states_are_unique(level):
    for one in read_network(level_network(level), count=PHASE_COUNTS[level]).intersections:
        assert len({p.name for p in one.phases}) == len({p.state for p in one.phases}) == len(one.phases)


def test_names_read_as_engineers_say():
    one = read_network(grid(3, 3)).intersections[4]
    names = [p.name for p in one.phases]
    assert names[0] == "N+S through+right, left yielding"
    assert "N+S left" in names and "E+W left" in names
    crossing = read_network(grid(3, 3, crossings=True)).intersections[4]
    assert "all crossings" in [p.name for p in crossing.phases]


@pytest.mark.parametrize("count", [(1, 3), (4, 9), (12, 32), (20, 20)])
def test_count_is_kept_and_everyone_served(count):
    one = build_network(grid(3, 3, crossings=True), "generated", count).intersections[4]
    assert count[0] <= len(one.phases) <= count[1]
    if count[1] >= 9:
        assert {m for p in one.phases for m in p.major + p.minor} == set(range(len(one.movements)))
        assert {m.index for m in one.movements if m.kind in ("straight", "left")} <= {
            m for p in one.phases for m in p.major
        }


def test_default_is_capped_at_the_number_of_actions():
    with pytest.warns(RuntimeWarning, match="those that cover most"):
        network = read_network(level_network("hell"))
    assert max(len(one.phases) for one in network.intersections) <= MAX_PHASES


def test_order_is_deterministic():
    net_file = level_network("hard")
    assert build_network(net_file, "generated", (16, 32)) == build_network(net_file, "generated", (16, 32))


def test_cliques_of_a_known_graph():
    square_with_diagonal = [0b1110, 0b0101, 0b1011, 0b0101]
    assert sorted(maximal_cliques(square_with_diagonal, 99)) == [0b0111, 0b1101]
    assert list(bits(0b10110)) == [1, 2, 4]
