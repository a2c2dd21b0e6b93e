"""The curriculum inside an RLlib algorithm: episodes' figures come in, the runners' environments change."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core import DEFAULT_MODULE_ID

from remalis_agents.co_players import CO_PLAYERS
from remalis_agents.curriculum import EPISODE_RETURN, REACHED, Curriculum, Standing
from remalis_agents.language.watching import TEXT
from remalis_agents.mixtures import ENVIRONMENTS_PER_RUNNER
from remalis_envs.errors import unknown

FIGURES = "curriculum_figures"
"""Where the runners' figures of single episodes travel, under ``env_runners``."""
STAGE, STAGE_NAME = "curriculum_stage", "curriculum_stage_name"
"""In a training result: the stage, counted from 1, and its name."""
_STATE = "curriculum"
_KEPT = (ENVIRONMENTS_PER_RUNNER, CO_PLAYERS, TEXT)
"""Keys of ``env_config`` that come from the trainer and hold in every stage."""

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm import Algorithm as _Base
else:
    _Base = object


class InStages(_Base):  # type: ignore[misc]
    """Mixed into an RLlib algorithm, before it; its configuration may have a ``curriculum``."""

    def setup(self, config: Any) -> None:
        self.standing = Standing()
        super().setup(config)

    @property
    def _curriculum(self) -> Curriculum | None:
        own: Curriculum | None = getattr(self.config, "curriculum", None)
        return own

    def step(self) -> dict[str, Any]:
        result: dict[str, Any] = super().step()
        curriculum = self._curriculum
        if curriculum is None:
            return result
        standing, runners = self.standing, result.get("env_runners", {})
        result[STAGE], result[STAGE_NAME] = standing.stage + 1, curriculum.stages[standing.stage].name
        own = [value for stage, value in runners.pop(FIGURES, None) or [] if stage == standing.stage]
        standing.figures = [*standing.figures, *own][-curriculum.episodes :]
        env_steps = int(runners.get("num_env_steps_sampled_lifetime", 0))
        if curriculum.is_passed(standing.stage, standing.figures, env_steps - standing.since_env_steps):
            self.standing = Standing(standing.stage + 1, env_steps)
            self._enter_stage()
        return result

    def stage_reached(self) -> dict[str, int]:
        """For a checkpoint's manifest: the stage, counted from 1; nothing without a curriculum."""
        return {REACHED: self.standing.stage + 1} if self._curriculum is not None else {}

    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state(components, not_components=not_components, **kwargs)
        if self._curriculum is not None and self._check_component(_STATE, components, not_components):
            state[_STATE] = dataclasses.asdict(self.standing)
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        if self._curriculum is not None and _STATE in state:
            self.standing = Standing(**state[_STATE])
            self._enter_stage()

    def restore_env_runners(self, env_runner_group: Any) -> list[int]:
        restored: list[int] = super().restore_env_runners(env_runner_group)
        if restored and self._curriculum is not None:
            # A new runner begins with what the training began with.
            self._move_runners()
        return restored

    def _enter_stage(self) -> None:
        """What happens when a stage begins."""
        self._move_runners()

    def _move_runners(self) -> None:
        """Moves everybody who is elsewhere to the stage; what they were playing is dropped."""
        assert self._curriculum is not None
        number = self.standing.stage
        stage = self._curriculum.stages[number]

        def enter(runner: Any) -> None:
            if getattr(runner, "curriculum_stage", 0) == number:
                return
            runner.curriculum_stage = number
            kept = {key: runner.config.env_config[key] for key in _KEPT if key in runner.config.env_config}
            runner.config.env_config = {**stage.env_config, **kept}
            if runner.module is not None:
                runner.module.agents = stage.agents
            if runner.env is not None:
                runner.make_env()

        def resize(learner: Any) -> None:
            learner.module[DEFAULT_MODULE_ID].unwrapped().agents = stage.agents

        self.env_runner_group.foreach_env_runner(enter)
        self.learner_group.foreach_learner(resize)


class StageFigures(RLlibCallback):
    """Sends the figure that decides about promotion, of each episode, with the stage that it was played in."""

    def on_episode_end(self, *, episode: Any, env_runner: Any, metrics_logger: Any, **kwargs: Any) -> None:
        curriculum = getattr(env_runner.config, "curriculum", None)
        info = episode.get_infos(-1)
        if curriculum is None or "infra_error" in info:
            return
        if curriculum.figure == EPISODE_RETURN:
            value = float(episode.get_return())
        else:
            metrics = info.get("metrics", {})
            if curriculum.figure not in metrics:
                raise unknown("curriculum.figure", curriculum.figure, [*metrics, EPISODE_RETURN])
            value = float(metrics[curriculum.figure])
        if math.isfinite(value):
            stage = getattr(env_runner, "curriculum_stage", 0)
            metrics_logger.log_value(FIGURES, (stage, value), reduce="item_series")
