"""Runs an experiment through Ray Tune: on this machine or a cluster, fresh or resumed."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from remalis_agents.building import build_config as build_config
from remalis_agents.cluster import described, end_as_interrupted
from remalis_agents.cluster import start_ray as start_ray
from remalis_agents.configs.schema import Experiment
from remalis_agents.loggers import logger_callbacks
from remalis_agents.registration import register_with_ray
from remalis_agents.resuming import check_same, find_run
from remalis_agents.runs import TrainingError, describe, latest_checkpoint, new_run, only_one, where_it_stands
from remalis_agents.worlds import keep_past

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainResult:
    """Where a finished run left its things.

    Attributes:
        run_dir: the experiment's folder, with ``experiment.yaml`` and one folder a trial.
        trial_dir: Ray's own records: ``progress.csv``, ``result.json``, TensorBoard events.
        checkpoint: the last checkpoint, None where none was made.
        metrics: the last training result.
        interrupted: whether it was ended (Ctrl-C, SIGTERM) before its stop criterion was reached.
    """

    run_dir: Path
    trial_dir: Path
    checkpoint: Path | None
    metrics: dict[str, Any]
    interrupted: bool = False

    def finished(self) -> TrainResult:
        """Itself, for who goes on with the final policy: one that was ended early is none.

        Raises:
            KeyboardInterrupt: it was interrupted.
        """
        if self.interrupted:
            raise KeyboardInterrupt
        return self


def train(
    name: str,
    experiment: Experiment,
    *,
    storage: str | Path = "runs",
    resume: bool | str | Path = False,
    ray_address: str | None = None,
    callbacks: Sequence[Any] | None = None,
    written: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Trains to the experiment's stop criterion.

    Args:
        name: the experiment's name; the run's folder is ``<storage>/<name>_<date>-<time>``.
        experiment: what to run.
        storage: folder of all runs.
        resume: True for the latest run of this name in ``storage``, or a run's folder. The experiment must be the one
            that the run was started with, but for what :data:`.resuming.MAY_CHANGE` names.
        ray_address: a cluster to join; Ray is started on this machine by default.
        callbacks: Tune callbacks; the progress display by default.
        written: what the experiment's file says without changes from the command line, for the run's folder, see
            :func:`.resume_from_file`.

    Raises:
        ConfigError: the experiment does not fit the environment, the network or RLlib.
        TrainingError: the run failed.
    """
    if experiment.stage == "imitate":
        from remalis_agents.imitation.stage import imitate

        given: dict[str, Any] = {"callbacks": callbacks, "written": written}
        return imitate(name, experiment, storage=storage, resume=resume, ray_address=ray_address, **given)
    from remalis_agents.rllib.quiet import hush_ray

    hush_ray()
    run_dir = checkpoint = None
    if resume is not False:
        run_dir = find_run(name, Path(storage), None if resume is True else resume)
        check_same(run_dir, experiment)
        checkpoint = latest_checkpoint(run_dir)
    config = build_config(experiment, ray_address)
    loggers = logger_callbacks(experiment.loggers)
    start_ray(ray_address, cpus_of(config))
    end_as_interrupted()
    register_with_ray(experiment.env)
    from remalis_agents.ending import SoftInterrupt
    from remalis_agents.progress import AtTarget, TrainingProgress
    from remalis_agents.waiting import RoomWatch

    shown = list(callbacks) if callbacks is not None else [TrainingProgress(name, experiment.stop)]
    say = next((callback.say for callback in shown if hasattr(callback, "say")), None)
    if ray_address:
        (say or _log.info)(f"{name}: joined {described()}")
    if run_dir is None:
        run_dir = new_run(name, experiment, Path(storage).resolve(), written)
    else:
        reached = where_it_stands(checkpoint) if checkpoint else {}
        if checkpoint and AtTarget(experiment.stop).is_reached(reached):  # an iteration more would be one too many
            _log.warning(_nothing_left(run_dir, experiment))
            return TrainResult(run_dir, checkpoint.parent, checkpoint, reached)
        _go_on_from(checkpoint, config)
    config.failures_in = str(run_dir)
    with only_one(run_dir):
        if resume is not False:
            describe(run_dir, name, experiment, written)
        keep_past(config, experiment, run_dir)
        tell = say or _log.warning
        watches = [RoomWatch(name, config, tell), SoftInterrupt(tell)]
        tuner = _tuner(run_dir, experiment, config, [*shown, *loggers, *watches])
        try:
            results = tuner.fit()
            if not len(results):  # before there was a trial
                raise KeyboardInterrupt
            result = results[0]
        finally:
            for callback in shown:
                if hasattr(callback, "close"):
                    callback.close()
    if result.error is not None:
        raise TrainingError(_cause(result.error))
    checkpoint, metrics = Path(result.checkpoint.path) if result.checkpoint else None, result.metrics or {}
    # Tune ends a run that is interrupted as it ends any other.
    return TrainResult(
        run_dir, Path(result.path), checkpoint, metrics, not AtTarget(experiment.stop).is_reached(metrics)
    )


def cpus_of(config: Any) -> float:
    """How many CPUs a training of this RLlib configuration takes, the main process's among them."""
    per_learner = config.num_cpus_per_learner
    learner = float(not config.num_gpus_per_learner) if per_learner == "auto" else per_learner
    return float(1 + config.num_env_runners * config.num_cpus_per_env_runner + config.num_learners * learner)


def _nothing_left(run_dir: Path, experiment: Experiment) -> str:
    stop = ", ".join(f"{key} {value}" for key, value in asdict(experiment.stop).items() if value is not None)
    return f"{run_dir.name} has reached its stop already ({stop}): nothing is left to do. --stop gives a later one."


def _go_on_from(checkpoint: Path | None, config: Any) -> None:
    config.resume_from = str(checkpoint) if checkpoint else None
    if checkpoint and not getattr(config, "checkpoint_buffer", True):
        from remalis_agents.rllib.replay.algorithm import REFILLS

        # Here, too: what the trial's process logs is not shown.
        _log.warning(REFILLS)


def _tuner(run_dir: Path, experiment: Experiment, config: Any, callbacks: list[Any]) -> Any:
    from ray import tune

    from remalis_agents.curves import GrowingCSV
    from remalis_agents.progress import AtTarget
    from remalis_agents.rllib.algorithm import TRAINABLES
    from remalis_agents.saving import EarlySaves

    trainable = TRAINABLES[experiment.run]
    saved = experiment.checkpoint
    early = [EarlySaves()] if saved.frequency else []
    run_config = tune.RunConfig(
        name=run_dir.name,
        storage_path=str(run_dir.parent),
        stop=AtTarget(experiment.stop),
        checkpoint_config=tune.CheckpointConfig(
            num_to_keep=saved.keep, checkpoint_frequency=saved.frequency, checkpoint_at_end=saved.at_end
        ),
        callbacks=[*callbacks, *early, GrowingCSV()],
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
