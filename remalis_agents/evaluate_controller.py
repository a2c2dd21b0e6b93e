"""Plays who has not learned (see `players`) on the episodes of `rllib evaluate`, so that both can be compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from remalis_agents.evaluate import Evaluation
from remalis_agents.evaluation import EpisodeResult
from remalis_agents.evaluation import evaluate as play_episodes
from remalis_agents.mixtures import with_world
from remalis_agents.players import TRAFFIC, WEB, home_of, make_player
from remalis_envs import traffic_v0, web_v0
from remalis_envs.errors import RemalisError


def names_controller(text: str) -> bool:
    """Whether ``text`` is the name of a controller or of a team of the web, and no path."""
    return home_of(text) is not None and not os.path.exists(text)


def evaluate_controller(
    name: str,
    *,
    env: str | None,
    env_config: Mapping[str, Any],
    episodes: int,
    first_seed: int,
    on_begin: Callable[[Evaluation], None],
    on_episode: Callable[[int, dict[str, float]], None],
) -> Evaluation:
    """As :func:`.evaluate.evaluate`, with a controller.

    Raises:
        RemalisError: the environment is not the player's, cannot be made with these options, or an episode broke off.
    """
    played_in = env or home_of(name) or TRAFFIC
    if played_in not in (TRAFFIC, WEB):
        raise RemalisError(f"{name} plays {home_of(name)}; it cannot play {env}.")
    player = make_player(name, played_in)
    options = with_world({"level": "easy", "split": "test"}, env_config)
    result = Evaluation(played_in, options, [first_seed + i for i in range(episodes)], [])
    on_begin(result)

    def played(one: EpisodeResult) -> None:
        if one.error:
            raise RemalisError(f"The episode of seed {one.seed} broke off: {one.error}")
        result.episodes.append({"team_return": one.mean_return, **one.metrics})
        on_episode(len(result.episodes) - 1, result.episodes[-1])

    make = web_v0 if played_in == WEB else traffic_v0
    play_episodes(player, partial(make, **options), result.seeds, progress=played)
    return result
