"""What acts and learns: controllers, networks, the RLlib trainer and the two commands.

Importing this package registers the environments with Ray under the same names that Gymnasium knows. Ray itself takes
seconds to import and controllers do not need it, so where Ray is not loaded yet this waits until it is.
"""

from __future__ import annotations

import remalis_envs  # noqa: F401  (registers the environments with Gymnasium)
from remalis_agents.registration import register_when_ray_loads

register_when_ray_loads()
