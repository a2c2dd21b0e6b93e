"""What a YAML experiment may say: dataclasses, and a check that explains itself.

The sections under ``config`` are those of RLlib's ``AlgorithmConfig``, and their keys are the arguments of the method
of the same name, so RLlib's documentation says what they do. RLlib itself takes any key in silence.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from remalis_agents.configs.training import Schedule, TrainingSection
from remalis_agents.imitation.options import ImitationSection
from remalis_envs.errors import RemalisError


class ConfigError(RemalisError, ValueError):
    """An experiment file, or a value given on the command line, is not as it must be."""


@dataclass
class EnvironmentSection:
    """The environment's keyword arguments."""

    env_config: dict[str, Any] = field(default_factory=dict)


@dataclass
class EnvRunnersSection:
    """Who plays."""

    num_env_runners: int | None = None
    num_envs_per_env_runner: int | None = None
    num_cpus_per_env_runner: float | None = None
    rollout_fragment_length: int | str | None = None
    gym_env_vectorize_mode: str | None = None
    batch_mode: str | None = None
    explore: bool | None = None
    sample_timeout_s: float | None = None


@dataclass
class LearnersSection:
    """Who learns."""

    num_learners: int | None = None
    num_cpus_per_learner: float | None = None
    num_gpus_per_learner: float | None = None


@dataclass
class RLModuleSection:
    """The network: its registered name, its keyword arguments, and the layout of the vector it reads.

    The environment's own layout is used where none is given. ``sharing`` of parameters is full, by_type or none.
    ``max_seq_len`` is the length of training sequences, in steps, of networks that remember. ``start_from`` names a
    checkpoint (or a run's folder) of the same network, whose weights the training begins with; everything else starts
    afresh.
    """

    network: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    layout: dict[str, int] | None = None
    sharing: str = "full"
    max_seq_len: int = 20
    start_from: str | None = None


@dataclass
class ResourcesSection:
    """What the main process takes of the machine."""

    num_cpus_for_main_process: int | None = None


@dataclass
class FaultToleranceSection:
    """What happens when a runner dies."""

    restart_failed_env_runners: bool | None = None
    ignore_env_runner_failures: bool | None = None
    max_num_env_runner_restarts: int | None = None


@dataclass
class DebuggingSection:
    """The seed of everything that is drawn."""

    seed: int = 0
    log_level: str = "ERROR"


@dataclass
class AlgorithmSections:
    """The sections of RLlib's ``AlgorithmConfig``."""

    environment: EnvironmentSection = field(default_factory=EnvironmentSection)
    env_runners: EnvRunnersSection = field(default_factory=EnvRunnersSection)
    learners: LearnersSection = field(default_factory=LearnersSection)
    training: TrainingSection = field(default_factory=TrainingSection)
    rl_module: RLModuleSection = field(default_factory=RLModuleSection)
    resources: ResourcesSection = field(default_factory=ResourcesSection)
    fault_tolerance: FaultToleranceSection = field(default_factory=FaultToleranceSection)
    debugging: DebuggingSection = field(default_factory=DebuggingSection)


@dataclass
class StopSection:
    """When to stop: at the first that is reached."""

    training_iteration: int | None = None
    env_steps: int | None = None
    """Team steps sampled."""
    time_s: float | None = None
    """Seconds of training, without the start."""
    episode_return_mean: float | None = None


@dataclass
class CheckpointSection:
    """When weights are saved."""

    frequency: int = 10
    """Iterations between two checkpoints, besides one after the first iteration and one whenever a minute has passed
    without; 0 for none but the last."""
    at_end: bool = True
    keep: int | None = 2
    """How many of the latest to keep; null for all."""


@dataclass
class CurriculumSection:
    """Stages of growing difficulty, from one to the next by score; without stages there is no curriculum."""

    stages: list[Any] = field(default_factory=list)
    """Names of levels, or mappings of the environment's options, in order."""
    figure: str = "episode_return_mean"
    """What is looked at: one of the environment's figures of an episode, such as mean_delay_s, or its return."""
    promote_above: Schedule | None = None
    """The team goes on when the figure's mean is at least this: a number, or one for each stage but the last."""
    promote_below: Schedule | None = None
    """The same for figures of which less is better; give one of the two."""
    episodes: int = 20
    """Episodes of the stage over which the mean is taken."""
    min_env_steps: int = 0
    """Team steps that a stage lasts at least."""


@dataclass
class PopulationSection:
    """Co-players: others who play some of the agents while a team trains; see :mod:`remalis_agents.co_players`."""

    share: float = 0.0
    """Mean share of the agents that others play."""
    members: list[Any] = field(default_factory=list)
    """Who they are: random, controller:<name>, checkpoint:<path>, past:<how many of this run's latest policies>."""
    past_every: int = 10
    """Iterations between two policies that are put aside."""


