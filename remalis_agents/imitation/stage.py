"""The supervised stage as a run: from an experiment with `stage: imitate` to a folder that PPO can go on from."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from remalis_agents.building import build_config
from remalis_agents.configs.schema import ConfigError, Experiment
from remalis_agents.evaluate import POLICY_FOLDER
from remalis_agents.imitation.command import told
from remalis_agents.imitation.correcting import HELP
from remalis_agents.imitation.demonstrating import demonstrate
from remalis_agents.imitation.display import EpochDisplay
from remalis_agents.imitation.learning import Figures, Imitator
from remalis_agents.imitation.options import check_stage, recording
from remalis_agents.imitation.read import Demonstrations, check_fits, described, read
from remalis_agents.networks.model import TeamModel
from remalis_agents.runs import TrainingError, new_run, only_one
from remalis_agents.team import Team
from remalis_agents.train import TrainResult

RECORDING_FILE = "demonstrations.parquet"
"""In a run's folder: what was recorded for it."""
RESULT_FILE = "imitation.json"
"""In a trial's folder: the demonstrations, and the loss and accuracy before and after, on each part."""
_WATCHED = "validation_imitation_loss"


def imitate(
    name: str,
    experiment: Experiment,
    *,
    storage: str | Path = "runs",
    resume: bool | str | Path = False,
    ray_address: str | None = None,
    callbacks: Sequence[Any] | None = None,
    written: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Trains an experiment's network on demonstrations; arguments as :func:`remalis_agents.train.train` takes them.

    Of ``stop`` only ``time_s`` is looked at: epochs end the stage otherwise. The checkpoint holds the policy alone,
    which is what ``rllib evaluate``, ``rllib export`` and ``rl_module.start_from`` read; the value function and the
    scale of returns are as at the start, since demonstrations say nothing of them.

    Raises:
        ConfigError: the experiment does not fit the environment, the network or this stage.
        DemonstrationError: there are no demonstrations, or those of other agents.
        TrainingError: it is to be resumed, or a loss is no number.
    """
    if resume:
        raise TrainingError("An imitation is not resumed: it takes minutes. Start it anew, without --resume.")
    if ray_address:
        raise ConfigError("An imitation runs in this process, not on a cluster: leave --ray-address out.")
    check_stage(experiment)
    given = experiment.imitation
    data = read(given.demonstrations) if isinstance(given.demonstrations, str) else None
    policy = _policy(experiment, data, str(given.demonstrations))
    run_dir = new_run(name, experiment, Path(storage).resolve(), written)
    asked, quiet = recording(given), callbacks is not None
    rounds, keep = (1, 0) if asked is None else (asked.rounds, asked.keep)
    show = EpochDisplay(name, given.epochs * rounds, quiet=quiet)
    with only_one(run_dir):
        if data is None:
            data = _recorded(experiment, run_dir, quiet)
            _fits(experiment, policy, data, str(_file_of(run_dir, 0)))
        show.say(f"{name}: {told(described(data))}")
        trial = run_dir / "trial_00"
        trial.mkdir()
        course, kept = Course(policy, experiment, trial / "progress.csv", show, rounds), [data]
        for number in range(rounds):
            if number and course.late:
                break
            if number:
                if len(kept) == keep:
                    kept.pop(0)
                    _file_of(run_dir, number - keep).unlink()
                kept.append(_recorded(experiment, run_dir, quiet, number, policy.model))
                data = Demonstrations.joined(kept)
                show.say(f"{name}: {told(described(kept[-1]))}, correcting the team")
            course.learn(data)
            result = {"demonstrations": described(data), **course.result()}
            (trial / RESULT_FILE).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
            folder = trial / f"checkpoint_{number:06d}"
            checkpoint = save_policy(policy, folder, result["epochs"], course.seconds)
    before, after = result["before"]["test"], result["after"]["test"]
    show.say(
        f"{name}: test loss {after['imitation_loss']:.3f} nats (untrained {before['imitation_loss']:.3f}), action "
        f"accuracy {after['action_accuracy']:.1%} (untrained {before['action_accuracy']:.1%}) on "
        f"{int(after['decisions'])} held-out decisions; weights of epoch {result['best_epoch']} of {result['epochs']}"
    )
    return TrainResult(run_dir, trial, checkpoint, result)


def save_policy(policy: Any, folder: Path, epochs: int, seconds: float) -> Path:
    """Writes a policy as a checkpoint of a run: RLlib's folder of the module, and our manifest."""
    from remalis_agents.rllib.checkpoints import write_manifest

    policy.cpu().save_to_path((folder / POLICY_FOLDER).resolve())
    write_manifest(folder, {"training_iteration": epochs, "time_total_s": seconds, "env_steps": 0})
    return folder


def _policy(experiment: Experiment, data: Demonstrations | None, source: str) -> Any:
    """The experiment's policy with new weights, or those of ``rl_module.start_from``, as PPO would build it."""
    from remalis_agents.rllib.quiet import hush_ray
    from remalis_agents.rllib.team_module import RemalisPolicy

    hush_ray()
    config = build_config(experiment)
    torch.manual_seed(experiment.config.debugging.seed)
    policy = RemalisPolicy(
        observation_space=config.observation_space,
        action_space=config.action_space,
        model_config=dict(config.model_config),
    )
    if policy.network.text is not None:
        raise ConfigError(
            "A language model learns from text, of which demonstrations hold none: leave rl_module.options."
            "language_model out of this stage, or train by reward (leave stage out)."
        )
    if config.start_from is not None:
        policy.set_state(config.start_from)
    if data is not None:
        _fits(experiment, policy, data, source)
    return policy


def _fits(experiment: Experiment, policy: Any, data: Demonstrations, source: str) -> None:
    spec = policy.model.spec
    what = f"network {spec.network!r} as built for {experiment.env}"
    check_fits(data, spec.observation_size, spec.action_count, what, source)
    if data.agents != spec.max_agents and (spec.sharing == "none" or _of_one_size(spec.network)):
        raise ConfigError(
            f"{source} holds demonstrations of teams of {data.agents}, but {what} has weights for {spec.max_agents} "
            "agents: record them on the scenario that is trained on."
        )


def _of_one_size(network: str) -> bool:
    import inspect

    from remalis_agents.networks import network_class

    return "max_agents" in inspect.signature(network_class(network)).parameters


def _file_of(run_dir: Path, number: int) -> Path:
    """Where the recording of a number, counted from 0, stands."""
    file = run_dir / RECORDING_FILE
    return file.with_stem(f"{file.stem}_{number + 1}") if number else file


def _recorded(
    experiment: Experiment, run_dir: Path, quiet: bool, number: int = 0, pupil: TeamModel | None = None
) -> Demonstrations:
    """A recording; of those with a number above 0 the pupil plays them and is corrected."""
    asked = recording(experiment.imitation)
    assert asked is not None
    world = {"level": asked.level, "scenario": asked.scenario}
    file, threads = _file_of(run_dir, number), torch.get_num_threads()
    demonstrate(
        file,
        controller=asked.controller,
        checkpoint=asked.checkpoint,
        env=experiment.env,
        env_config=experiment.config.environment.env_config,
        changes=asked.env_config | {key: value for key, value in world.items() if value is not None},
        episodes=asked.episodes,
        first_seed=asked.seed + number * asked.episodes,
        split_seed=experiment.config.debugging.seed + number,
        pupil=None if pupil is None else Team(pupil, sample=True),
        helped=max(HELP**number, asked.least_help),
        processes=asked.processes,
        quiet=quiet,
    )
    # Teams that act keep to one thread; learning shares its minibatches out again.
    torch.set_num_threads(threads)
    return read(file)


class Course:
    """Epochs, after each recording until the validation loss falls no more; leaves the policy with the best weights.

    Args:
        policy: who learns.
        experiment: its options.
        file: ``progress.csv``, a line an epoch.
        show: what people see.
        recordings: from which it learns at most, one after the other.
    """

    def __init__(self, policy: Any, experiment: Experiment, file: Path, show: EpochDisplay, recordings: int) -> None:
        self.policy, self.experiment, self.file, self.show = policy, experiment, file, show
        self.recordings = recordings
        self.epochs, self.best_epoch, self.rounds, self.updates = 0, 0, 0, 0
        self.seconds = 0.0
        """Spent on learning; recordings do not count."""
        self.before: dict[str, Figures] = {}
        self.after: dict[str, Figures] = {}

    @property
    def late(self) -> bool:
        """Whether ``stop.time_s`` has come."""
        limit = self.experiment.stop.time_s
        return limit is not None and self.seconds >= limit

    def result(self) -> dict[str, Any]:
        """Epochs in all, the one whose weights are kept, and how the policy did before and does now."""
        return {"epochs": self.epochs, "best_epoch": self.best_epoch, "before": self.before, "after": self.after}

    def learn(self, data: Demonstrations) -> None:
        """Learns from all that there is by now."""
        given, sections = self.experiment.imitation, self.experiment.config
        device = torch.device("cuda" if sections.learners.num_gpus_per_learner else "cpu")
        self.policy.to(device)
        imitator = self._imitator(data.to(device))
        if not self.rounds:
            imitator.fit_scales()
        began, spent = time.monotonic(), self.seconds
        judged = imitator.judge() if not self.rounds else imitator.judge(("validation",))
        self.before = self.before or judged
        best, kept, first = judged["validation"]["imitation_loss"], imitator.weights(), self.epochs
        self.best_epoch = first
        with self.show:
            while self.epochs < first + given.epochs:
                learnt = imitator.epoch()
                held_out = imitator.judge(("validation",), draws=True)["validation"]
                self.seconds, self.epochs = spent + time.monotonic() - began, self.epochs + 1
                row = self._row(imitator, learnt, held_out)
                if row[_WATCHED] < best:
                    best, self.best_epoch, kept = row[_WATCHED], self.epochs, imitator.weights()
                self.show.epoch(row, self.best_epoch)
                if self.late or self.epochs - self.best_epoch >= given.patience:
                    break
        imitator.go_back(kept)
        self.after = imitator.judge()
        self.rounds, self.updates = self.rounds + 1, self.updates + imitator.updates
        self.policy.cpu()

    def _imitator(self, data: Demonstrations) -> Imitator:
        given, sections = self.experiment.imitation, self.experiment.config
        overall = given.schedule == "cosine_overall"
        return Imitator(
            self.policy.model,
            data,
            length=sections.rl_module.max_seq_len,
            batch_size=given.batch_size,
            lr=given.lr,
            weight_decay=given.weight_decay,
            warmup_epochs=given.warmup_epochs,
            decay_epochs=0 if given.schedule == "constant" else given.epochs * (self.recordings if overall else 1),
            begun_epochs=given.epochs * self.rounds if overall else 0,
            grad_clip=given.grad_clip,
            seed=sections.debugging.seed,
        )

    def _row(self, imitator: Imitator, learnt: Figures, held_out: Figures) -> dict[str, Any]:
        """Writes an epoch's line; the test part is looked at in the end only."""
        row: dict[str, Any] = {"training_iteration": self.epochs, "time_total_s": self.seconds}
        row |= {"round": self.rounds + 1, "updates": self.updates + imitator.updates}
        row |= {f"train_{name}": value for name, value in learnt.items()}
        row |= {f"validation_{name}": value for name, value in held_out.items()}
        with self.file.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(row))
            if self.epochs == 1:
                writer.writeheader()
            writer.writerow(row)
        return row
