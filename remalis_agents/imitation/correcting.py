"""Who learns plays, and who demonstrates says at each step what it would have done.

Demonstrations show what to do where the demonstrator goes, but not what to do where the learner's own mistakes lead it.
Here those states are in the recording as well (DAgger: Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and
Structured Prediction to No-Regret Online Learning", 2011).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_agents.imitation.record import Demonstrator
from remalis_agents.team import Team

HELP = 0.5
"""Share of the steps that the demonstrator takes itself in the first recording that corrects; its square in the second,
and so on, which is the schedule of the paper above."""


class Corrected:
    """A demonstrator that answers, and a team that plays.

    Args:
        team: who plays; it draws its actions, as in training.
        demonstrator: who says what is right.
        helped: share of the steps in which the demonstrator's joint action is played instead.
    """

    def __init__(self, team: Team, demonstrator: Demonstrator, helped: float) -> None:
        self.team, self.demonstrator, self.helped = team, demonstrator, helped

    def reset(self, env: Any, seed: int) -> None:
        """Begin an episode of a parallel environment."""
        self.team.reset(env, seed)
        self.demonstrator.reset(env, seed)
        self._rng = np.random.default_rng(seed)

    def act(self, observations: Mapping[str, Any]) -> Mapping[str, int]:
        """What the demonstrator would do."""
        return self.demonstrator.act(observations)

    def played(self, observation: Mapping[str, NDArray[Any]], right: NDArray[np.int64]) -> NDArray[np.int64]:
        """What is done, ``(N,)``, where ``right`` is what the demonstrator would do."""
        own = self.team(observation)  # even where it is not played: what it remembers goes on
        return right if self._rng.random() < self.helped else own
