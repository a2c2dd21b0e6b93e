"""The folder of a run: what it says of itself, and where a run that stopped goes on."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import platform
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from remalis_agents.configs.schema import Experiment
from remalis_envs.errors import RemalisError

EXPERIMENT_FILE = "experiment.yaml"
VERSIONS_FILE = "versions.json"
_PACKAGES = ("remalis", "ray", "torch", "gymnasium", "pettingzoo", "numpy", "eclipse-sumo")


class TrainingError(RemalisError, RuntimeError):
    """A training run failed; the message is the cause."""


def new_run(name: str, experiment: Experiment, storage: Path) -> Path:
    """Makes the run's folder, which says what it holds: the experiment, its seed, the versions it ran on."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    run_dir, again = storage / f"{name}_{stamp}", 1
    while run_dir.exists():
        run_dir, again = storage / f"{name}_{stamp}_{again}", again + 1
    try:
        run_dir.mkdir(parents=True)
        described = {name: dataclasses.asdict(experiment)}
        (run_dir / EXPERIMENT_FILE).write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
        (run_dir / VERSIONS_FILE).write_text(json.dumps(_versions(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"The run's folder {run_dir} cannot be written: {error.strerror or error}.") from None
    return run_dir


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


def find_run(name: str, experiment: Experiment, storage: Path, resume: str | Path | None) -> Path:
    """The run to resume, which must have been started with the same experiment but for its stop and checkpoints."""
    if resume is not None:
        run_dir = Path(resume).resolve()
        if not (run_dir / EXPERIMENT_FILE).exists():
            raise TrainingError(f"{str(resume)!r} is not the folder of a run: it holds no {EXPERIMENT_FILE}.")
    else:
        # Another experiment's name may begin with this one's.
        own = re.compile(re.escape(name) + r"_\d{8}-\d{6}(_\d+)?")
        found = storage.resolve().glob(f"*/{EXPERIMENT_FILE}")
        runs = sorted(path.parent for path in found if own.fullmatch(path.parent.name))
        if not runs:
            raise TrainingError(f"There is no run of {name!r} in {str(storage)!r}: start one without --resume.")
        run_dir = runs[-1]
    text = (run_dir / EXPERIMENT_FILE).read_text(encoding="utf-8")
    before, now = next(iter(yaml.safe_load(text).values())), dataclasses.asdict(experiment)
    unsaid = dataclasses.asdict(Experiment(""))
    for part in ("env", "run", "config", "curriculum", "population"):
        place = _first_difference(before.get(part, unsaid[part]), now[part], part)
        if place:
            raise TrainingError(
                f"The checkpoint of {run_dir.name} does not fit this experiment: {place}. Only stop and checkpoint "
                "may change when a run is resumed; start a new run for anything else."
            )
    return run_dir


def latest_checkpoint(run_dir: Path) -> Path | None:
    """The newest whole checkpoint of a run."""
    from remalis_agents.rllib.algorithm import is_whole

    found = [place for place in run_dir.glob("trial_*/checkpoint_*") if is_whole(place)]
    return max(found, key=lambda place: (place.parent.name, place.name), default=None)


def where_it_stands(checkpoint: Path) -> dict[str, Any]:
    """What a training result said of iteration, time and steps when a checkpoint was made."""
    from remalis_agents.rllib.checkpoints import MANIFEST

    manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
    return {
        "training_iteration": manifest["training_iteration"],
        "time_total_s": manifest["time_total_s"],
        "env_runners": {"num_env_steps_sampled_lifetime": manifest.get("env_steps", 0)},
    }


def _first_difference(before: Any, now: Any, place: str) -> str | None:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}, key=str):
            found = _first_difference(before.get(key), now.get(key), f"{place}.{key}")
            if found:
                return found
        return None
    return None if before == now else f"{place} was {before!r} and is now {now!r}"


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
        versions["git_commit"] = commit.stdout.strip() or None
    except OSError:
        versions["git_commit"] = None
    return versions
