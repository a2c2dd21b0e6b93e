"""Team PPO as an RLlib algorithm, and the names under which YAML files know it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from remalis_agents.methods import METHODS
from remalis_agents.rllib.callbacks import METRICS, TeamCallbacks
from remalis_agents.rllib.learner import TeamPPOLearner
from remalis_agents.rllib.team_module import RemalisPolicy


class TeamPPOConfig(PPOConfig):
    """PPO for a team that is one RLlib agent; defaults suit teams of tens of agents on a CPU."""

    def __init__(self, algo_class: Any = None) -> None:
        super().__init__(algo_class=algo_class or TeamPPO)
        self.normalise_values = True
        self.lr = 5e-4
        self.gamma = 0.95
        self.lambda_ = 0.9
        self.clip_param = 0.2
        self.vf_loss_coeff = 0.5
        self.vf_clip_param = 10.0
        self.entropy_coeff = 0.01
        self.grad_clip = 0.5
        self.use_kl_loss = False
        self.num_epochs = 6
        self.train_batch_size_per_learner = 1440
        self.minibatch_size = 240
        self.num_env_runners = 0
        self.callbacks_class = TeamCallbacks
        self.resume_from: str | None = None
        """A checkpoint whose state a new algorithm takes over, counters and all."""
        self.start_from: dict[str, Any] | None = None
        """State of a policy whose weights a new algorithm begins with."""

    def training(self, *, normalise_values: bool | None = None, **kwargs: Any) -> TeamPPOConfig:
        """RLlib's own settings, and ``normalise_values``: the value head learns returns by their running scale."""
        super().training(**kwargs)
        if normalise_values is not None:
            self.normalise_values = normalise_values
        return self

    def get_default_learner_class(self) -> type[TeamPPOLearner]:
        return TeamPPOLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        return RLModuleSpec(module_class=RemalisPolicy, model_config=dict(self.model_config))


CARRIED = ("episode_return_mean", "episode_return_min", "episode_return_max", "episode_len_mean")
"""RLlib's own figures of episodes that are carried over iterations in which none ended."""


class TeamPPO(PPO):
    """Vector-valued PPO over a team view; the network decides which method it is."""

    @classmethod
    def get_default_config(cls) -> TeamPPOConfig:
        return TeamPPOConfig(algo_class=cls)

    def setup(self, config: Any) -> None:
        super().setup(config)
        self._known: dict[str, float] = {}
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
        result = super().step()
        # RLlib reports nan where no episode ended in an iteration; batches are shorter than episodes here, and curves
        # and displays want the last figure that is known.
        runners = result.get("env_runners", {})
        for figures, names in ((runners, CARRIED), (runners.get(METRICS, {}), None)):
            for name in names or list(figures):
                value = figures.get(name, math.nan)
                if not math.isnan(value):
                    self._known[name] = value
                elif name in self._known:
                    figures[name] = self._known[name]
        return result

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        super().save_checkpoint(checkpoint_dir)
        folder = Path(checkpoint_dir)
        manifest = {
            "training_iteration": self._iteration,
            "time_total_s": self._time_total,
            "files": {str(p.relative_to(folder)): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()},
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


MANIFEST = "manifest.json"
"""What a whole checkpoint holds: a run that is killed while it writes one leaves a part of it."""


def is_whole(checkpoint: Path) -> bool:
    """Whether every file of a checkpoint is there, in full."""
    try:
        files = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))["files"]
        return all((checkpoint / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _trainable(name: str) -> type[TeamPPO]:
    """A class of its own for each method: Ray names trials and checkpoints after it."""
    made = type(name, (TeamPPO,), {"__doc__": f"{METHODS[name].title}.", "__module__": __name__})
    globals()[name] = made  # where pickle looks for it
    return made


TRAINABLES: dict[str, type[TeamPPO]] = {name: _trainable(name) for name in METHODS if name != "TeamPPO"}
TRAINABLES["TeamPPO"] = TeamPPO
"""What ``run:`` in a YAML file may name."""