@dataclass
class LoggersSection:
    """Where figures go besides TensorBoard and CSV, which are always written.

    Each is a mapping of the arguments of Ray's callback of that name, such as ``{project: lights}``; its package must
    be installed.
    """

    wandb: dict[str, Any] | None = None
    mlflow: dict[str, Any] | None = None


@dataclass
class Experiment:
    """One entry of an experiment file."""

    env: str
    run: str = "IPPO"
    description: str = ""
    stage: str = "reinforce"
    """reinforce for learning from reward, imitate for learning from demonstrations."""
    stop: StopSection = field(default_factory=StopSection)
    checkpoint: CheckpointSection = field(default_factory=CheckpointSection)
    loggers: LoggersSection = field(default_factory=LoggersSection)
    config: AlgorithmSections = field(default_factory=AlgorithmSections)
    curriculum: CurriculumSection = field(default_factory=CurriculumSection)
    population: PopulationSection = field(default_factory=PopulationSection)
    imitation: ImitationSection = field(default_factory=ImitationSection)


T = TypeVar("T")


def build(cls: type[T], data: Any, where: str) -> T:
    """Builds a dataclass from a mapping and explains what does not fit.

    Args:
        cls: a dataclass of this module.
        data: what the YAML says; None for an empty section.
        where: the dotted place in the file, for messages.

    Raises:
        ConfigError: an unknown key (with the nearest valid one), a wrong type, or a missing key.
    """
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values, but it is {data!r}.")
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    named = (*fields, "base") if cls is Experiment else tuple(fields)
    for key in data:
        if key not in fields:
            raise ConfigError(
                f"Unknown key {key!r} in {where}.{_nearest(cls, str(key))} Valid keys are: {', '.join(named)}."
            )
    values = {}
    for name, spec in fields.items():
        if name in data:
            values[name] = _check(hints[name], data[name], f"{where}.{name}")
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            example = f"{name}: {_EXAMPLES[name]}"
            raise ConfigError(f"{where} has no {name!r}, which every experiment needs, such as {example}.")
    return cls(**values)


_EXAMPLES = {"env": "remalis/TrafficTeam-v0"}


_ELSEWHERE = {
    "learning_rate": "lr",
    "discount": "gamma",
    "batch_size": "train_batch_size_per_learner",
    "train_batch_size": "train_batch_size_per_learner",
    "sgd_minibatch_size": "minibatch_size",
    "num_sgd_iter": "num_epochs",
    "gae_lambda": "lambda_",
    "clip_range": "clip_param",
    "ent_coef": "entropy_coeff",
    "num_workers": "num_env_runners",
    "num_rollout_workers": "num_env_runners",
}
"""What older RLlib and other libraries call things."""


def _nearest(cls: type, key: str) -> str:
    """A hint at the key that was meant; beside an experiment's own keys it may be a section under ``config``."""
    own = [f.name for f in dataclasses.fields(cls)]
    sections = [f.name for f in dataclasses.fields(AlgorithmSections)] if cls is Experiment else []
    elsewhere = _ELSEWHERE.get(key.lower())
    near = [elsewhere] if elsewhere in own else difflib.get_close_matches(key, [*own, *sections], n=1, cutoff=0.4)
    if not near:
        return ""
    return f" Did you mean {near[0]!r}?" + (" It stands under 'config'." if near[0] in sections else "")


def _check(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, where)
    choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for choice in choices:
        accepted, converted = _fits(choice, value)
        if accepted:
            return _points(converted) if float in choices else converted
    names = " or ".join(_TYPE_NAMES[typing.get_origin(c) or c] for c in choices)
    raise ConfigError(f"{where} must be {names}, but it is {value!r}.")


_TYPE_NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    list: "a list",
    dict: "a mapping",
    types.NoneType: "null",
}


def _points(value: Any) -> Any:
    """A schedule with what YAML reads as text, such as 5e-4, as numbers."""
    if isinstance(value, list):
        return [_points(inner) for inner in value]
    accepted, converted = _fits(float, value) if isinstance(value, str) else (False, None)
    return converted if accepted else value


def _fits(hint: Any, value: Any) -> tuple[bool, Any]:
    """Whether a value is of a type, and the value as that type; YAML reads 5e-4 as text."""
    kind = typing.get_origin(hint) or hint
    if kind is float and not isinstance(value, bool):
        try:
            return (True, float(value)) if isinstance(value, int | float | str) else (False, None)
        except (ValueError, OverflowError):
            return False, None
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    if kind is dict:
        return isinstance(value, Mapping), dict(value) if isinstance(value, Mapping) else None
    return isinstance(value, kind), value
