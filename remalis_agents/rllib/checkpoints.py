"""What every team algorithm does besides learning: checkpoints that say what they hold, and where a run goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME

from remalis_agents.rllib.callbacks import BY_SCENARIO, METRICS
from remalis_agents.rllib.curriculum import InStages
from remalis_agents.rllib.faults import RunnerWatch
from remalis_agents.rllib.population import forget_abandoned

CARRIED = ("episode_return_mean", "episode_return_min", "episode_return_max", "episode_len_mean")
"""RLlib's own figures of episodes that are carried over iterations in which none ended."""

MANIFEST = "manifest.json"
"""What a whole checkpoint holds: a run that is killed while it writes one leaves a part of it."""


def is_whole(checkpoint: Path) -> bool:
    """Whether every file of a checkpoint is there, in full."""
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        files, reached = manifest["files"], (manifest["training_iteration"], manifest["time_total_s"])
        whole = all((checkpoint / name).stat().st_size == size for name, size in files.items())
        return bool(files) and whole and all(isinstance(value, int | float) for value in reached)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a manifest may be damaged too
        return False


def write_manifest(checkpoint: Path, reached: Mapping[str, Any]) -> None:
    """Says of a checkpoint, whose files are all written, how far the training had come and what belongs to it."""
    files = {str(p.relative_to(checkpoint)): p.stat().st_size for p in sorted(checkpoint.rglob("*")) if p.is_file()}
    (checkpoint / MANIFEST).write_text(json.dumps({**reached, "files": files}, indent=1), encoding="utf-8")


class TeamAlgorithm(InStages):
    """Mixed into an RLlib algorithm, before it; its configuration has ``resume_from`` and ``start_from``."""

    def setup(self, config: Any) -> None:
        super().setup(config)
        self._known: dict[str, float] = {}
        self._watch = RunnerWatch(self.env_runner_group, self.config)
        if self.config.start_from is not None:
            self._begin_with(self.config.start_from)
        resume_from = self.config.resume_from
        if resume_from and Path(resume_from).exists():  # a checkpoint may be loaded long after the one before is gone
            manifest = json.loads((Path(resume_from) / MANIFEST).read_text(encoding="utf-8"))
            self.load_checkpoint(resume_from)
            self._iteration, self._time_total = manifest["training_iteration"], manifest["time_total_s"]

    def _begin_with(self, state: dict[str, Any]) -> None:
        def load(learner: Any) -> None:
            learner.module[DEFAULT_MODULE_ID].set_state(state)

        self.learner_group.foreach_learner(load)
        self.env_runner_group.sync_weights(from_worker_or_learner_group=self.learner_group, inference_only=True)

    def step(self) -> dict[str, Any]:
        # Before anything is played, and not when an algorithm is made: one that is only looked at removes nothing.
        forget_abandoned(getattr(self.config, "past_policies", None), self._iteration)
        result = super().step()
        result |= self._watch.look()
        # RLlib reports nan where no episode ended in an iteration; batches are shorter than episodes here, and curves
        # and displays want the last figure that is known.
        runners = result.get("env_runners", {})
        self._carry(runners, CARRIED)
        self._carry(runners.get(METRICS, {}))
        for scenario, figures in runners.get(BY_SCENARIO, {}).items():
            self._carry(figures, place=f"{scenario}/")
        return result

    def _carry(self, figures: dict[str, Any], names: Sequence[str] | None = None, place: str = "") -> None:
        """Fills in what is nan with what was last known; ``place`` keeps figures of one name apart."""
        for name in names or list(figures):
            value = figures.get(name, math.nan)
            if not math.isnan(value):
                self._known[place + name] = value
            elif place + name in self._known:
                figures[name] = self._known[place + name]

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        super().save_checkpoint(checkpoint_dir)
        folder = Path(checkpoint_dir)
        self.save_more(folder)
        reached = {
            "training_iteration": self._iteration,
            "time_total_s": self._time_total,
            "env_steps": int(self.metrics.peek((ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME), default=0)),
            **self.stage_reached(),
        }
        write_manifest(folder, reached)

    def save_more(self, folder: Path) -> None:
        """Writes what a checkpoint holds besides RLlib's own, before its manifest is made."""
