"""The folder of a run: what it says of itself, and where a run that stopped goes on."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import logging
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from remalis_agents.configs.reading import check_name
from remalis_agents.configs.schema import Experiment
from remalis_envs.errors import RemalisError

EXPERIMENT_FILE = "experiment.yaml"
"""What a run is trained with, after all changes from the command line."""
WRITTEN_FILE = "as_written.yaml"
"""What the experiment's file said, before those changes; :mod:`.resuming` tells by it what has changed since."""
VERSIONS_FILE = "versions.json"
_log = logging.getLogger(__name__)
_PACKAGES = ("remalis", "ray", "torch", "gymnasium", "pettingzoo", "numpy", "eclipse-sumo")


class TrainingError(RemalisError, RuntimeError):
    """A training run failed; the message is the cause."""


def new_run(name: str, experiment: Experiment, storage: Path, written: Mapping[str, Any] | None = None) -> Path:
    """Makes the run's folder, which says what it holds: the experiment, its seed, the versions it ran on.

    Args:
        name: the experiment's name.
        experiment: what is run.
        storage: folder of all runs.
        written: what the experiment's file says, where there is one.

    Raises:
        ConfigError: no folder can have this name.
        TrainingError: the folder cannot be written.
    """
    check_name(name)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    run_dir, again = storage / f"{name}_{stamp}", 1
    while run_dir.exists():
        run_dir, again = storage / f"{name}_{stamp}_{again}", again + 1
    try:
        run_dir.mkdir(parents=True)
        (run_dir / VERSIONS_FILE).write_text(json.dumps(versions(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(run_dir, error) from None
    describe(run_dir, name, experiment, written)
    return run_dir


def describe(run_dir: Path, name: str, experiment: Experiment, written: Mapping[str, Any] | None = None) -> None:
    """Writes into a run's folder what it is trained with from now on; arguments as :func:`new_run` takes them.

    Raises:
        TrainingError: the folder cannot be written.
    """
    described: dict[str, Any] = {EXPERIMENT_FILE: dataclasses.asdict(experiment)}
    if written is not None:
        described[WRITTEN_FILE] = dict(written)
    try:
        for file, body in described.items():
            part = run_dir / f".{file}"
            part.write_text(yaml.safe_dump({name: body}, sort_keys=False), encoding="utf-8")
            part.replace(run_dir / file)  # a run that is killed meanwhile still knows what it was
    except OSError as error:
        raise _unwritable(run_dir, error) from None


def _unwritable(run_dir: Path, error: OSError) -> TrainingError:
    return TrainingError(f"The run's folder {run_dir} cannot be written: {error.strerror or error}.")


@contextmanager
def only_one(run_dir: Path) -> Iterator[None]:
    """Keeps a run's folder for this process; the system frees it, however the process ends.

    Raises:
        TrainingError: another process trains in it.
    """
    with (run_dir / ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"{run_dir.name} is being trained by another process: wait for it, or stop it."
            ) from None
        yield


def checkpoints(run_dir: Path) -> tuple[list[Path], list[Path]]:
    """Those of a run, or of one of its trials, each from the oldest to the newest: the whole ones and the damaged."""
    from remalis_agents.rllib.algorithm import is_whole

    found = [place for pattern in ("checkpoint_*", "trial_*/checkpoint_*") for place in run_dir.glob(pattern)]
    whole: list[Path] = []
    damaged: list[Path] = []
    for place in sorted(found, key=_age):
        (whole if is_whole(place) else damaged).append(place)
    return whole, damaged


def _age(checkpoint: Path) -> tuple[str, str]:
    return checkpoint.parent.name, checkpoint.name


def latest_checkpoint(run_dir: Path) -> Path | None:
    """The newest whole checkpoint of a run; None where it has made none. It warns where a newer one is damaged.

    Raises:
        TrainingError: the run has checkpoints, and all are damaged; but for its very first, which a kill may have
            come upon while it was written, so that the run begins anew.
    """
    whole, damaged = checkpoints(run_dir)
    if len(damaged) == 1 and not whole and not _went_on(damaged[0].parent):
        _log.warning(f"{run_dir.name} ended while it wrote its first checkpoint: it begins anew, from iteration 1.")
        return None
    if damaged and not whole:
        raise TrainingError(
            f"{run_dir} has no whole checkpoint to go on from: {_named(damaged)} damaged (files are missing or cut "
            "off). Put the files back, or start a new run without --resume."
        )
    latest = whole[-1] if whole else None
    newer = [place for place in damaged if latest is not None and _age(place) > _age(latest)]
    if latest is not None and newer:
        _log.warning(
            f"{_named(newer)} damaged (files are missing or cut off): the run goes on from the one before, {latest}."
        )
    return latest


def _went_on(trial: Path) -> bool:
    """Whether a trial has results from after its first iteration, when the first checkpoint is made."""
    try:
        return len((trial / "progress.csv").read_text(encoding="utf-8").splitlines()) > 2
    except (OSError, ValueError):
        return False


def _named(damaged: list[Path]) -> str:
    names = ", ".join(f"{place.parent.name}/{place.name}" for place in damaged)
    return f"{names} {'is' if len(damaged) == 1 else 'are'}"


def where_it_stands(checkpoint: Path) -> dict[str, Any]:
    """What a training result said of iteration, time and steps when a checkpoint was made."""
    from remalis_agents.rllib.checkpoints import MANIFEST

    manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
    return {
        "training_iteration": manifest["training_iteration"],
        "time_total_s": manifest["time_total_s"],
        "env_runners": {"num_env_steps_sampled_lifetime": manifest.get("env_steps", 0)},
    }


def versions() -> dict[str, str | None]:
    """Of Python, of the packages that a run stands on, and the commit where it is known; None for what is missing."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
        found["git_commit"] = commit.stdout.strip() or None
    except OSError:
        found["git_commit"] = None
    return found
