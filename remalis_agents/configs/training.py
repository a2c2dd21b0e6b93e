"""The ``training`` section of an experiment: what both learners take, and what only one of them has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Schedule = float | list[Any]
"""A number, or points ``[[env_steps, value], ...]`` between which it is interpolated."""


@dataclass
class TrainingSection:
    """How it learns: RLlib's own settings, and those of :class:`remalis_agents.rllib.options.LearnerOptions`."""

    lr: Schedule | None = None
    gamma: float | None = None
    lambda_: float | None = None
    clip_param: float | None = None
    entropy_coeff: Schedule | None = None
    vf_loss_coeff: float | None = None
    vf_clip_param: float | None = None
    normalise_values: bool | None = None
    """Whether values are learnt in units of the returns' running scale (PopArt); true by default."""
    advantage_normalisation: str | None = None
    """Over whom advantages get mean 0 and deviation 1: global (default), per_role, per_agent or none."""
    warmup_env_steps: int | None = None
    """Team steps over which the learning rate ramps up from 0 to ``lr``."""
    critic_warmup_env_steps: int | None = None
    """Team steps in which the value alone learns, so that a policy that was there before it is not undone."""
    kl_stop: float | None = None
    """Mean KL divergence of a minibatch after which the rest of an update is left out."""
    reward_scope: str | None = None
    """Whose mean reward an agent is paid: individual (its own, default), neighbourhood or team."""
    mixed_precision: bool | None = None
    """Whether training passes run in bfloat16, on a GPU; losses and weights stay in float32."""
    grad_clip: float | None = None
    grad_clip_by: str | None = None
    num_epochs: int | None = None
    minibatch_size: int | None = None
    train_batch_size_per_learner: int | None = None
    epsilon: Schedule | None = None
    """Share of actions that are drawn at random while a value-based method explores."""
    double: bool | None = None
    """Whether the network that learns, and not the target network, chooses the action that a target values."""
    n_step: int | None = None
    """Steps of reward in a target before the target network's value takes over."""
    buffer_size: int | None = None
    """Team steps that are remembered."""
    learning_starts: int | None = None
    """Team steps in the buffer before the first update."""
    updates_per_step: float | None = None
    """Updates for each team step sampled, each with ``minibatch_size`` team steps from the buffer."""
    target_update_every: int | None = None
    """Updates between two copies of the weights to the target network."""
    tau: float | None = None
    """Share by which the target network follows at each update; 1 (default) for copies now and then instead."""
    steps_per_iteration: int | None = None
    """Team steps between two results, where a turn of sampling and learning is too short for one."""
    checkpoint_buffer: bool | None = None
    """Whether checkpoints hold the buffer; else a run that is resumed fills it again before it learns on."""


ONLY_FOR: dict[str, tuple[str, ...]] = {
    "ppo": (
        "lambda_",
        "clip_param",
        "entropy_coeff",
        "vf_loss_coeff",
        "vf_clip_param",
        "normalise_values",
        "advantage_normalisation",
        "critic_warmup_env_steps",
        "kl_stop",
        "num_epochs",
    ),
    "replay": (
        "epsilon",
        "double",
        "n_step",
        "buffer_size",
        "learning_starts",
        "updates_per_step",
        "target_update_every",
        "tau",
        "steps_per_iteration",
        "checkpoint_buffer",
    ),
}
"""Training settings that one learner has and the other has not."""
