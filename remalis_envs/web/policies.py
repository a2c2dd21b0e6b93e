"""Teams that need no learning, to stand beside every figure or to be learnt from.

Random, the overlap rule, scripted crews, the oracle, and an apprentice who has not read a site's rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import unknown
from remalis_envs.web.actions import FIRST_CANDIDATE, WAIT
from remalis_envs.web.apprentice import Apprentice
from remalis_envs.web.crew import Crew
from remalis_envs.web.feature_names import F
from remalis_envs.web.observations import LAYOUT

Observations = Mapping[str, Mapping[str, npt.NDArray[Any]]]


class Policy(ABC):
    """A team that plays: ``reset`` at the start of an episode, then ``act``."""

    name = ""
    own_program = False

    def reset(self, env: Any, seed: int) -> None:
        """Begins an episode of a web environment; ``seed`` is for the policy's own draws."""
        self._env, self._rng = env, np.random.default_rng(seed)

    @abstractmethod
    def act(self, observations: Observations) -> dict[str, int]:
        """Actions of all agents in ``observations``."""


class RandomTeam(Policy):
    """Every agent does something legal, each thing as likely as another."""

    name = "random"

    def act(self, observations: Observations) -> dict[str, int]:
        return {agent: int(self._rng.choice(np.flatnonzero(own["action_mask"]))) for agent, own in observations.items()}


class OverlapTeam(Policy):
    """Every agent acts on what overlaps the instruction most, of what it has not yet done; it waits where nothing does.

    Looked at are the words of a control, of the value it would get, and (unless ``labels_alone``) of the row or group
    that it stands in, rare words of the page counting more. Facts are not recorded.

    Args:
        labels_alone: leave out what surrounds a control.
    """

    name = "overlap"

    def __init__(self, labels_alone: bool = False) -> None:
        self._column = F["label_weight" if labels_alone else "weight"]

    def act(self, observations: Observations) -> dict[str, int]:
        return {agent: self._best(own) for agent, own in observations.items()}

    def _best(self, own: Mapping[str, npt.NDArray[Any]]) -> int:
        rows = LAYOUT.action_features(own["observation"])[FIRST_CANDIDATE:]
        open_now = own["action_mask"][FIRST_CANDIDATE:] > 0
        open_now = open_now & (rows[:, F["done_by_me"]] == 0) & (rows[:, F["operation_record"]] == 0)
        scores = np.where(open_now, rows[:, self._column], 0.0)
        best = int(scores.argmax())
        return FIRST_CANDIDATE + best if scores[best] > 0 else WAIT


class OracleTeam(Policy):
    """Knows the task."""

    name = "oracle"

    def act(self, observations: Observations) -> dict[str, int]:
        actions: dict[str, int] = self._env.oracle()
        return actions


class ApprenticeTeam(Policy):
    """Knows the task but not the rules of the site; see :mod:`remalis_envs.web.apprentice`."""

    name = "apprentice"

    def reset(self, env: Any, seed: int) -> None:
        super().reset(env, seed)
        self._apprentice = Apprentice(env.episode)

    def act(self, observations: Observations) -> dict[str, int]:
        return dict(zip(self._env.possible_agents, self._apprentice.actions(), strict=True))


class CrewTeam(Policy):
    """Everybody has read the plan and hears what the others are on; see :mod:`remalis_envs.web.crew`."""

    name = "crew"
    told = True

    def reset(self, env: Any, seed: int) -> None:
        super().reset(env, seed)
        self._crew = Crew(self.told, seed)

    def act(self, observations: Observations) -> dict[str, int]:
        return dict(zip(self._env.possible_agents, self._crew.actions(self._env.episode), strict=True))


class SilentCrewTeam(CrewTeam):
    """The same crew, of whom nobody hears what the others are on."""

    name = "silent_crew"
    told = False


POLICIES: dict[str, type[Policy]] = {
    one.name: one for one in (RandomTeam, OverlapTeam, SilentCrewTeam, CrewTeam, ApprenticeTeam, OracleTeam)
}


def make_policy(name: str) -> Policy:
    """A policy by its name.

    Args:
        name: ``random``, ``overlap``, ``silent_crew``, ``crew``, ``apprentice`` or ``oracle``.
    """
    if name not in POLICIES:
        raise unknown("policy", name, POLICIES)
    return POLICIES[name]()
