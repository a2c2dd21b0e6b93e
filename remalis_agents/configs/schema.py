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

from remalis_envs.errors import RemalisError

Schedule = float | list[Any]
"""A number, or points ``[[env_steps, value], ...]`` between which it is interpolated."""


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
class TrainingSection:
    """How it learns."""

    lr: Schedule | None = None
    gamma: float | None = None
    lambda_: float | None = None
    clip_param: float | None = None
    entropy_coeff: Schedule | None = None
    vf_loss_coeff: float | None = None
    vf_clip_param: float | None = None
    normalise_values: bool | None = None
    grad_clip: float | None = None
    grad_clip_by: str | None = None
    num_epochs: int | None = None
    minibatch_size: int | None = None
    train_batch_size_per_learner: int | None = None


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
    """Iterations between two checkpoints; 0 for none but the last."""
    at_end: bool = True
    keep: int | None = 2
    """How many of the latest to keep; null for all."""


@dataclass
class Experiment:
    """One entry of an experiment file."""

    env: str
    run: str = "IPPO"
    description: str = ""
    stop: StopSection = field(default_factory=StopSection)
    checkpoint: CheckpointSection = field(default_factory=CheckpointSection)
    config: AlgorithmSections = field(default_factory=AlgorithmSections)


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
    for key in data:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"Unknown key {key!r} in {where}.{hint} Valid keys are: {', '.join(fields)}.")
    values = {}
    for name, spec in fields.items():
        if name in data:
            values[name] = _check(hints[name], data[name], f"{where}.{name}")
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            example = f"{name}: {_EXAMPLES[name]}"
            raise ConfigError(f"{where} has no {name!r}, which every experiment needs, such as {example}.")
    return cls(**values)


_EXAMPLES = {"env": "remalis/TrafficTeam-v0"}


def _check(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, where)
    choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for choice in choices:
        accepted, converted = _fits(choice, value)
        if accepted:
            return converted
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


def _fits(hint: Any, value: Any) -> tuple[bool, Any]:
    """Whether a value is of a type, and the value as that type; YAML reads 5e-4 as text."""
    kind = typing.get_origin(hint) or hint
    if kind is float and not isinstance(value, bool):
        try:
            return (True, float(value)) if isinstance(value, int | float | str) else (False, None)
        except ValueError:
            return False, None
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    if kind is dict:
        return isinstance(value, Mapping), dict(value) if isinstance(value, Mapping) else None
    return isinstance(value, kind), value
