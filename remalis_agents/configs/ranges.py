"""What values an experiment's keys take: one table of ranges and choices, checked when a file has been read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remalis_envs.errors import unknown

if TYPE_CHECKING:
    from remalis_agents.configs.schema import Experiment


@dataclass(frozen=True)
class Range:
    """Numbers that a key takes.

    Attributes:
        least: the smallest.
        most: the largest.
        above: whether ``least`` itself is left out.
        infinite: whether ``.inf`` is a value too.
        schedule: whether points ``[[env_steps, value], ...]`` may stand for the number.
    """

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    infinite: bool = False
    schedule: bool = False

    def holds(self, value: Any) -> bool:
        """Whether this is a number of the range."""
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return False
        inside = self.least < value if self.above else self.least <= value
        return inside and value <= self.most and (self.infinite or abs(value) < math.inf)

    def __str__(self) -> str:
        if self.above:
            return f"above {self.least:g}" + (f" and at most {self.most:g}" if self.most < math.inf else "")
        if self.most < math.inf:
            return f"from {self.least:g} to {self.most:.10g}"
        return "a finite number" if self.least == -math.inf else f"{self.least:g} or more"


_FINITE = Range()
_COUNT, _NONE_OR_MORE, _POSITIVE = Range(1), Range(0), Range(0, above=True)
_SHARE = Range(0, 1)
MOST_SEED = 2**32 - 1
"""NumPy's generators, and so RLlib, take seeds of 32 bits."""

RANGES: dict[str, Range] = {
    "stop.training_iteration": _POSITIVE,
    "stop.env_steps": _POSITIVE,
    "stop.time_s": _POSITIVE,
    "checkpoint.frequency": _NONE_OR_MORE,
    "checkpoint.keep": _COUNT,
    "config.env_runners.num_env_runners": _NONE_OR_MORE,
    "config.env_runners.num_envs_per_env_runner": _COUNT,
    "config.env_runners.num_cpus_per_env_runner": _NONE_OR_MORE,
    "config.env_runners.rollout_fragment_length": _COUNT,
    "config.env_runners.sample_timeout_s": _POSITIVE,
    "config.learners.num_learners": _NONE_OR_MORE,
    "config.learners.num_cpus_per_learner": _NONE_OR_MORE,
    "config.learners.num_gpus_per_learner": _NONE_OR_MORE,
    "config.rl_module.max_seq_len": _COUNT,
    "config.resources.num_cpus_for_main_process": _NONE_OR_MORE,
    "config.fault_tolerance.max_num_env_runner_restarts": _NONE_OR_MORE,
    "config.debugging.seed": Range(0, MOST_SEED),
    "config.training.lr": Range(0, schedule=True),
    "config.training.gamma": _SHARE,
    "config.training.lambda_": _SHARE,
    "config.training.clip_param": _POSITIVE,
    "config.training.entropy_coeff": Range(0, schedule=True),
    "config.training.vf_loss_coeff": _NONE_OR_MORE,
    "config.training.vf_clip_param": Range(0, above=True, infinite=True),
    "config.training.kl_stop": _POSITIVE,
    "config.training.grad_clip": Range(0, above=True, infinite=True),
    "config.training.warmup_env_steps": _NONE_OR_MORE,
    "config.training.critic_warmup_env_steps": _NONE_OR_MORE,
    "config.training.num_epochs": _COUNT,
    "config.training.minibatch_size": _COUNT,
    "config.training.train_batch_size_per_learner": _COUNT,
    "config.training.epsilon": Range(0, 1, schedule=True),
    "config.training.n_step": _COUNT,
    "config.training.buffer_size": _COUNT,
    "config.training.learning_starts": _NONE_OR_MORE,
    "config.training.updates_per_step": _POSITIVE,
    "config.training.target_update_every": _COUNT,
    "config.training.tau": Range(0, 1, above=True),
    "config.training.steps_per_iteration": _COUNT,
}
"""Dotted place in an experiment -> its range; every other number need only be finite."""

CHOICES: dict[str, tuple[str, ...]] = {
    "config.debugging.log_level": ("DEBUG", "INFO", "WARN", "WARNING", "ERROR"),
    "config.env_runners.batch_mode": ("truncate_episodes", "complete_episodes"),
    "config.env_runners.rollout_fragment_length": ("auto",),
    "config.training.grad_clip_by": ("value", "norm", "global_norm"),
}
"""Dotted place in an experiment -> the texts that it may be."""


def check_ranges(experiment: Experiment) -> None:
    """Checks every number and choice of an experiment.

    Raises:
        ConfigError: values are out of range; it names them all.
        UnknownNameError: a text is none of the choices.
    """
    from remalis_agents.configs.schema import ConfigError

    wrong = []
    for place, value in _leaves(experiment):
        shown = place.removeprefix("config.")
        if isinstance(value, str) and place in CHOICES:
            if value not in CHOICES[place]:
                raise unknown(shown, value, CHOICES[place])
        elif isinstance(value, int | float) or (place in RANGES and value is not None):
            fault = _fault(RANGES.get(place, _FINITE), value)
            wrong += [f"{shown} {fault}"] if fault else []
    if wrong:
        raise ConfigError("; ".join(wrong) + ".")


def _leaves(section: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(section):
        value, inner = getattr(section, field.name), f"{place}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{inner}.")
        elif not isinstance(value, bool):
            yield inner, value


def _fault(allowed: Range, value: Any) -> str:
    """What is wrong with a number or a schedule; empty where nothing is."""
    if not allowed.schedule or not isinstance(value, list):
        return "" if allowed.holds(value) else f"must be {allowed}, but it is {value!r}"
    if len(value) < 2 or not all(isinstance(point, list) and len(point) == 2 for point in value):
        return f"must be a number or two or more points [[env_steps, value], ...], but it is {value!r}"
    steps = [step for step, _ in value]
    if not all(map(_NONE_OR_MORE.holds, steps)) or steps[0] != 0 or sorted(set(steps)) != steps:
        return f"must have points [[env_steps, value], ...] whose env_steps begin with 0 and grow, but it is {value!r}"
    if not all(allowed.holds(number) for _, number in value):
        return f"must have points [[env_steps, value], ...] whose values are {allowed}, but it is {value!r}"
    return ""
