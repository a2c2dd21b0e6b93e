"""Stages of a signal program: taking one apart, leaving out turns that need no stage of their own, timing it anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from remalis_envs.traffic.engine.programs import ProgramPhase, SignalProgram, network_programs
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.network.model import Intersection, Movement, Phase
from remalis_envs.traffic.network.transitions import Transition, transition
from remalis_envs.traffic.scenarios import Scenario

CROSS_PRODUCT_VEH2_H2 = {1: 50_000.0, 2: 90_000.0}
"""Left turns times opposing flow, by lanes of the opposing flow, from which a left turn gets a stage of its own
(Highway Capacity Manual 2000, planning method); 110,000 for three lanes and more."""
CROSS_PRODUCT_MORE_VEH2_H2 = 110_000.0
UNOPPOSED_LEFT_VEH_H = 240.0
"""Left turns that get a stage of their own whatever opposes them (same source)."""

Flows = Mapping[tuple[int, int], float]


def stages_of(program: SignalProgram) -> list[ProgramPhase]:
    """The greens of a program that can be timed, in order; none if nothing in it is ever green.

    A green that follows a green directly is left out: it is there for pedestrians to leave the road.
    """
    phases = program.phases
    starts = [phase for k, phase in enumerate(phases) if phase.is_green and not phases[k - 1].is_green]
    return starts or [phase for phase in phases if phase.is_green][:1]


def network_stages(scenario: Scenario, flows: Flows | None) -> dict[int, list[ProgramPhase]]:
    """The stages of every signal's own program, by intersection; with ``flows``, without unwarranted left turns."""
    own = network_programs(scenario.network)
    result = {}
    for inter in scenario.network.intersections:
        stages = stages_of(own[inter.id]) if inter.id in own else []
        if stages:
            result[inter.index] = stages if flows is None else without_unwarranted_lefts(inter, stages, flows)
    return result


def clearance(inter: Intersection, stages: Sequence[ProgramPhase], number: int, timing: SignalTiming) -> Transition:
    """The way from stage ``number`` to the next: yellow, all-red and walking times as the agents' phases have them."""
    old, new = stages[number].state, stages[(number + 1) % len(stages)].state
    pair = replace(inter, phases=(Phase("", old, (), ()), Phase("", new, (), ())))
    return transition(pair, 0, 1, timing.yellow_s, timing.all_red_s, geometry=timing.by_geometry)


def program_of(
    inter: Intersection,
    stages: Sequence[ProgramPhase],
    green_s: Sequence[float],
    timing: SignalTiming,
    *,
    limits_s: tuple[float, float] | None = None,
    parameters: tuple[tuple[str, str], ...] = (),
) -> SignalProgram:
    """A program that shows ``stages`` in turn.

    Args:
        inter: Whose.
        stages: Greens, in order.
        green_s: Green of each stage.
        timing: For the clearance between them.
        limits_s: Least and most green of an actuated program; a fixed one without.
        parameters: Of SUMO's logic.
    """
    low, high = limits_s if limits_s is not None else (None, None)
    phases: list[ProgramPhase] = []
    for number, stage in enumerate(stages):
        phases.append(ProgramPhase(float(green_s[number]), stage.state, low, high))
        way = clearance(inter, stages, number, timing)
        ends = [start for start, _ in way.states[1:]] + [way.duration_s]
        phases += [
            ProgramPhase(end - start, state)
            for (start, state), end in zip(way.states, ends, strict=True)
            if end > start
        ]
    return SignalProgram("static" if limits_s is None else "actuated", tuple(phases), parameters=parameters)


def without_unwarranted_lefts(inter: Intersection, stages: Sequence[ProgramPhase], flows: Flows) -> list[ProgramPhase]:
    """Leave out stages for left turns alone that have too little traffic to need one.

    Such a stage is left out if another one lets its turns go too, yielding, and none of them has
    ``UNOPPOSED_LEFT_VEH_H`` or reaches the cross product of :data:`CROSS_PRODUCT_VEH2_H2`.
    """
    kept = list(stages)
    for stage in stages:
        others = [other for other in kept if other is not stage]
        moves = [move for move in inter.movements if _shows(stage, move, "G")]
        served = all(any(_shows(other, move, "Gg") for other in others) for move in moves)
        turns = all(move.kind in ("left", "uturn") for move in moves)
        if others and served and turns and not any(_is_warranted(inter, move, flows) for move in moves):
            kept = others
    return kept


def _shows(stage: ProgramPhase, move: Movement, letters: str) -> bool:
    return any(stage.state[link] in letters for link in move.links)


def _is_warranted(inter: Intersection, move: Movement, flows: Flows) -> bool:
    turning = 3600.0 * flows.get((inter.index, move.index), 0.0)
    across = inter.arms[move.from_arm].bearing_deg + 180.0
    away = {arm.index: abs((arm.bearing_deg - across + 180.0) % 360.0 - 180.0) for arm in inter.arms}
    facing = min((arm for arm in away if arm != move.from_arm), key=lambda arm: away[arm])
    opposing = [m for m in inter.movements if m.from_arm == facing and m.kind in ("straight", "right")]
    volume = 3600.0 * sum(flows.get((inter.index, m.index), 0.0) for m in opposing)
    lanes = len({lane for m in opposing for lane in m.lanes})
    bound = CROSS_PRODUCT_VEH2_H2.get(max(lanes, 1), CROSS_PRODUCT_MORE_VEH2_H2)
    return turning >= UNOPPOSED_LEFT_VEH_H or turning * volume >= bound
