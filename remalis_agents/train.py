"""Runs an experiment through Ray Tune: on this machine or a cluster, fresh or resumed."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remalis_agents.building import build_config as build_config
from remalis_agents.configs.schema import Experiment
from remalis_agents.loggers import logger_callbacks
from remalis_agents.registration import register_with_ray
from remalis_agents.runs import TrainingError, find_run, latest_checkpoint, new_run, only_one, where_it_stands
from remalis_agents.worlds import keep_past


@dataclass(frozen=True)
class TrainResult:
    """Where a finished run left its things.

    Attributes:
        run_dir: the experiment's folder, with ``experiment.yaml`` and one folder a trial.
        trial_dir: Ray's own records: ``progress.csv``, ``result.json``, TensorBoard events.
        checkpoint: the last checkpoint, None where none was made.
        metrics: the last training result.
    """

    run_dir: Path
    trial_dir: Path
    checkpoint: Path | None
    metrics: dict[str, Any]


_started_here = False
"""Whether the Ray that runs was started by :func:`start_ray`, which may then start a larger one."""


def start_ray(address: str | None = None, cpus: float = 1, log_to_driver: bool = False) -> None:
    """Joins a cluster, or starts Ray here with room for at least ``cpus``; keeps a running one that has the room.

    Raises:
        TrainingError: no cluster answers, or the Ray that the caller started is too small: a training would wait in it
            for ever.
    """
    import ray

    global _started_here
    if ray.is_initialized():
        has = ray.cluster_resources().get("CPU", 0.0)
        if address is None and has < cpus:
            if not _started_here:
                raise TrainingError(
                    f"This training needs {cpus:g} CPUs, but the Ray that runs here has {has:g}: start it with "
                    f"ray.init(num_cpus={cpus:g}), or use fewer env runners."
                )
            ray.shutdown()
    if not ray.is_initialized():
        options: dict[str, Any] = {"log_to_driver": log_to_driver, "logging_level": "ERROR"}
        if address:
            check_answers(address)
            options["address"] = address
        else:
            # Runners wait for each other in turns, so more of them than cores is a choice and not a mistake.
            options |= {"num_cpus": max(os.cpu_count() or 1, int(cpus + 0.999)), "include_dashboard": False}
            # A Ray that somebody else started on this machine is not ours to join unasked.
            options["address"] = "local"
        try:
            ray.init(**options)
        except ConnectionError as error:
            raise TrainingError(f"No Ray cluster answers at {address!r}: {error}") from None
        _started_here = address is None
    register_with_ray()


def check_answers(address: str) -> None:
    """Asks whether anybody listens: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():  # "auto" and the like, which Ray looks up itself
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise TrainingError(f"No Ray cluster answers at {address!r}: {error.strerror or error}.") from None


def train(
    name: str,
    experiment: Experiment,
    *,
    storage: str | Path = "runs",
    resume: bool | str | Path = False,
    ray_address: str | None = None,
    callbacks: Sequence[Any] | None = None,
) -> TrainResult:
    """Trains to the experiment's stop criterion.

    Args:
        name: the experiment's name; the run's folder is ``<storage>/<name>_<date>-<time>``.
        experiment: what to run.
        storage: folder of all runs.
        resume: True for the latest run of this name in ``storage``, or a run's folder.
        ray_address: a cluster to join; Ray is started on this machine by default.
        callbacks: Tune callbacks; the progress display by default.

    Raises:
        ConfigError: the experiment does not fit the environment, the network or RLlib.
        TrainingError: the run failed.
    """
    from remalis_agents.rllib.quiet import hush_ray

    hush_ray()
    run_dir = find_run(name, experiment, Path(storage), None if resume is True else resume) if resume else None
    config = build_config(experiment, ray_address)
    loggers = logger_callbacks(experiment.loggers)
    needed = 1 + config.num_env_runners * config.num_cpus_per_env_runner
    per_learner = config.num_cpus_per_learner
    needed += config.num_learners * (float(not config.num_gpus_per_learner) if per_learner == "auto" else per_learner)
    start_ray(ray_address, needed)
    register_with_ray(experiment.env)
    from remalis_agents.progress import AtTarget, TrainingProgress

    shown = list(callbacks) if callbacks is not None else [TrainingProgress(name, experiment.stop)]
    if run_dir is None:
        run_dir = new_run(name, experiment, Path(storage).resolve())
    else:
        checkpoint = latest_checkpoint(run_dir)
        reached = where_it_stands(checkpoint) if checkpoint else {}
        if checkpoint and AtTarget(experiment.stop)("", reached):  # an iteration more would be one too many
            logging.getLogger(__name__).warning("%s has reached its stop already: nothing is left to do.", run_dir.name)
            return TrainResult(run_dir, checkpoint.parent, checkpoint, reached)
        config.resume_from = str(checkpoint) if checkpoint else None
        if checkpoint and not getattr(config, "checkpoint_buffer", True):
            from remalis_agents.rllib.replay.algorithm import REFILLS

            # Here, too: what the trial's process logs is not shown.
            logging.getLogger(__name__).warning(REFILLS)
    config.failures_in = str(run_dir)
    with only_one(run_dir):
        keep_past(config, experiment, run_dir)
        tuner = _tuner(run_dir, experiment, config, [*shown, *loggers])
        try:
            result = tuner.fit()[0]
        finally:
            for callback in shown:
                if hasattr(callback, "close"):
                    callback.close()
    if result.error is not None:
        raise TrainingError(_cause(result.error))
    checkpoint = Path(result.checkpoint.path) if result.checkpoint else None
    return TrainResult(run_dir, Path(result.path), checkpoint, result.metrics or {})


def _tuner(run_dir: Path, experiment: Experiment, config: Any, callbacks: list[Any]) -> Any:
    from ray import tune

    from remalis_agents.curves import GrowingCSV
    from remalis_agents.progress import AtTarget
    from remalis_agents.rllib.algorithm import TRAINABLES

    trainable = TRAINABLES[experiment.run]
    saved = experiment.checkpoint
    run_config = tune.RunConfig(
        name=run_dir.name,
        storage_path=str(run_dir.parent),
        stop=AtTarget(experiment.stop),
        checkpoint_config=tune.CheckpointConfig(
            num_to_keep=saved.keep, checkpoint_frequency=saved.frequency, checkpoint_at_end=saved.at_end
        ),
        callbacks=[*callbacks, GrowingCSV()],
        verbose=0,
    )
    # Each part of a run is a trial of its own. Tune can restore trials too, but what it knows of them after a kill is
    # older than their checkpoints, and it then overwrites those.
    part = len(list(run_dir.glob("trial_*")))
    tune_config = tune.TuneConfig(
        trial_name_creator=lambda trial: f"{experiment.run}_{trial.trial_id}",
        trial_dirname_creator=lambda trial: f"trial_{part:02d}",
    )
    return tune.Tuner(trainable, param_space=config, run_config=run_config, tune_config=tune_config)


def _cause(error: BaseException) -> str:
    """What first went wrong, out of the stacks of the workers around it."""
    # Workers send their tracebacks as text. Where errors are chained, the first one printed is the first that happened.
    match = re.search(r"^(?:ray\.exceptions\.)?([\w.]+(?:Error|Exception|Interrupt)): (.+)$", str(error), re.MULTILINE)
    if match is None:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"Training stopped: {lines[-1] if lines else type(error).__name__}"
    kind, text = match.groups()
    return text if kind.startswith("remalis") else f"Training stopped by {kind}: {text}"
