"""A ring whose agents are of two types by turns, for options that tell roles apart."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces
from toys import SYMBOLS, Ring

from remalis_agents.networks import Layout
from remalis_envs.team import TeamEnv

TYPES = 2
LAYOUT = Layout(start=0, count=SYMBOLS, features=1, types=SYMBOLS + 1, type_count=TYPES)


class Roles(Ring):
    """As :class:`Ring`, with the agent's type, one-hot, at the end of its vector."""

    def __init__(self, **options):
        super().__init__(**options)
        vector = spaces.Box(0.0, 1.0, (SYMBOLS + 1 + TYPES,), np.float32)
        self._space = spaces.Dict(observation=vector, action_mask=self._space["action_mask"])

    def _draw(self):
        observations, infos = super()._draw()
        for i, seen in enumerate(observations.values()):
            seen["observation"] = np.concatenate([seen["observation"], np.eye(TYPES, dtype=np.float32)[i % TYPES]])
        return observations, infos


def roles_team(**options):
    return TeamEnv(Roles(**options))


if "remalis-test/RolesTeam-v0" not in gymnasium.registry:
    gymnasium.register("remalis-test/RolesTeam-v0", entry_point=roles_team)
