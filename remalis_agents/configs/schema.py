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
    """How it learns: RLlib's own settings, and those of :class:`remalis_agents.rllib.options.LearnerOptions`."""

    lr: Schedule | None = None
    gamma: float | None = None
    lambda_: float | None = None
    clip_param: float | None = None
    entropy_coeff: Schedule | None = None
    vf_loss_coeff: float | None = None
    vf_clip_param: float | None = None
    normalise_values: bool | None = None
    """Whether values are learnt in units of the returns' running scale (PopArt); true by default."""
    advantage_normalisation: str | None = None
    """Over whom advantages get mean 0 and deviation 1: global (default), per_role, per_agent or none."""
    warmup_env_steps: int | None = None
    """Team steps over which the learning rate ramps up from 0 to ``lr``."""
    kl_stop: float | None = None
    """Mean KL divergence of a minibatch after which the rest of an update is left out."""
    reward_scope: str | None = None
    """Whose mean reward an agent is paid: individual (its own, default), neighbourhood or team."""
    mixed_precision: bool | None = None
    """Whether training passes run in bfloat16, on a GPU; losses and weights stay in float32."""
    grad_clip: float | None = None
    grad_clip_by: str | None = None
    num_epochs: int | None = None
    minibatch_size: int | None = None
    train_batch_size_per_learner: int | None = None
    epsilon: Schedule | None = None
    """Share of actions that are drawn at random while a value-based method explores."""
    double: bool | None = None
    """Whether the network that learns, and not the target network, chooses the action that a target values."""
    n_step: int | None = None
    """Steps of reward in a target before the target network's value takes over."""
    buffer_size: int | None = None
    """Team steps that are remembered."""
    learning_starts: int | None = None
    """Team steps in the buffer before the first update."""
    updates_per_step: float | None = None
    """Updates for each team step sampled, each with ``minibatch_size`` team steps from the buffer."""
    target_update_every: int | None = None
    """Updates between two copies of the weights to the target network."""
    tau: float | None = None
    """Share by which the target network follows at each update; 1 (default) for copies now and then instead."""
    steps_per_iteration: int | None = None
    """Team steps between two results, where a turn of sampling and learning is too short for one."""
    checkpoint_buffer: bool | None = None
    """Whether checkpoints hold the buffer; else a run that is resumed fills it again before it learns on."""


ONLY_FOR: dict[str, tuple[str, ...]] = {
    "ppo": (
        "lambda_",
        "clip_param",
        "entropy_coeff",
        "vf_loss_coeff",
        "vf_clip_param",
        "normalise_values",
        "advantage_normalisation",
        "kl_stop",
        "num_epochs",
    ),
    "replay": (
        "epsilon",
        "double",
        "n_step",
        "buffer_size",
        "learning_starts",
        "updates_per_step",
        "target_update_every",
        "tau",
        "steps_per_iteration",
        "checkpoint_buffer",
    ),
}
"""Training settings that one learner has and the other has not."""


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
    stop: StopSection = field(default_factory=StopSection)
    checkpoint: CheckpointSection = field(default_factory=CheckpointSection)
    loggers: LoggersSection = field(default_factory=LoggersSection)
    config: AlgorithmSections = field(default_factory=AlgorithmSections)
    curriculum: CurriculumSection = field(default_factory=CurriculumSection)
    population: PopulationSection = field(default_factory=PopulationSection)


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
