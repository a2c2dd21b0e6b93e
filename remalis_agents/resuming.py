"""Going on with a run: with the configuration that its own folder keeps, and with what may be changed in it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remalis_agents.configs.loader import check_body, read_body
from remalis_agents.configs.schema import ConfigError, Experiment
from remalis_agents.runs import EXPERIMENT_FILE, WRITTEN_FILE, TrainingError

MAY_CHANGE = (
    "description",
    "stop",
    "checkpoint",
    "loggers",
    "config.env_runners.num_env_runners",
    "config.env_runners.num_envs_per_env_runner",
    "config.env_runners.num_cpus_per_env_runner",
    "config.env_runners.gym_env_vectorize_mode",
    "config.env_runners.sample_timeout_s",
    "config.learners.num_cpus_per_learner",
    "config.learners.num_gpus_per_learner",
    "config.resources",
    "config.fault_tolerance",
    "config.debugging.log_level",
)
"""Places of an experiment, each with all that is under it, which may differ when a run is resumed."""


_ABSENT: Any = object()


@dataclass(frozen=True)
class Resumed:
    """A run that goes on.

    Attributes:
        name: the experiment's name.
        experiment: what the run was started with, and what may and does change now.
        run_dir: the run's folder.
        written: what the experiment's file says today, for the run's folder.
        changes: a sentence's part for each thing that changes.
    """

    name: str
    experiment: Experiment
    run_dir: Path
    written: dict[str, Any]
    changes: list[str]


def resume_from_file(
    path: str | Path, changes: Iterable[str], storage: str | Path, run: str | Path | None = None
) -> Resumed:
    """The run of an experiment's file that goes on.

    Its configuration is the one that its folder keeps, so what was given on the command line when it was started need
    not be given again. Only what the user says now is looked at: what stands in the file otherwise than it did when
    the run was started, and ``changes``.

    Args:
        path: the experiment's file, or the name of a shipped one.
        changes: ``"key=value"``, as :func:`.load_experiment` takes them.
        storage: folder of all runs.
        run: the run's folder; the latest run of the file's experiment in ``storage`` by default.

    Raises:
        ConfigError: the file or a change does not fit the schema.
        TrainingError: there is no such run, or something changes that may not.
    """
    name, written = read_body(path)
    run_dir = find_run(name, Path(storage), run)
    stored = dataclasses.asdict(stored_experiment(run_dir))
    known = run_dir / WRITTEN_FILE
    before = _read(known)[1] if known.exists() else stored
    body = followed(stored, before, written)
    experiment = check_body(name, body, changes)
    return Resumed(name, experiment, run_dir, written, check_same(run_dir, experiment))


def find_run(name: str, storage: Path, run: str | Path | None = None) -> Path:
    """The folder ``run``, or that of the latest run of ``name`` in ``storage``.

    Raises:
        TrainingError: there is none.
    """
    if run is not None:
        run_dir = Path(run).resolve() if str(run).strip("\0 ") and "\0" not in str(run) else None
        if run_dir is None or not os.path.exists(run_dir / EXPERIMENT_FILE):
            raise TrainingError(f"{str(run)!r} is not the folder of a run: it holds no {EXPERIMENT_FILE}.")
        return run_dir
    # Another experiment's name may begin with this one's.
    own = re.compile(re.escape(name) + r"_\d{8}-\d{6}(_\d+)?")
    found = storage.resolve().glob(f"*/{EXPERIMENT_FILE}")
    runs = sorted(path.parent for path in found if own.fullmatch(path.parent.name))
    if not runs:
        raise TrainingError(f"There is no run of {name!r} in {str(storage)!r}: start one without --resume.")
    return runs[-1]


def stored_experiment(run_dir: Path) -> Experiment:
    """What a run was started with, as its folder keeps it.

    Raises:
        TrainingError: the file is damaged, or does not fit this version.
    """
    file = run_dir / EXPERIMENT_FILE
    name, body = _read(file)
    try:
        return check_body(name, body)
    except ConfigError as error:
        raise TrainingError(f"{file} does not fit this version: {error}") from None


def check_same(run_dir: Path, experiment: Experiment) -> list[str]:
    """Compares an experiment with what a run was started with.

    Returns:
        What differs and may.

    Raises:
        TrainingError: something differs that may not; it names everything that does.
    """
    before, now = dataclasses.asdict(stored_experiment(run_dir)), dataclasses.asdict(experiment)
    found = _differences(before, now)
    wrong = [text for place, text in found if not any(f"{place}.".startswith(f"{one}.") for one in MAY_CHANGE)]
    if wrong:
        raise TrainingError(
            f"The checkpoint of {run_dir.name} does not fit this experiment: {'; '.join(wrong)}. When a run is resumed "
            "it may only stop, save, log and share out its work otherwise (stop, checkpoint, loggers, "
            "env_runners.num_env_runners and the like): leave the rest as it was, or start a new run."
        )
    return [text for _, text in found]


def followed(stored: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """``stored`` with whatever differs between ``before`` and ``now``, as it is in ``now``."""
    result = dict(stored)
    for key in {**before, **now}:
        old, new = before.get(key, _ABSENT), now.get(key, _ABSENT)
        if old == new:
            continue
        if all(one is _ABSENT or isinstance(one, Mapping) for one in (old, new)):
            inner = result.get(key)
            result[key] = followed(
                inner if isinstance(inner, Mapping) else {},
                {} if old is _ABSENT else old,
                {} if new is _ABSENT else new,
            )
        else:
            result[key] = new
        if new is _ABSENT and not (isinstance(result[key], Mapping) and result[key]):
            del result[key]  # its default holds again
    return result


def _differences(before: Any, now: Any, place: str = "") -> list[tuple[str, str]]:
    """Dotted place and text of each difference between two nested mappings."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted({*before, *now}, key=str)
        return [
            found
            for key in keys
            for found in _differences(before.get(key), now.get(key), f"{place}.{key}" if place else str(key))
        ]
    return [] if before == now else [(place, f"{place} was {before!r} and is now {now!r}")]


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        return read_body(file)
    except ConfigError as error:
        raise TrainingError(
            f"The run cannot go on, because what it keeps of its experiment is damaged: {error} Put the file back, or "
            "start a new run without --resume."
        ) from None
