"""Actuated control: SUMO's own logic, which prolongs a green while vehicles keep coming."""

from __future__ import annotations

from remalis_agents.controllers.base import ProgramController
from remalis_agents.controllers.flows import movement_flows
from remalis_agents.controllers.plans import Flows, network_stages, program_of
from remalis_envs.traffic.engine.programs import SignalProgram
from remalis_envs.traffic.scenarios import Scenario


class ActuatedController(ProgramController):
    """SUMO's gap-based actuation (``tlLogic type="actuated"``) of the network's own stages.

    A green lasts at least ``min_green_s``, goes on while the gaps between vehicles at SUMO's own induction loops are
    below ``max_gap_s``, and ends after ``max_green_s``. Clearance is that of the agents' phases. Left-turn stages that
    nothing warrants are left out, as for Webster's timing, where demand is drawn and can be counted.

    Args:
        min_green_s: Least green.
        max_green_s: Most green.
        max_gap_s: Gap that ends a green.
        keep_left_stages: Keep left-turn stages in any case.
        flows: Flows by (intersection, movement), in vehicles per second, instead of counted ones.
    """

    name = "actuated"

    def __init__(
        self,
        min_green_s: float = 5.0,
        max_green_s: float = 50.0,
        max_gap_s: float = 3.0,
        keep_left_stages: bool = False,
        flows: Flows | None = None,
    ) -> None:
        self.min_green_s, self.max_green_s, self.max_gap_s = min_green_s, max_green_s, max_gap_s
        self.keep_left_stages, self.flows = keep_left_stages, flows

    def programs(self, scenario: Scenario) -> dict[str, SignalProgram]:
        flows = None
        if not self.keep_left_stages:
            flows = self.flows
            if flows is None and scenario.demand is not None:
                flows = movement_flows(scenario)
        stages = network_stages(scenario, flows)
        result = {}
        for inter in scenario.network.intersections:
            if own := stages.get(inter.index):
                greens = [min(max(stage.duration_s, self.min_green_s), self.max_green_s) for stage in own]
                result[inter.id] = program_of(
                    inter,
                    own,
                    greens,
                    scenario.timing,
                    limits_s=(self.min_green_s, self.max_green_s),
                    parameters=(("max-gap", f"{self.max_gap_s:g}"),),
                )
        return result
