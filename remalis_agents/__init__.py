"""What acts and learns: controllers, networks, the RLlib trainer and the two commands.

Importing this package registers the environments with Ray under the same names that Gymnasium knows. Ray itself takes
seconds to import and controllers do not need it, so where Ray is not loaded yet this waits until it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import remalis_envs  # noqa: F401  (registers the environments with Gymnasium)
from remalis_agents.registration import register_when_ray_loads

register_when_ray_loads()

if TYPE_CHECKING:
    from remalis_agents.team import Team as Team


def __getattr__(name: str) -> Any:
    """``remalis_agents.Team``, imported when it is asked for: torch takes a second."""
    if name == "Team":
        from remalis_agents.team import Team

        return Team
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
