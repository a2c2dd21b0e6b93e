"""Controllers that do not learn: what engineers use, and what a learned team is compared with."""

from __future__ import annotations

from remalis_agents.controllers.base import Controller, Junctions, PhaseController, ProgramController
from remalis_agents.controllers.registry import CONTROLLERS, make_controller

__all__ = ["CONTROLLERS", "Controller", "Junctions", "PhaseController", "ProgramController", "make_controller"]
