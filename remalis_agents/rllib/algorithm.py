"""Team PPO as an RLlib algorithm, and the names under which YAML files know it."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from remalis_agents.methods import METHODS
from remalis_agents.rllib.callbacks import TeamCallbacks
from remalis_agents.rllib.checkpoints import MANIFEST, TeamAlgorithm, is_whole
from remalis_agents.rllib.env_runner import TeamEnvRunner
from remalis_agents.rllib.learner import TeamPPOLearner
from remalis_agents.rllib.options import OPTION_NAMES, LearnerOptions, check_precision
from remalis_agents.rllib.pipelines import ShortPipelines
from remalis_agents.rllib.replay import TeamReplay
from remalis_agents.rllib.team_module import RemalisPolicy

__all__ = ["MANIFEST", "TRAINABLES", "TeamPPO", "TeamPPOConfig", "is_whole"]


class TeamPPOConfig(ShortPipelines, PPOConfig):
    """PPO for a team that is one RLlib agent; defaults suit teams of tens of agents on a CPU."""

    def __init__(self, algo_class: Any = None) -> None:
        super().__init__(algo_class=algo_class or TeamPPO)
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
        self.env_runner_cls = TeamEnvRunner
        self._set_options(LearnerOptions())
        self.failures_in: str | None = None
        """Folder in which a batch is kept whose loss is not a number; a temporary one by default."""
        self.resume_from: str | None = None
        """A checkpoint whose state a new algorithm takes over, counters and all."""
        self.start_from: dict[str, Any] | None = None
        """State of a policy whose weights a new algorithm begins with."""

    def training(self, **kwargs: Any) -> TeamPPOConfig:
        """RLlib's own settings, and those of :class:`.LearnerOptions`."""
        given = {name: kwargs.pop(name) for name in OPTION_NAMES if name in kwargs}
        super().training(**kwargs)
        options = LearnerOptions(**{name: getattr(self, name) for name in OPTION_NAMES})
        self._set_options(options.changed(given))
        return self

    def _set_options(self, options: LearnerOptions) -> None:
        for name in OPTION_NAMES:
            setattr(self, name, getattr(options, name))

    def validate(self) -> None:
        super().validate()
        check_precision(self)

    def get_default_learner_class(self) -> type[TeamPPOLearner]:
        return TeamPPOLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        return RLModuleSpec(module_class=RemalisPolicy, model_config=dict(self.model_config))


class TeamPPO(TeamAlgorithm, PPO):
    """Vector-valued PPO over a team view; the network decides which method it is."""

    @classmethod
    def get_default_config(cls) -> TeamPPOConfig:
        return TeamPPOConfig(algo_class=cls)


_LEARNERS: dict[str, type[TeamPPO] | type[TeamReplay]] = {"ppo": TeamPPO, "replay": TeamReplay}


def _trainable(name: str) -> type[TeamPPO] | type[TeamReplay]:
    """A class of its own for each method: Ray names trials and checkpoints after it."""
    method = METHODS[name]
    made = type(name, (_LEARNERS[method.learner],), {"__doc__": f"{method.title}.", "__module__": __name__})
    globals()[name] = made  # where pickle looks for it
    return made


TRAINABLES: dict[str, type[TeamPPO] | type[TeamReplay]] = {
    **{name: _trainable(name) for name, method in METHODS.items() if method.network},
    "TeamPPO": TeamPPO,
    "TeamReplay": TeamReplay,
}
"""What ``run:`` in a YAML file may name."""
