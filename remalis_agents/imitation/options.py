"""What an experiment with `stage: imitate` may say in its section `imitation`, and what such an experiment may not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remalis_agents.configs.schema import Experiment

STAGES = ("reinforce", "imitate")
"""What ``stage`` of an experiment may be: learning from reward, or from demonstrations."""

SCHEDULES = ("constant", "cosine", "cosine_overall")
"""Of the learning rate."""


@dataclass
class ImitationSection:
    """The supervised stage; see :mod:`remalis_agents.imitation`."""

    demonstrations: str | dict[str, Any] | None = None
    """A file that `rllib demonstrate` wrote, or who is recorded first: a mapping as :class:`RecordingSection`."""
    epochs: int = 15
    """Passes over the training part, at most, after each recording; 15 as in table 6 of the paper."""
    batch_size: int = 32
    """Sequences of rl_module.max_seq_len steps in a minibatch, or as many steps for networks without a memory."""
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup_epochs: float = 1.0
    """Over which the learning rate ramps up from 0."""
    schedule: str = "constant"
    """Of the learning rate after that: ``constant``; ``cosine``, down to 0 at the last of ``epochs``, which begins anew
    after each recording; or ``cosine_overall``, down to 0 at the last epoch after the last recording."""
    grad_clip: float = 0.5
    """Largest norm of a gradient."""
    patience: int = 3
    """Epochs without a lower loss on the validation part after which it stops; the best weights are kept."""


@dataclass
class RecordingSection:
    """Demonstrations that are recorded when a run starts, in the experiment's own environment."""

    controller: str | None = None
    checkpoint: str | None = None
    """A team that demonstrates, instead of a controller: a checkpoint, a run's folder or an exported one."""
    level: str | None = None
    scenario: str | None = None
    """The world to record in; by default the one that the experiment names."""
    episodes: int = 10
    rounds: int = 1
    """Recordings of so many episodes. From the second on the team that learns plays, and the demonstrator says what it
    would have done: :mod:`remalis_agents.imitation.correcting`. After each, all that is kept is learnt from."""
    keep: int = 0
    """Recordings that are kept, the newest, as data and as files; 0 for all. Where tasks are drawn at will, many
    recordings that are learnt from once or twice, and forgotten, fit into memory."""
    least_help: float = 0.0
    """Share of the steps that the demonstrator takes itself at least where the learning team plays; it is a half in the
    second recording, a quarter in the third and so on. A team that can do little is lost if left alone."""
    processes: int = 1
    """Episodes that are recorded side by side, each in a process of its own; the recording is the same."""
    seed: int = 0
    """Of the first episode."""
    env_config: dict[str, Any] = field(default_factory=dict)
    """Other changes to the environment's options."""


def check_stage(experiment: Experiment) -> None:
    """Checks the stage of an experiment, and what goes with it.

    Raises:
        ConfigError: it says what the stage does not have.
        UnknownNameError: there is no such stage.
    """
    from remalis_agents.configs.schema import ConfigError
    from remalis_agents.methods import LEARNERS, METHODS
    from remalis_envs.errors import unknown

    if experiment.stage not in STAGES:
        raise unknown("stage", experiment.stage, STAGES)
    own = experiment.imitation
    if experiment.stage != "imitate":
        if own != ImitationSection():
            raise ConfigError("A section imitation is for experiments with stage: imitate: add that, or leave it out.")
        return
    if METHODS[experiment.run].learner != "ppo":
        raise ConfigError(
            f"stage: imitate trains policies, but {experiment.run} is trained by {LEARNERS['replay']}, whose outputs "
            f"are values of actions: choose a method of {LEARNERS['ppo']}, such as IPPO or ReMALIS."
        )
    if own.demonstrations is None:
        raise ConfigError(
            "stage: imitate needs imitation.demonstrations: a file that `rllib demonstrate` wrote, or who is recorded "
            "first, such as {controller: max_pressure, episodes: 10}."
        )
    for name, given in (("curriculum", experiment.curriculum.stages), ("population", experiment.population.members)):
        if given:
            raise ConfigError(f"stage: imitate plays nothing, so that a {name} means nothing to it: leave it out.")
    _check_numbers(own)


def recording(section: ImitationSection) -> RecordingSection | None:
    """Who is to be recorded; None where a file is named.

    Raises:
        ConfigError: it does not say who, or says it twice.
    """
    from remalis_agents.configs.schema import ConfigError, build

    if not isinstance(section.demonstrations, dict):
        return None
    where = "imitation.demonstrations"
    made = build(RecordingSection, section.demonstrations, where)
    if (made.controller is None) == (made.checkpoint is None):
        raise ConfigError(f"{where} names either a controller or a checkpoint to record, and one of the two.")
    for name, least in (("episodes", 1), ("rounds", 1), ("keep", 0), ("processes", 1), ("seed", 0)):
        if getattr(made, name) < least:
            raise ConfigError(f"{where}.{name} must be {least} or more, but it is {getattr(made, name)}.")
    if not 0 <= made.least_help <= 1:
        raise ConfigError(f"{where}.least_help must be a share from 0 to 1, but it is {made.least_help}.")
    return made


def _check_numbers(own: ImitationSection) -> None:
    from remalis_agents.configs.schema import ConfigError
    from remalis_envs.errors import unknown

    wrong = [
        f"imitation.{name} must be 1 or more, but it is {getattr(own, name)}"
        for name in ("epochs", "batch_size", "patience")
        if getattr(own, name) < 1
    ]
    if own.schedule not in SCHEDULES:
        raise unknown("schedule of imitation", own.schedule, SCHEDULES)
    wrong += [
        f"imitation.{name} must be a number of 0 or more, but it is {getattr(own, name)}"
        for name in ("lr", "weight_decay", "warmup_epochs", "grad_clip")
        if not 0 <= getattr(own, name) < math.inf
    ]
    if wrong:
        raise ConfigError("; ".join(wrong) + ".")
    recording(own)
