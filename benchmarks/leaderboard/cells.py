"""A cell of the leaderboard: one method on one task from one seed; all that decides its result decides its name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leaderboard.tasks import LEARNED, Task, experiment_of
from leaderboard.variants import VARIANTS
from remalis_agents.configs.loader import load_experiment
from remalis_agents.configs.schema import Experiment, StopSection

EVALUATION_VERSION = 1
"""Raised when what is measured, or how, changes: results of an older one are then not taken for new ones."""
_TOLD_ONLY = ("description", "checkpoint")
"""Parts of an experiment that do not change what is learnt."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        task: name of the task that is played.
        method: a learned method or a controller.
        trained_on: name of the task that it was trained on; None for controllers.
        seed: of the training; None for controllers.
        budget: of the training, in team steps; None for controllers.
        config: file or shipped name of the experiment; "" for controllers.
        changes: to the experiment, as ``rllib train --set`` takes them.
        experiment: the whole experiment after the changes; None for controllers.
        env: the environment that is played.
        env_config: keyword arguments of it; for learned ones changes to what they were trained with.
        seeds: of the held-out episodes.
    """

    task: str
    method: str
    trained_on: str | None
    seed: int | None
    budget: int | None
    config: str
    changes: tuple[str, ...]
    experiment: dict[str, Any] | None
    env: str
    env_config: dict[str, Any]
    seeds: tuple[int, ...]

    @property
    def learned(self) -> bool:
        """Whether it has to be trained."""
        return self.experiment is not None

    @property
    def transferred(self) -> bool:
        """Whether it plays another task than it was trained on."""
        return self.learned and self.trained_on != self.task

    @property
    def place(self) -> str:
        """Where it stands in the leaderboard, whatever its configuration is today."""
        return "|".join(str(part) for part in (self.task, self.method, self.trained_on, self.budget, self.seed))

    @property
    def label(self) -> str:
        """For people."""
        seed = "" if self.seed is None else f" seed {self.seed}"
        return f"{self.method} {self.task}{seed}" + (f" (from {self.trained_on})" if self.transferred else "")

    @property
    def key(self) -> str:
        """Hash of all that decides the result."""
        return _hash(
            {
                "experiment": _essence(self.experiment),
                "method": self.method,
                "env": self.env,
                "env_config": self.env_config,
                "seeds": list(self.seeds),
                "evaluation": EVALUATION_VERSION,
            }
        )

    @property
    def training_key(self) -> str:
        """Hash of all that decides what is learnt; several cells may play one training's policy."""
        return _hash({"experiment": _essence(self.experiment)})

    @property
    def cpus(self) -> float:
        """CPUs that it keeps busy."""
        if self.experiment is None:
            return 1.0
        runners, learners = self.experiment["config"]["env_runners"], self.experiment["config"]["learners"]
        held = (runners["num_env_runners"] or 0) * (runners["num_cpus_per_env_runner"] or 1)
        return 1.0 + held + (learners["num_learners"] or 0) * (learners["num_cpus_per_learner"] or 1)

    @property
    def gpus(self) -> float:
        """GPUs that its learners ask for."""
        learners = self.experiment["config"]["learners"] if self.experiment else {}
        return max(learners.get("num_learners") or 0, 1) * (learners.get("num_gpus_per_learner") or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; :meth:`from_dict` takes it back."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """The cell that :meth:`to_dict` described."""
        return cls(**{**data, "changes": tuple(data["changes"]), "seeds": tuple(data["seeds"])})

    def commands(self) -> dict[str, str]:
        """Command lines that make the result again."""
        if not self.learned:
            line = ["python", "benchmarks/run_all.py", "--methods", self.method, "--envs", self.task]
            return {"evaluate": shlex.join([*line, "--episodes", str(len(self.seeds)), "--out", "runs/again"])}
        again = f"runs/again-{self.training_key}"
        train = ["rllib", "train", "file", _beside(self.config)]
        for change in self.changes:
            train += ["--set", change]
        train += ["--seed", str(self.seed), "--storage", again]
        play = ["--episodes", str(len(self.seeds)), "--seed", str(self.seeds[0])]
        for name, value in self.env_config.items():
            named = name in ("level", "scenario") and isinstance(value, str)
            play += [f"--{name}", value] if named else ["--set", f"{name}={_typed(value)}"]
        return {
            "train": shlex.join(train),
            "evaluate": f"rllib evaluate {again}/* {shlex.join(play)}",
        }


def controller_cell(task: Task, controller: str, episodes: int) -> Cell:
    """A controller on a task's held-out episodes."""
    return Cell(
        task.name, controller, None, None, None, "", (), None, task.env, task.env_config, _seeds(task, episodes)
    )


def learned_cell(
    task: Task, method: str, seed: int, budget: int, episodes: int, runners: int = 0, played: Task | None = None
) -> Cell:
    """A method trained on ``task`` and then played on it, or without change on ``played``.

    With ``runners=0`` a cell samples in the process that learns, from as many environments as its file has in all, so
    that several cells run beside each other: on two cores two such cells at once take two thirds of the time that the
    same two take one after the other with two runners each.

    Raises:
        MissingConfigError: the method has no experiment for this task.
        ConfigError: its experiment is wrong.
    """
    config, changes = experiment_of(task, method)
    experiment = load_experiment(config, changes)[1]
    changes = [*changes, *_stops(experiment.stop, budget), *_sampling(experiment, runners)]
    experiment = load_experiment(config, [*changes, f"debugging.seed={seed}"])[1]
    where = played or task
    # Of its own task only the split differs; elsewhere the other world's arguments replace those of training.
    options = where.env_config if played else {}
    return Cell(
        where.name,
        method,
        task.name,
        seed,
        budget,
        config,
        tuple(changes),
        dataclasses.asdict(experiment),
        experiment.env if not played else where.env,
        options,
        _seeds(where, episodes),
    )


def _stops(given: StopSection, budget: int) -> list[str]:
    others = [name for name, value in vars(given).items() if name != "env_steps" and value is not None]
    return [*(f"stop.{name}=null" for name in others), f"stop.env_steps={budget}"]


def _sampling(experiment: Experiment, runners: int) -> list[str]:
    given = experiment.config.env_runners
    envs = (given.num_envs_per_env_runner or 1) * max(given.num_env_runners or 0, 1)
    return [
        f"env_runners.num_env_runners={runners}",
        f"env_runners.num_envs_per_env_runner={max(envs // max(runners, 1), 1)}",
    ]


def _seeds(task: Task, episodes: int) -> tuple[int, ...]:
    return tuple(range(task.first_seed, task.first_seed + episodes))


def _essence(experiment: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What an experiment says for itself: an option that is new in the schema leaves the names of old results alone."""
    if experiment is None:
        return None
    said = {name: value for name, value in experiment.items() if name not in _TOLD_ONLY}
    return _beyond(said, dataclasses.asdict(Experiment(env="")))


def _beyond(value: Any, default: Any) -> Any:
    """A nested mapping without the values that are those of ``default``, or nothing."""
    if not isinstance(value, dict) or not isinstance(default, dict):
        return value
    # Only what the schema knows has a default: in a free mapping, such as a network's options, null says something.
    found = {}
    for k, v in value.items():
        own = _beyond(v, default[k]) if k in default else v
        # A section that lacks nothing but an option which is newer than it says nothing.
        if k not in default or (v != default[k] and (own != {} or v == {})):
            found[k] = own
    return found


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _beside(config: str) -> str:
    """A file's path from where the command is typed; shipped ones have a name only."""
    root = Path(__file__).resolve().parents[2]
    path = Path(config)
    if not path.is_absolute():
        return config
    return str(path.relative_to(root)) if path.is_relative_to(root) else os.fspath(path)


def _typed(value: Any) -> str:
    """A value as ``--set`` reads it back: Python's ``None`` and ``1e-05`` would come back as texts."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def is_learned(method: str) -> bool:
    """Whether a method is trained, rather than a controller."""
    return method in LEARNED or method in VARIANTS
