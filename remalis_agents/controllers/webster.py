"""Fixed time as an engineer sets it: Webster's cycle and splits for the expected flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remalis_agents.controllers.base import ProgramController
from remalis_agents.controllers.flows import lane_flows, movement_flows
from remalis_agents.controllers.plans import Flows, clearance, network_stages, program_of
from remalis_envs.traffic.engine.programs import ProgramPhase, SignalProgram
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.network.model import Intersection
from remalis_envs.traffic.scenarios import Scenario

MOST_SATURATED = 0.95
"""Beyond this sum of flow ratios Webster's formula has no answer."""


class WebsterController(ProgramController):
    """Webster's fixed time (F. V. Webster, Traffic Signal Settings, 1958), junction by junction.

    ``C = (1.5 L + 5) / (1 - Y)``, ``g_i = y_i / Y * (C - L)``, with y_i the greatest ratio of flow to saturation flow
    among the lanes that stage i serves, Y their sum, and L the lost time: of every stage its start-up loss and its
    clearance but for the seconds of yellow that are still driven. The stages are those of the network's own
    program, without left-turn stages that nothing warrants; clearance is that of the agents' phases. Flows are counted
    on drawn demand, over all of an episode; offsets are 0.

    Args:
        saturation_veh_s: Saturation flow of a lane.
        start_up_s: Green that is lost while a queue sets off.
        yellow_used_s: Yellow that is driven like green.
        cycle_s: Least and most cycle.
        min_green_s: Least green of a stage.
        keep_left_stages: Keep left-turn stages in any case.
        flows: Flows by (intersection, movement), in vehicles per second, instead of counted ones.
    """

    name = "webster"

    def __init__(
        self,
        saturation_veh_s: float = 0.5,
        start_up_s: float = 2.0,
        yellow_used_s: float = 2.0,
        cycle_s: tuple[float, float] = (20.0, 120.0),
        min_green_s: float = 5.0,
        keep_left_stages: bool = False,
        flows: Flows | None = None,
    ) -> None:
        self.saturation_veh_s, self.start_up_s, self.yellow_used_s = saturation_veh_s, start_up_s, yellow_used_s
        self.cycle_s, self.min_green_s = cycle_s, min_green_s
        self.keep_left_stages, self.flows = keep_left_stages, flows

    def programs(self, scenario: Scenario) -> dict[str, SignalProgram]:
        flows = movement_flows(scenario) if self.flows is None else self.flows
        stages = network_stages(scenario, None if self.keep_left_stages else flows)
        result = {}
        for inter in scenario.network.intersections:
            if own := stages.get(inter.index):
                greens = self._greens(inter, own, flows, scenario.timing)
                result[inter.id] = program_of(inter, own, greens, scenario.timing)
        return result

    def _greens(
        self, inter: Intersection, stages: Sequence[ProgramPhase], flows: Flows, timing: SignalTiming
    ) -> list[float]:
        """Green of each stage in whole seconds."""
        ratios = flow_ratios(inter, stages, lane_flows(inter, flows), self.saturation_veh_s)
        unused_s = self.start_up_s - self.yellow_used_s
        lost_s = sum(clearance(inter, stages, k, timing).duration_s + unused_s for k in range(len(stages)))
        cycle_s = (1.5 * lost_s + 5.0) / (1.0 - min(sum(ratios), MOST_SATURATED))
        driven_s = max(min(max(cycle_s, self.cycle_s[0]), self.cycle_s[1]) - lost_s, 0.0)
        shares = [ratio / sum(ratios) if sum(ratios) > 0 else 1.0 / len(stages) for ratio in ratios]
        return [max(float(round(share * driven_s + unused_s)), self.min_green_s) for share in shares]


def flow_ratios(
    inter: Intersection, stages: Sequence[ProgramPhase], lanes: Mapping[str, float], saturation_veh_s: float
) -> list[float]:
    """``y_i``: for each stage the share of time that it must be green at least for every lane to be served.

    A lane belongs to the stages that give one of its movements right of way (yielding ones where there is no other).
    Lanes of few stages come first; what a lane still lacks is added to the longest of its stages.
    """
    served = _stages_of_lanes(inter, stages)
    ratios = [0.0] * len(stages)
    for lane in sorted(served, key=lambda lane: (len(served[lane]), -lanes.get(lane, 0.0))):
        own = served[lane]
        lacking = lanes.get(lane, 0.0) / saturation_veh_s - sum(ratios[k] for k in own)
        if own and lacking > 0:
            ratios[max(own, key=lambda k: ratios[k])] += lacking
    return ratios


def _stages_of_lanes(inter: Intersection, stages: Sequence[ProgramPhase]) -> dict[str, list[int]]:
    shown: dict[str, list[str]] = {}
    for move in inter.movements:
        if move.kind != "crossing":
            for lane in move.lanes:
                letters = shown.setdefault(lane, [""] * len(stages))
                for k, stage in enumerate(stages):
                    letters[k] += "".join(stage.state[link] for link in move.links)
    major = {lane: [k for k, own in enumerate(letters) if "G" in own] for lane, letters in shown.items()}
    return {lane: major[lane] or [k for k, own in enumerate(letters) if "g" in own] for lane, letters in shown.items()}
