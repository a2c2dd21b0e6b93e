"""Runs an experiment through Ray Tune: on this machine or a cluster, fresh or resumed."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import remalis_envs
from remalis_agents.configs.schema import ConfigError, Experiment
from remalis_agents.networks.layout import Layout
from remalis_agents.quiet import hush_ray
from remalis_agents.registration import make_team_env, register_with_ray
from remalis_envs.errors import RemalisError, unknown

if TYPE_CHECKING:
    from remalis_agents.rllib.algorithm import TeamPPOConfig

EXPERIMENT_FILE = "experiment.yaml"
VERSIONS_FILE = "versions.json"
_PACKAGES = ("remalis", "ray", "torch", "gymnasium", "pettingzoo", "numpy", "eclipse-sumo")


class TrainingError(RemalisError, RuntimeError):
    """A training run failed; the message is the cause."""


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


def build_config(experiment: Experiment) -> TeamPPOConfig:
    """The RLlib configuration of an experiment.

    The environment is made once, here: a mistake in its options is then one sentence instead of a worker's
    traceback, and its map is in the cache before several runners ask for it.
    """
    from remalis_agents.rllib.algorithm import DEFAULT_NETWORKS, TRAINABLES

    sections = experiment.config
    env_config = sections.environment.env_config
    try:
        env = make_team_env(experiment.env, env_config)
    except TypeError as error:
        raise ConfigError(_unknown_option(experiment.env, error)) from None
    described = sections.rl_module.layout or getattr(env.unwrapped, "layout", None)
    layout = Layout.of(described, int(env.action_space.nvec[0]))
    model_config = {
        "network": sections.rl_module.network or DEFAULT_NETWORKS[experiment.run],
        "options": sections.rl_module.options,
        "layout": layout.to_dict() if layout else None,
        "trained_on": {"env": experiment.env, "env_config": env_config},
    }
    _check_network(model_config, env)
    config = TRAINABLES[experiment.run].get_default_config()
    config.environment(
        experiment.env,
        env_config=env_config,
        observation_space=env.observation_space,
        action_space=env.action_space,
        disable_env_checking=True,
    )
    env.close()
    for name in ("env_runners", "learners", "training", "resources", "fault_tolerance", "debugging"):
        given = {k: v for k, v in dataclasses.asdict(getattr(sections, name)).items() if v is not None}
        try:
            getattr(config, name)(**given)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"config.{name} is not accepted by RLlib: {error}") from None
    config.rl_module(model_config=model_config)
    try:
        config.validate()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"RLlib does not accept this configuration: {' '.join(str(error).split())}") from None
    return config


def _unknown_option(env: str, error: TypeError) -> str:
    """Python's complaint about a keyword argument, with the nearest one that the environment's function has."""
    text = f"environment.env_config does not fit {env}: {error}"
    match = re.search(r"(\w+)\(\) got an unexpected keyword argument '(\w+)'", str(error))
    function = getattr(remalis_envs, match[1], None) if match else None
    if match is None or function is None:
        return text
    return str(unknown("option of environment.env_config", match[2], inspect.signature(function).parameters))


def _check_network(model_config: dict[str, Any], env: Any) -> None:
    """Builds the network once: a wrong option fails here, in a sentence."""
    from remalis_agents.rllib.team_module import RemalisPolicy

    try:
        RemalisPolicy(
            observation_space=env.observation_space, action_space=env.action_space, model_config=model_config
        )
    except TypeError as error:
        raise ConfigError(f"config.rl_module.options do not fit network {model_config['network']!r}: {error}") from None


def start_ray(address: str | None = None, cpus: float = 1, log_to_driver: bool = False) -> None:
    """Joins a cluster, or starts Ray here with room for at least ``cpus``; does nothing if Ray already runs."""
    import ray

    if not ray.is_initialized():
        options: dict[str, Any] = {"log_to_driver": log_to_driver, "logging_level": "ERROR"}
        if address:
            options["address"] = address
        else:
            # Runners wait for each other in turns, so more of them than cores is a choice and not a mistake.
            options |= {"num_cpus": max(os.cpu_count() or 1, int(cpus + 0.999)), "include_dashboard": False}
        try:
            ray.init(**options)
        except ConnectionError as error:
            raise TrainingError(f"No Ray cluster answers at {address!r}: {error}") from None
    register_with_ray()


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
    hush_ray()
    run_dir = _find_run(name, Path(storage), resume) if resume else None
    config = build_config(experiment)
    needed = 1 + config.num_env_runners * config.num_cpus_per_env_runner
    needed += config.num_learners * (config.num_cpus_per_learner if config.num_learners else 0)
    start_ray(ray_address, needed)
    register_with_ray(experiment.env)
    from remalis_agents.progress import TrainingProgress

    shown = list(callbacks) if callbacks is not None else [TrainingProgress(name, experiment.stop)]
    if run_dir is None:
        run_dir = _new_run(name, experiment, Path(storage).resolve())
    tuner = _tuner(run_dir, experiment, config, shown, resume=bool(resume))
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


def _tuner(run_dir: Path, experiment: Experiment, config: Any, callbacks: list[Any], resume: bool) -> Any:
    from ray import tune

    from remalis_agents.rllib.algorithm import TRAINABLES

    trainable = TRAINABLES[experiment.run]
    stop, saved = experiment.stop, experiment.checkpoint
    criteria = {
        "training_iteration": stop.training_iteration,
        "env_runners/num_env_steps_sampled_lifetime": stop.env_steps,
        "time_total_s": stop.time_s,
        "env_runners/episode_return_mean": stop.episode_return_mean,
    }
    run_config = tune.RunConfig(
        name=run_dir.name,
        storage_path=str(run_dir.parent),
        stop={key: value for key, value in criteria.items() if value is not None},
        checkpoint_config=tune.CheckpointConfig(
            num_to_keep=saved.keep, checkpoint_frequency=saved.frequency, checkpoint_at_end=saved.at_end
        ),
        callbacks=callbacks,
        verbose=0,
    )
    if resume and tune.Tuner.can_restore(str(run_dir)):
        tuner = tune.Tuner.restore(str(run_dir), trainable=trainable, param_space=config, resume_errored=True)
        # A restored tuner keeps its old stop criterion and display, and the user may want to go further.
        tuner._local_tuner._run_config = run_config
        return tuner
    tune_config = tune.TuneConfig(
        trial_name_creator=lambda trial: f"{experiment.run}_{trial.trial_id}",
        trial_dirname_creator=lambda trial: f"trial_{trial.trial_id.rpartition('_')[2]}",
    )
    return tune.Tuner(trainable, param_space=config, run_config=run_config, tune_config=tune_config)


def _new_run(name: str, experiment: Experiment, storage: Path) -> Path:
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


def _find_run(name: str, storage: Path, resume: bool | str | Path) -> Path:
    if resume is not True:
        run_dir = Path(resume).resolve()
        if not (run_dir / EXPERIMENT_FILE).exists():
            raise TrainingError(f"{str(resume)!r} is not the folder of a run: it holds no {EXPERIMENT_FILE}.")
        return run_dir
    runs = sorted(path.parent for path in storage.resolve().glob(f"{name}_*/{EXPERIMENT_FILE}"))
    if not runs:
        raise TrainingError(f"There is no run of {name!r} in {str(storage)!r} to resume: start it without --resume.")
    return runs[-1]


def _cause(error: BaseException) -> str:
    """The innermost thing that went wrong, without the stack of workers around it."""
    inner: BaseException = error
    while True:
        nested = getattr(inner, "cause", None) or inner.__cause__
        if not isinstance(nested, BaseException) or nested is inner:
            break
        inner = nested
    lines = [line for line in str(inner).splitlines() if line.strip()]
    text = lines[-1].strip() if lines else type(inner).__name__
    return text if isinstance(inner, RemalisError) else f"Training stopped: {text}"
