"""Webster's timing against figures worked by hand, flows against the network's own balance, stages and clearance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from remalis_agents.controllers.flows import lane_flows, movement_flows
from remalis_agents.controllers.plans import program_of, stages_of, without_unwarranted_lefts
from remalis_agents.controllers.webster import WebsterController, flow_ratios
from remalis_envs.errors import RemalisError
from remalis_envs.traffic.engine.programs import ProgramPhase, SignalProgram, network_programs
from remalis_envs.traffic.env import TrafficEnv


def four_arms(env: TrafficEnv):  # type: ignore[no-untyped-def]
    inter = next(i for i in env.network.intersections if len(i.arms) == 4)
    return inter, stages_of(network_programs(env.network)[inter.id])


def test_flows_balance(easy: TrafficEnv) -> None:
    """What enters the map is the level's rate, and what a road carries leaves one junction and reaches the next."""
    flows, network = movement_flows(easy.config.scenario), easy.network
    into = np.zeros((len(network.intersections), 6))
    out = np.zeros_like(into)
    for inter in network.intersections:
        for move in inter.movements:
            if move.kind != "crossing":
                into[inter.index, move.from_arm] += flows[inter.index, move.index]
                out[inter.index, move.to_arm] += flows[inter.index, move.index]
    border = sum(into[i.index, a.index] for i in network.intersections for a in i.arms if a.upstream < 0)
    assert border == pytest.approx(0.5, rel=0.03)
    for inter in network.intersections:
        for arm in inter.arms:
            if arm.downstream >= 0:
                other = network.intersections[arm.downstream]
                facing = next(a for a in other.arms if a.in_edges and set(a.in_edges) & set(arm.out_edges))
                assert into[other.index, facing.index] == pytest.approx(out[inter.index, arm.index])


def test_lanes_share_a_flow_evenly(easy: TrafficEnv) -> None:
    inter, _ = four_arms(easy)
    for move in (m for m in inter.movements if m.kind != "crossing"):
        own = lane_flows(inter, {(inter.index, move.index): 0.3})
        assert sum(own.values()) == pytest.approx(0.3)
        assert {round(own[lane], 9) for lane in move.lanes} == {round(0.3 / len(move.lanes), 9)}


def test_webster_by_hand(easy: TrafficEnv) -> None:
    """Two stages with y = 0.2 and 0.1, 10 s lost: C = (15 + 5) / 0.7 = 28.6, greens 2/3 and 1/3 of 18.6 s."""
    inter, stages = four_arms(easy)
    through = [m for m in inter.movements if m.kind == "straight"]
    north = {m.index for m in through if "G" in [stages[0].state[link] for link in m.links]}
    flows = {(inter.index, m.index): (0.2 if m.index in north else 0.1) * 0.5 * len(m.lanes) for m in through}
    scenario = easy.config.scenario
    scenario = replace(scenario, timing=replace(scenario.timing, by_geometry=False))
    controller = WebsterController(flows=flows)
    program = controller.programs(scenario)[inter.id]
    greens = [phase.duration_s for phase in program.phases if phase.is_green]
    assert flow_ratios(inter, [stages[0], stages[2]], lane_flows(inter, flows), 0.5) == pytest.approx([0.2, 0.1])
    assert greens == [12.0, 6.0]
    assert program.cycle_s == 28.0


def test_left_stages_stay_where_traffic_warrants_them(easy: TrafficEnv) -> None:
    inter, stages = four_arms(easy)
    lefts = [
        k
        for k, s in enumerate(stages)
        if all(m.kind == "left" for m in inter.movements if any(s.state[link] == "G" for link in m.links))
    ]
    assert len(stages) == 4 and len(lefts) == 2
    assert len(without_unwarranted_lefts(inter, stages, {})) == 2
    left = next(m for m in inter.movements if m.kind == "left" and stages[lefts[0]].state[m.links[0]] == "G")
    facing = next(m for m in inter.movements if m.kind == "straight" and m.from_arm == (left.from_arm + 2) % 4)
    little = {(inter.index, left.index): 100 / 3600, (inter.index, facing.index): 800 / 3600}
    assert len(without_unwarranted_lefts(inter, stages, little)) == 2
    much = {(inter.index, left.index): 120 / 3600, (inter.index, facing.index): 800 / 3600}
    assert without_unwarranted_lefts(inter, stages, much) == [s for k, s in enumerate(stages) if k != lefts[1]]
    alone = {(inter.index, left.index): 250 / 3600}
    assert len(without_unwarranted_lefts(inter, stages, alone)) == 3


def test_stages_leave_pedestrian_clearance_out() -> None:
    states = ["GGr", "GGr", "yyr", "rrG", "rrr"]
    program = SignalProgram("static", tuple(ProgramPhase(5.0, state) for state in states))
    assert [phase.state for phase in stages_of(program)] == ["GGr", "rrG"]
    assert stages_of(SignalProgram("static", (ProgramPhase(5.0, "GGG"),))) != []
    assert stages_of(SignalProgram("static", (ProgramPhase(5.0, "rrr"),))) == []


def test_no_green_turns_red_without_yellow(easy: TrafficEnv) -> None:
    for inter in easy.network.intersections:
        stages = stages_of(network_programs(easy.network)[inter.id])[::2]
        program = program_of(inter, stages, [9.0, 9.0], easy.config.scenario.timing)
        states = [phase.state for phase in program.phases]
        for now, following in zip(states, states[1:] + states[:1], strict=True):
            assert not any(a in "Gg" and b == "r" for a, b in zip(now, following, strict=True))


def test_demand_from_files_needs_flows(easy: TrafficEnv) -> None:
    with pytest.raises(RemalisError, match="give the controller flows"):
        WebsterController().programs(replace(easy.config.scenario, demand=None))
