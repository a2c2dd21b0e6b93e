"""Team replay as an RLlib algorithm: sample a little, learn a little from everything that is remembered."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.execution.rollout_ops import synchronous_parallel_sample
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    ENV_RUNNER_SAMPLING_TIMER,
    LEARNER_RESULTS,
    LEARNER_UPDATE_TIMER,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    SYNCH_WORKER_WEIGHTS_TIMER,
    TIMERS,
)

from remalis_agents.rllib.checkpoints import TeamAlgorithm
from remalis_agents.rllib.replay.buffer import TeamReplayBuffer
from remalis_agents.rllib.replay.config import TeamReplayConfig

logger = logging.getLogger(__name__)

BUFFER_FILE = "replay_buffer.npz"
BUFFER_STEPS = "replay_buffer_steps"
"""Key of a training result: team steps in the buffer."""
REFILLS = (
    "This run goes on without its replay buffer, which its checkpoint does not hold: it learns on when "
    "training.learning_starts team steps are sampled again. training.checkpoint_buffer keeps it."
)


class TeamReplay(TeamAlgorithm, Algorithm):
    """Q-learning over a team view, from replayed team steps; the network decides which method it is."""

    @classmethod
    def get_default_config(cls) -> TeamReplayConfig:
        return TeamReplayConfig(algo_class=cls)

    def setup(self, config: Any) -> None:
        self._empty_buffer()
        self._owed = 0.0
        super().setup(config)

    def _empty_buffer(self) -> None:
        self.buffer = TeamReplayBuffer(self.config.buffer_size, self.config.seed or 0, self.config.reward_scope)

    def _begin_with(self, state: dict[str, Any]) -> None:
        super()._begin_with(state)
        self.learner_group.foreach_learner(lambda learner: learner.synchronise_targets())

    def _enter_stage(self) -> None:
        super()._enter_stage()
        # Another world, and maybe another size of team: its steps do not mix with those that are remembered.
        self._empty_buffer()

    def training_step(self) -> None:
        with self.metrics.log_time((TIMERS, ENV_RUNNER_SAMPLING_TIMER)):
            episodes, runner_results = synchronous_parallel_sample(
                worker_set=self.env_runner_group,
                max_env_steps=self.config.total_train_batch_size,
                sample_timeout_s=self.config.sample_timeout_s,
                _uses_new_env_runners=True,
                _return_metrics=True,
            )
        if not episodes:
            return
        self.metrics.aggregate(runner_results, key=ENV_RUNNER_RESULTS)
        added = self.buffer.add(episodes)
        self.metrics.log_value(BUFFER_STEPS, len(self.buffer), window=1)
        if len(self.buffer) < self.config.learning_starts:
            return
        self._owed += added * self.config.updates_per_step
        updates, self._owed = int(self._owed), self._owed % 1.0
        if updates:
            self._learn(updates)

    def _learn(self, updates: int) -> None:
        """Updates the network so many times, each time from steps drawn anew, and sends it to the runners."""
        config = self.config
        with self.metrics.log_time((TIMERS, LEARNER_UPDATE_TIMER)):
            # One batch for all updates of the turn, which the learner cuts up: a call costs as much as an update.
            count = updates * config.minibatch_size * max(config.num_learners, 1)
            drawn = SampleBatch(self.buffer.sample(count, config.gamma, config.n_step))
            results = self.learner_group.update(
                batch=MultiAgentBatch({DEFAULT_MODULE_ID: drawn}, env_steps=count),
                timesteps={
                    NUM_ENV_STEPS_SAMPLED_LIFETIME: self.metrics.peek(
                        (ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME)
                    )
                },
                num_epochs=1,
                minibatch_size=config.minibatch_size,
                shuffle_batch_per_epoch=False,
            )
            self.metrics.aggregate(results, key=LEARNER_RESULTS)
        with self.metrics.log_time((TIMERS, SYNCH_WORKER_WEIGHTS_TIMER)):
            self.env_runner_group.sync_weights(
                from_worker_or_learner_group=self.learner_group, policies={DEFAULT_MODULE_ID}, inference_only=True
            )

    def save_more(self, folder: Path) -> None:
        if self.config.checkpoint_buffer:
            self.buffer.save(folder / BUFFER_FILE)

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        super().load_checkpoint(checkpoint_dir)
        file = Path(checkpoint_dir) / BUFFER_FILE
        if file.exists():
            self.buffer.load(file)
        else:
            logger.warning(REFILLS)
