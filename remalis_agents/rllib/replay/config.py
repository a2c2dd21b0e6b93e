"""The settings of the team replay learner."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from remalis_agents.configs.training import ONLY_FOR
from remalis_agents.rllib.callbacks import TeamCallbacks
from remalis_agents.rllib.env_runner import TeamEnvRunner
from remalis_agents.rllib.options import LearnerOptions, check_precision
from remalis_agents.rllib.pipelines import ShortPipelines
from remalis_agents.rllib.replay.learner import TeamReplayLearner
from remalis_agents.rllib.team_module import RemalisPolicy

OWN = ONLY_FOR["replay"]
SHARED = ("warmup_env_steps", "reward_scope", "mixed_precision")
"""Those of :class:`.LearnerOptions` that this learner has, too."""


class TeamReplayConfig(ShortPipelines, AlgorithmConfig):
    """Q-learning from a buffer of team steps; defaults suit teams of tens of agents on a CPU."""

    def __init__(self, algo_class: Any = None) -> None:
        if algo_class is None:
            from remalis_agents.rllib.replay.algorithm import TeamReplay as algo_class
        super().__init__(algo_class=algo_class)
        self.epsilon: float | list[Any] = [[0, 1.0], [5000, 0.05]]
        self.double = True
        self.n_step = 1
        self.buffer_size = 20000
        self.learning_starts = 1000
        self.updates_per_step = 0.25
        self.target_update_every = 200
        self.tau = 1.0
        self.steps_per_iteration = 360
        self.checkpoint_buffer = False
        self.lr = 1e-3
        self.gamma = 0.95
        self.grad_clip = 5.0
        self.train_batch_size_per_learner = 40
        self.minibatch_size = 32
        self.rollout_fragment_length = "auto"
        self.num_env_runners = 0
        self.callbacks_class = TeamCallbacks
        self.env_runner_cls = TeamEnvRunner
        for name in SHARED:
            setattr(self, name, getattr(LearnerOptions(), name))
        self.failures_in: str | None = None
        """Folder in which a batch is kept whose loss is not a number; a temporary one by default."""
        self.resume_from: str | None = None
        """A checkpoint whose state a new algorithm takes over, counters and all."""
        self.start_from: dict[str, Any] | None = None
        """State of a policy whose weights a new algorithm begins with."""

    def training(self, **kwargs: Any) -> TeamReplayConfig:
        """RLlib's own settings and these; None leaves a setting as it is.

        Args:
            **kwargs: ``epsilon``, a share of random actions or points ``[[env_steps, share], ...]``; ``double``, let
                the network that learns choose the action of the target; ``n_step``, steps of reward before the target
                network takes over; ``buffer_size``, team steps kept; ``learning_starts``, team steps in the buffer
                before the first update; ``updates_per_step``, updates a team step sampled, each of
                ``minibatch_size`` team steps; ``train_batch_size_per_learner``, team steps sampled between two turns
                of learning; ``target_update_every``, updates between two copies to the target network, or ``tau``, the
                share by which it follows each update (1: copies); ``steps_per_iteration``, team steps between two
                results; ``checkpoint_buffer``, keep the buffer in checkpoints; and those of :class:`.LearnerOptions`
                named in :data:`SHARED`. The rest as in RLlib.
        """
        own = {name: kwargs.pop(name) for name in OWN if name in kwargs}
        shared = {name: kwargs.pop(name) for name in SHARED if kwargs.get(name) is not None}
        super().training(**kwargs)
        LearnerOptions(**shared)  # checks them
        own |= shared
        for name, value in own.items():
            if value is not None:
                setattr(self, name, value)
        self.min_sample_timesteps_per_iteration = self.steps_per_iteration
        return self

    def validate(self) -> None:
        super().validate()
        turn = self.total_train_batch_size
        if self.buffer_size < max(self.learning_starts, 2 * turn):
            self._value_error(
                f"training.buffer_size is {self.buffer_size}, but it must hold learning_starts ({self.learning_starts})"
                f" and two turns of sampling ({2 * turn} team steps)."
            )
        if self.n_step < 1 or self.updates_per_step <= 0 or self.target_update_every < 1:
            self._value_error("training.n_step, updates_per_step and target_update_every must be above 0.")
        if not is_schedule(self.epsilon):
            self._value_error(
                "training.epsilon is a share from 0 to 1, or points [[env_steps, share], ...] in growing order of "
                f"steps, but it is {self.epsilon!r}."
            )
        check_precision(self)
        if not 0 < self.tau <= 1:
            self._value_error(f"training.tau must be above 0 and at most 1, but it is {self.tau}.")

    def get_default_learner_class(self) -> type[TeamReplayLearner]:
        return TeamReplayLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        points = self.epsilon if isinstance(self.epsilon, list) else [[0, self.epsilon]]
        return RLModuleSpec(module_class=RemalisPolicy, model_config={**self.model_config, "epsilon": points})


def is_schedule(epsilon: Any) -> bool:
    """Whether this is a share, or shares at growing numbers of env steps."""
    points = epsilon if isinstance(epsilon, list) else [[0, epsilon]]
    if not points or any(not isinstance(point, list) or len(point) != 2 for point in points):
        return False
    steps, shares = zip(*points, strict=True)
    numbers = all(isinstance(value, int | float) for value in (*steps, *shares))
    return numbers and all(a < b for a, b in pairwise(steps)) and all(0 <= share <= 1 for share in shares)
