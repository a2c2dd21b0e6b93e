"""Episodes played as they are, with all that agents heard in them, and steps that can be thought through again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from remalis_agents.episode_figures import happened
from remalis_agents.evaluate import play
from remalis_agents.explain.causes.heard import Heard, arriving, talking, tapped
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.base import TeamInputs, TeamOutput
from remalis_agents.networks.remalis.thought import Thought

if TYPE_CHECKING:
    from remalis_agents.team import Team

OnEpisode = Callable[[int, Mapping[str, float]], None]
"""Told of each episode played: its number and its figures."""


@dataclass(frozen=True)
class Moment:
    """A step that can be thought through again.

    Attributes:
        seed: of its episode.
        step: in its episode.
        inputs: what went into the pass, recurrent state and all.
        heard: what was heard in it: what was sent in this step or, where messages take steps, what arrived in it.
        probabilities: ``[N, A]`` of the actions; 0 for illegal ones.
    """

    seed: int
    step: int
    inputs: TeamInputs
    heard: Heard
    probabilities: Tensor


@dataclass(frozen=True)
class Listened:
    """An episode, played as it is.

    Attributes:
        seed: of the episode.
        figures: as :func:`remalis_agents.evaluate.play` gives them.
        heard: what was sent in each step.
        moments: steps drawn from it.
        served: ``[N, S]``, in how many beliefs about each agent it then really served each sub-goal.
    """

    seed: int
    figures: dict[str, float]
    heard: list[Heard]
    moments: list[Moment]
    served: NDArray[np.int64]


class _Listener:
    """Decides as a team does, takes down what its agents hear, and keeps some steps, all equally likely."""

    def __init__(self, team: Team, seed: int, count: int, rng: np.random.Generator) -> None:
        self._team, self._network = team, talking(team)
        self._seed, self._count, self._rng = seed, count, rng
        self.heard: list[Heard] = []
        self.moments: list[Moment] = []

    def __call__(self, observation: Mapping[str, Any]) -> NDArray[np.int64]:
        with tapped(self._network) as heard:
            actions = self._team(observation)
        self.heard += heard
        step = len(self.heard) - 1
        place = step if step < self._count else int(self._rng.integers(step + 1))  # a reservoir
        if place < self._count:
            self.moments[place : place + 1] = [self._moment(step)]
        return actions

    def _moment(self, step: int) -> Moment:
        assert self._team.decided is not None
        inputs, output = self._team.decided
        # The environment may write to what it gave.
        kept = {name: getattr(inputs, name).clone() for name in inputs._fields[:4]}
        tokens = None if inputs.tokens is None else inputs.tokens.clone()
        # What the channel loses is drawn; everything else of a greedy pass follows from what is heard.
        drawn: dict[str, Any] = {name: value if name == "lost" else None for name, value in output.drawn.items()}
        inputs = inputs._replace(**kept, tokens=tokens, drawn=drawn)
        heard = self.heard[step]
        if self._network.options.delay:
            heard = arriving(self._network, inputs.state, heard)
        return Moment(self._seed, step, inputs, heard, probabilities(inputs, output))


class _Served(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Counts which sub-goals agents served about whom a teammate held a belief."""

    def __init__(self, env: gymnasium.Env[Any, Any], team: Team) -> None:
        super().__init__(env)
        self._team, size = team, talking(team).subgoal_count
        self.counts = np.zeros((env.observation_space["obs"].shape[0], size), np.int64)  # type: ignore[index]

    def step(self, action: NDArray[np.int64]) -> Any:
        result = self.env.step(action)
        assert self._team.decided is not None
        thought: Thought = self._team.decided[1].extras["thought"]
        played = happened(action, result[-1], thought.team.alive)
        served = thought.links.hear(played.subgoals.unsqueeze(-1)).squeeze(-1).long()
        counted = (thought.announced.delivered * played.weights.unsqueeze(-1) > 0) & (served >= 0)
        np.add.at(self.counts, (thought.links.index[counted].numpy(), served[counted].numpy()), 1)
        return result


def listen(
    team: Team,
    env: gymnasium.Env[Any, Any],
    seeds: Sequence[int],
    moments: int = 0,
    draw_seed: int = 0,
    on_episode: OnEpisode | None = None,
) -> list[Listened]:
    """Plays episodes greedily, as they are, and takes down every message.

    Args:
        team: a ReMALIS team.
        env: a team view.
        seeds: one an episode.
        moments: steps of each episode that are drawn, to be thought through again by :func:`overwrite`.
        draw_seed: of those draws.
        on_episode: see :data:`OnEpisode`.

    Raises:
        RemalisError: the team is of another method, or its agents are silent.
    """
    found, rng = [], np.random.default_rng(draw_seed)
    with greedy(team):
        for k, seed in enumerate(seeds):
            listener, view = _Listener(team, seed, moments, rng), _Served(env, team)
            figures = play(view, team, seed, listener)
            found.append(Listened(seed, figures, listener.heard, listener.moments, view.counts))
            if on_episode is not None:
                on_episode(k, figures)
    return found


def commonest_share(episodes: Sequence[Listened]) -> float:
    """How often a belief would be right that names, for each teammate, what it serves most; nan without beliefs."""
    counts = np.sum([one.served for one in episodes], 0)
    return float(counts.max(1).sum() / counts.sum()) if counts.sum() else float("nan")


@contextmanager
def greedy(team: Team) -> Iterator[None]:
    """Within it the team takes its most probable actions."""
    before, team.sample = team.sample, False
    try:
        yield
    finally:
        team.sample = before


def probabilities(inputs: TeamInputs, output: TeamOutput) -> Tensor:
    """Of one team's actions in one step, ``[N, A]``; 0 for illegal ones."""
    return mask_logits(output.logits, inputs.action_mask).softmax(-1)[0, 0]
