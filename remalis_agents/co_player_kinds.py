"""Who may play in a learner's stead: anybody at random, a controller, another trained team, an earlier self."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from remalis_envs.errors import RemalisError, unknown

if TYPE_CHECKING:
    from remalis_agents.team import Team

Actions = NDArray[np.int64]
PAST_PATTERN = "policy_*"
"""Folders of past policies; their names sort by age."""


class CoPlayer(Protocol):
    """Somebody who plays agents of a team view."""

    def check(self, team: Any) -> None:
        """Raise where these agents are not what it plays."""

    def is_ready(self) -> bool:
        """Whether it can play now."""

    def begin(self, team: Any, seed: int) -> None:
        """An episode of ``team`` begins; ``seed`` is for its own draws."""

    def act(self, observation: Mapping[str, NDArray[Any]]) -> Actions:
        """Actions ``(N,)`` for all rows, of which those that it plays are taken."""


class RandomCoPlayer:
    """Draws uniformly among an agent's legal actions."""

    def check(self, team: Any) -> None:
        return

    def is_ready(self) -> bool:
        return True

    def begin(self, team: Any, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, observation: Mapping[str, NDArray[Any]]) -> Actions:
        legal = observation["action_mask"] > 0
        # 0 is excluded, so that no draw of a legal action is as low as an illegal one's.
        chosen: Actions = ((1.0 - self._rng.random(legal.shape)) * legal).argmax(axis=1)
        return chosen


class ControllerCoPlayer:
    """A controller, which sees all agents and plays some.

    Args:
        name: one of the registered controllers.

    Raises:
        UnknownNameError: there is no such controller.
    """

    def __init__(self, name: str) -> None:
        from remalis_agents.controllers import make_controller

        self.controller = make_controller(name)
        if self.controller.own_program:
            raise RemalisError(
                f"Controller {name!r} leaves all signals to SUMO and cannot play single agents beside a learner."
            )

    def check(self, team: Any) -> None:
        from remalis_envs.traffic.network.model import MAX_PHASES
        from remalis_envs.traffic.observations import OBSERVATION_SIZE

        size, actions = team.observation_space["obs"].shape[-1], int(team.action_space.nvec[0])
        if (size, actions) != (OBSERVATION_SIZE, MAX_PHASES):
            raise RemalisError(
                f"Controller {self.controller.name!r} plays traffic signals with vectors of length {OBSERVATION_SIZE} "
                f"and {MAX_PHASES} actions, but these agents have vectors of length {size} and {actions} actions."
            )

    def is_ready(self) -> bool:
        return True

    def begin(self, team: Any, seed: int) -> None:
        self._agents = team.agents
        self.controller.reset(team.parallel_env, seed)

    def act(self, observation: Mapping[str, NDArray[Any]]) -> Actions:
        views = {
            agent: {"observation": vector, "action_mask": mask}
            for agent, vector, mask in zip(self._agents, observation["obs"], observation["action_mask"], strict=False)
        }
        actions = np.zeros(len(observation["alive"]), np.int64)
        actions[: len(views)] = list(self.controller.act(views).values())
        return actions


class TeamCoPlayer:
    """A trained team, whose actions are drawn from its distribution as in training.

    Args:
        load: loads the team.
    """

    def __init__(self, load: Callable[[], Team]) -> None:
        self.team = load()

    def check(self, team: Any) -> None:
        from remalis_agents.evaluate import check_fits

        check_fits(self.team, team, "this training")

    def is_ready(self) -> bool:
        return True

    def begin(self, team: Any, seed: int) -> None:
        self.team.begin(env=team)
        self._rng = np.random.default_rng(seed)

    def act(self, observation: Mapping[str, NDArray[Any]]) -> Actions:
        with _own_draws(self._rng):
            actions: Actions = self.team(observation)
        return actions


class PastCoPlayer:
    """One of the latest policies that the training put aside, drawn anew for each episode.

    Args:
        folder: where they are; None where there is no training.
        latest: how many of them are drawn from.
    """

    def __init__(self, folder: str | Path | None, latest: int) -> None:
        self.folder, self.latest = None if folder is None else Path(folder), latest
        self._loaded: dict[Path, TeamCoPlayer] = {}

    def check(self, team: Any) -> None:
        return  # they come from the same training

    def _there(self) -> list[Path]:
        return [] if self.folder is None else sorted(self.folder.glob(PAST_PATTERN))[-self.latest :]

    def is_ready(self) -> bool:
        return bool(self._there())

    def begin(self, team: Any, seed: int) -> None:
        from remalis_agents.team import Team

        there = self._there()
        chosen = there[int(np.random.default_rng(seed).integers(len(there)))]
        self._loaded = {path: player for path, player in self._loaded.items() if path in there}
        if chosen not in self._loaded:
            self._loaded[chosen] = TeamCoPlayer(lambda: Team.from_pretrained(chosen, sample=True))
        self.playing = self._loaded[chosen]
        self.playing.begin(team, seed)

    def act(self, observation: Mapping[str, NDArray[Any]]) -> Actions:
        return self.playing.act(observation)


KINDS = ("random", "controller", "checkpoint", "past")


def make_co_player(member: Any, past_dir: str | Path | None = None) -> CoPlayer:
    """A member of a population, from what an experiment says: ``"kind:argument"`` or ``{kind: argument}``.

    Raises:
        RemalisError: there is no such kind, controller or checkpoint.
    """
    kind, argument = split_member(member)
    if kind == "random":
        return RandomCoPlayer()
    if kind == "controller":
        return ControllerCoPlayer(argument)
    if kind == "past":
        return PastCoPlayer(past_dir, int(argument))
    from remalis_agents.evaluate import load_team

    return TeamCoPlayer(lambda: load_team(argument, sample=True))


def split_member(member: Any) -> tuple[str, str]:
    """Kind and argument of a member.

    Raises:
        RemalisError: it is written in another way, or there is no such kind.
    """
    if isinstance(member, Mapping) and len(member) == 1:
        kind, argument = (str(part) for part in next(iter(member.items())))
    elif isinstance(member, str):
        kind, _, argument = member.partition(":")
    else:
        raise RemalisError(f"A co-player is text such as 'controller:max_pressure', but it is {member!r}.")
    kind, argument = kind.strip(), argument.strip()
    if kind not in KINDS:
        raise unknown("kind of co-player", kind, KINDS)
    if kind == "past" and not (argument.isdecimal() and int(argument) > 0):
        raise RemalisError(f"past takes how many past policies to draw from, such as past:5, but it got {argument!r}.")
    if kind in ("controller", "checkpoint") and not argument:
        raise RemalisError(f"{kind} needs to be told which one, such as {kind}:{_EXAMPLES[kind]}.")
    return kind, argument


_EXAMPLES = {"controller": "max_pressure", "checkpoint": "runs/my_run"}


def _own_draws(rng: np.random.Generator) -> AbstractContextManager[None]:
    """Torch draws from ``rng`` inside, and the learner's own draws go on after it as if nothing had been."""
    import torch

    class Apart:
        def __enter__(self) -> None:
            self._state = torch.get_rng_state()
            torch.manual_seed(int(rng.integers(2**31 - 1)))

        def __exit__(self, *error: object) -> None:
            torch.set_rng_state(self._state)

    return Apart()
