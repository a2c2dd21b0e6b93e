"""What the environments of a training play: one world or several, stage after stage, alone or with co-players."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path
from typing import Any

from remalis_agents.co_player_kinds import split_member
from remalis_agents.co_players import CO_PLAYERS, check_population, with_co_players
from remalis_agents.configs.schema import ConfigError, Experiment
from remalis_agents.curriculum import Curriculum, plan
from remalis_agents.methods import METHODS
from remalis_agents.mixtures import ENVIRONMENTS_PER_RUNNER, SCENARIOS
from remalis_agents.registration import make_team_env

PAST_DIR = "past_policies"
"""Folder in a run's folder where its past policies are put aside."""
_SPARE = 2
"""Past policies kept beyond those that are drawn from: a runner may be about to read one that has grown too old."""


def plan_curriculum(experiment: Experiment) -> Curriculum | None:
    """The experiment's curriculum, checked; None where it has none.

    Raises:
        ConfigError: it does not say what is needed.
    """
    sections = experiment.config
    if experiment.curriculum.stages and experiment.stop.episode_return_mean is not None:
        raise ConfigError(
            "stop.episode_return_mean would end the training in whichever stage reaches it first: stop a training "
            "with a curriculum by env_steps, time_s or training_iteration."
        )
    return plan(
        experiment.curriculum,
        sections.environment.env_config,
        partial(make_team_env, experiment.env),
        one_size=_needs_one_size(experiment),
    )


def _needs_one_size(experiment: Experiment) -> bool:
    from remalis_agents.networks.registry import network_class

    method, module = METHODS[experiment.run], experiment.config.rl_module
    fixed = "max_agents" in inspect.signature(network_class(module.network or method.network)).parameters
    return fixed or module.sharing == "none"


def for_runners(experiment: Experiment, env_config: dict[str, Any], env: Any) -> dict[str, Any]:
    """The options with which runners make their environments.

    Args:
        experiment: whose runners.
        env_config: what they play, at first.
        env: the environment that these options make.

    Raises:
        RemalisError: the population cannot be drawn from, or a member cannot play these agents.
    """
    made = dict(env_config)
    if SCENARIOS in made:
        made["max_agents"] = int(env.observation_space["obs"].shape[0])
    if SCENARIOS in made or any(SCENARIOS in s for s in experiment.curriculum.stages if isinstance(s, dict)):
        made[ENVIRONMENTS_PER_RUNNER] = experiment.config.env_runners.num_envs_per_env_runner or 1
    population = experiment.population
    if population.share or population.members:
        check_population(population.share, population.members)
        if population.past_every < 1:
            raise ConfigError(f"population.past_every must be 1 iteration or more, not {population.past_every}.")
        made[CO_PLAYERS] = {"share": population.share, "members": population.members}
        with_co_players(env, made[CO_PLAYERS])
    return made


def follow(config: Any, experiment: Experiment, curriculum: Curriculum | None) -> None:
    """Tells the algorithm's configuration, in place, of the curriculum and of the past policies to put aside."""
    config.curriculum, config.past_policies = curriculum, None
    called = config.callbacks_class if isinstance(config.callbacks_class, list) else [config.callbacks_class]
    if curriculum is not None:
        from remalis_agents.rllib.curriculum import StageFigures

        called = [*called, StageFigures]
    if _past(experiment):
        from remalis_agents.rllib.population import PutAside

        called = [*called, PutAside]
    config.callbacks(called)


def keep_past(config: Any, experiment: Experiment, run_dir: Path) -> None:
    """Names the run's folder as the place of past policies, where a co-player is one of them.

    Args:
        config: the algorithm's configuration, changed in place.
        experiment: which may have a population.
        run_dir: the run's folder.
    """
    if not _past(experiment):
        return
    from remalis_agents.rllib.population import PastPolicies

    folder = str(run_dir / PAST_DIR)
    config.env_config[CO_PLAYERS]["past_dir"] = folder
    config.past_policies = PastPolicies(folder, experiment.population.past_every, _past(experiment) + _SPARE)


def _past(experiment: Experiment) -> int:
    """How many past policies co-players are drawn from; 0 where none is."""
    kinds = [split_member(member) for member in experiment.population.members]
    return max((int(argument) for kind, argument in kinds if kind == "past"), default=0)
