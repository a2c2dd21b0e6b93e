"""Controllers by name."""

from __future__ import annotations

from typing import Any

from remalis_agents.controllers.actuated import ActuatedController
from remalis_agents.controllers.base import Controller, PhaseController, ProgramController
from remalis_agents.controllers.fixed_time import FixedTimeController
from remalis_agents.controllers.greedy import GreedyController
from remalis_agents.controllers.max_pressure import MaxPressureController
from remalis_agents.controllers.random import RandomController
from remalis_agents.controllers.sotl import SotlController
from remalis_agents.controllers.webster import WebsterController
from remalis_envs.errors import RemalisError, unknown

CONTROLLERS: dict[str, type[PhaseController] | type[ProgramController]] = {
    controller.name: controller
    for controller in (
        RandomController,
        FixedTimeController,
        WebsterController,
        ActuatedController,
        SotlController,
        GreedyController,
        MaxPressureController,
    )
}
"""In the order of reports: from what chooses blindly to what chooses best."""


def make_controller(name: str, **options: Any) -> Controller:
    """Make a controller.

    Args:
        name: One of :data:`CONTROLLERS`.
        options: Keyword arguments of its class.

    Raises:
        UnknownNameError: there is no such controller.
        RemalisError: it has no such option.
    """
    if name not in CONTROLLERS:
        raise unknown("controller", name, CONTROLLERS)
    try:
        return CONTROLLERS[name](**options)
    except TypeError as error:
        raise RemalisError(f"Controller {name!r} cannot be made with {options}: {error}.") from None
