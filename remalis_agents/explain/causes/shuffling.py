"""All messages: what becomes of the score when they come from other episodes, or do not come at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from remalis_agents.evaluate import play
from remalis_agents.evaluation import Interval, interval
from remalis_agents.explain.causes.heard import Heard, Other, from_elsewhere, silenced, talking, tapped
from remalis_agents.explain.causes.listening import Listened, OnEpisode, greedy
from remalis_agents.networks.remalis.network import RemalisNetwork

if TYPE_CHECKING:
    from remalis_agents.team import Team


@dataclass(frozen=True)
class Shuffled:
    """Episodes in which messages came from other episodes.

    Attributes:
        figures: of each episode.
        share: of the links between agents, over all steps, those on which messages were replaced: the others are
            between agents who were linked at this step in no other episode, and carried what was sent.
    """

    figures: list[dict[str, float]]
    share: float


def shuffle(
    team: Team, env: gymnasium.Env[Any, Any], episodes: Sequence[Listened], on_episode: OnEpisode | None = None
) -> Shuffled:
    """Plays episodes again in which every agent hears what its neighbours told it at the same step of another one.

    That other one is the next after it, in the order given, in which the two were linked at this step.

    Args:
        team: who played them.
        env: what they were played in.
        episodes: from :func:`listen`, two or more.
        on_episode: see :data:`OnEpisode`.
    """
    network, found, counts = talking(team), [], np.zeros(2, np.int64)
    with greedy(team):
        for k, episode in enumerate(episodes):
            others = [*episodes[k + 1 :], *episodes[:k]]
            decide = _Shuffler(team, network, others, counts)
            found.append(play(env, team, episode.seed, decide))
            if on_episode is not None:
                on_episode(k, found[-1])
    return Shuffled(found, float(counts[0] / max(counts[1], 1)))


class _Shuffler:
    """Decides as a team does that hears the messages of other episodes; counts links replaced, and all links."""

    def __init__(
        self, team: Team, network: RemalisNetwork, others: Sequence[Listened], counts: NDArray[np.int64]
    ) -> None:
        self._team, self._network, self._others, self._counts = team, network, others, counts
        self._step = 0

    def __call__(self, observation: Mapping[str, Any]) -> NDArray[np.int64]:
        with tapped(self._network, self._instead):
            actions = self._team(observation)
        self._step += 1
        return actions

    def _instead(self, now: Heard) -> Other | None:
        then = [one.heard[self._step] for one in self._others if self._step < len(one.heard)]
        other = from_elsewhere(now, then)
        self._counts += (0 if other is None else int(other.where.sum()), int((now.sender >= 0).sum()))
        return other


def silence(
    team: Team, env: gymnasium.Env[Any, Any], seeds: Sequence[int], on_episode: OnEpisode | None = None
) -> list[dict[str, float]]:
    """Figures of the same episodes when nobody hears anybody; arguments as in :func:`listen`."""
    network, found = talking(team), []
    with greedy(team), silenced(network):
        for k, seed in enumerate(seeds):
            found.append(play(env, team, seed))
            if on_episode is not None:
                on_episode(k, found[-1])
    return found


def difference(
    changed: Sequence[Mapping[str, float]], as_played: Sequence[Mapping[str, float]], figure: str
) -> Interval:
    """Mean of ``changed - as_played`` over the same episodes, with its 95% interval (paired, Student's t)."""
    return interval(one[figure] - other[figure] for one, other in zip(changed, as_played, strict=True))
