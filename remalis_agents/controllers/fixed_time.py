"""Fixed time: the signal programs that the network came with."""

from __future__ import annotations

from typing import Any

from remalis_agents.controllers.base import ProgramController
from remalis_envs.traffic.engine.programs import SignalProgram, network_programs
from remalis_envs.traffic.scenarios import Scenario


class FixedTimeController(ProgramController):
    """The network's own programs as they are; on maps of ours netconvert's, with a cycle of 90 s."""

    name = "fixed_time"

    def env_options(self) -> dict[str, Any]:
        return {"control": "own"}

    def programs(self, scenario: Scenario) -> dict[str, SignalProgram]:
        return network_programs(scenario.network)
