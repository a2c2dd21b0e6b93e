"""A curriculum: stages of growing difficulty, and when a team goes on to the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from remalis_agents.configs.schema import ConfigError, CurriculumSection
from remalis_agents.mixtures import SCENARIOS, with_world, world_name
from remalis_envs.errors import RemalisError

STAGES = "stages"
"""Key of what a checkpoint was trained on: the names of the stages, in order; ``env_config`` is that of the last."""
REACHED = "stage_reached"
"""Key of a checkpoint's manifest, and of what it was trained on: the stage it stands in, counted from 1."""
EPISODE_RETURN = "episode_return_mean"
"""The figure that every environment has: the sum of the team's rewards over an episode."""

Make = Callable[[dict[str, Any]], gymnasium.Env[Any, Any]]


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: for displays.
        env_config: the environment's options in this stage.
        agents: rows of its team.
    """

    name: str
    env_config: dict[str, Any]
    agents: int


@dataclass(frozen=True)
class Curriculum:
    """The stages of a training, and the figure that decides.

    Attributes:
        stages: in order.
        figure: of an episode: one of the environment's metrics, or ``episode_return_mean``.
        thresholds: one for each stage but the last.
        above: whether the figure must reach the threshold from below; else from above.
        episodes: episodes of the stage over which the figure is a mean.
        min_env_steps: team steps that a stage lasts at least.
    """

    stages: tuple[Stage, ...]
    figure: str
    thresholds: tuple[float, ...]
    above: bool
    episodes: int
    min_env_steps: int

    def is_passed(self, stage: int, figures: Sequence[float], env_steps: int) -> bool:
        """Whether a team goes on.

        Args:
            stage: where it is, counted from 0.
            figures: of the episodes that it has ended in this stage.
            env_steps: team steps that it has played in this stage.
        """
        if stage >= len(self.thresholds) or len(figures) < self.episodes or env_steps < self.min_env_steps:
            return False
        recent = figures[-self.episodes :]
        mean = math.fsum(recent) / len(recent)
        return mean >= self.thresholds[stage] if self.above else mean <= self.thresholds[stage]


@dataclass
class Standing:
    """Where a training is in its curriculum.

    Attributes:
        stage: counted from 0.
        since_env_steps: team steps of the whole training when the stage began.
        figures: of the episodes ended in this stage, the latest last.
    """

    stage: int = 0
    since_env_steps: int = 0
    figures: list[float] = field(default_factory=list)


def plan(
    section: CurriculumSection, env_config: Mapping[str, Any], make: Make, one_size: bool = False
) -> Curriculum | None:
    """The curriculum that an experiment asks for; None where it asks for none.

    Args:
        section: what the experiment says.
        env_config: the environment's options, which a stage adds to or replaces.
        make: makes the environment from its options; each stage is made once to see that it can be.
        one_size: the method needs one size of team, so every stage is padded to the largest.

    Raises:
        ConfigError: the section does not say what is needed, or the stages' agents differ in what they see or do.
        RemalisError: the environment of a stage cannot be made.
    """
    if not section.stages:
        if section.promote_above is not None or section.promote_below is not None:
            raise ConfigError("curriculum has a threshold but no stages: give stages, such as [easy, medium, hard].")
        return None
    above, thresholds = _thresholds(section)
    if section.episodes < 1 or section.min_env_steps < 0:
        raise ConfigError(
            "curriculum.episodes must be 1 or more and min_env_steps 0 or more, but they are "
            f"{section.episodes} and {section.min_env_steps}."
        )
    configs = [with_world(env_config, _options(one)) for one in section.stages]
    shapes = [_shape(make, config, one) for config, one in zip(configs, section.stages, strict=True)]
    for (_, size, actions), one in zip(shapes, section.stages, strict=True):
        if (size, actions) != shapes[0][1:]:
            raise ConfigError(
                f"Stage {_name(one)!r} has agents with vectors of length {size} and {actions} actions, but those of "
                f"the first stage have {shapes[0][1]} and {shapes[0][2]}: one network cannot play both."
            )
    agents = [shape[0] for shape in shapes]
    if one_size:
        agents = [max(agents)] * len(agents)
        configs = [{**config, "max_agents": agents[0]} for config in configs]
    stages = tuple(
        Stage(_name(one), config, count) for one, config, count in zip(section.stages, configs, agents, strict=True)
    )
    return Curriculum(stages, section.figure, thresholds, above, section.episodes, section.min_env_steps)


def _thresholds(section: CurriculumSection) -> tuple[bool, tuple[float, ...]]:
    both: list[tuple[bool, Any]] = [(True, section.promote_above), (False, section.promote_below)]
    given = [(above, value) for above, value in both if value is not None]
    if len(given) != 1:
        found = "both" if given else "neither"
        raise ConfigError(
            f"curriculum needs promote_above or promote_below, the {section.figure} at which a team goes on to the "
            f"next stage, but it has {found}."
        )
    above, value = given[0]
    needed = len(section.stages) - 1
    values: list[Any] = value if isinstance(value, list) else [value] * needed
    if len(values) != needed or not all(isinstance(one, int | float) and math.isfinite(one) for one in values):
        raise ConfigError(
            f"curriculum.promote_{'above' if above else 'below'} must be a number, or one for each of the {needed} "
            f"stages before the last, but it is {value!r}."
        )
    return above, tuple(float(one) for one in values)


def _options(stage: Any) -> dict[str, Any]:
    if isinstance(stage, str):
        return {"level": stage}
    if isinstance(stage, Mapping):
        return dict(stage)
    raise ConfigError(f"A stage is a level's name or a mapping of the environment's options, but one is {stage!r}.")


def _name(stage: Any) -> str:
    if isinstance(stage, str):
        return stage
    if isinstance(stage.get(SCENARIOS), list):
        return " + ".join(_name(one) for one in stage[SCENARIOS])
    return world_name(stage)


def _shape(make: Make, config: dict[str, Any], stage: Any) -> tuple[int, int, int]:
    try:
        env = make(config)
    except (TypeError, ValueError) as error:
        if isinstance(error, RemalisError):
            raise
        raise ConfigError(f"The environment of stage {_name(stage)!r} cannot be made: {error}") from None
    agents, size = env.observation_space["obs"].shape  # type: ignore[index]
    env.close()
    return int(agents), int(size), int(env.action_space.nvec[0])  # type: ignore[attr-defined]
