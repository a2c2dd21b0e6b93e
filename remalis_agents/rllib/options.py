"""The team learner's options beyond RLlib's own: their defaults, what they mean, what values they take."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from ray.rllib.utils.schedules.scheduler import Scheduler
from torch import Tensor

from remalis_agents.configs.schema import ConfigError
from remalis_agents.rllib.payment import REWARD_SCOPES
from remalis_envs.errors import unknown

ADVANTAGE_NORMALISATIONS = ("global", "per_role", "per_agent", "none")


@dataclass(frozen=True)
class LearnerOptions:
    """What a team learner can be told.

    Attributes:
        normalise_values: the value head learns returns in units of their running scale (PopArt, see
            :class:`.ReturnScale`).
        advantage_normalisation: over whom advantages get mean 0 and deviation 1: all agents (``global``), those of a
            type (``per_role``, see :meth:`.TeamModel.types`), each row of the team (``per_agent``), or not at all.
        warmup_env_steps: team steps over which the learning rate ramps from 0 to what ``lr`` says.
        critic_warmup_env_steps: team steps in which the value alone learns, for a policy that was trained before it
            (``rl_module.start_from`` of an imitation): advantages over a value that knows nothing would undo it.
        kl_stop: the remaining minibatches of an update are left out once one's mean KL divergence from the policy that
            acted is larger; None for never.
        reward_scope: whose rewards an agent is paid, see :func:`.paid`.
        mixed_precision: networks run in bfloat16 where that is safe, losses and weights stay in float32; on a GPU only.

    Raises:
        UnknownNameError: an option has no such choice.
        ConfigError: a number is out of range.
    """

    normalise_values: bool = True
    advantage_normalisation: str = "global"
    warmup_env_steps: int = 0
    critic_warmup_env_steps: int = 0
    kl_stop: float | None = None
    reward_scope: str = "individual"
    mixed_precision: bool = False

    def __post_init__(self) -> None:
        if self.advantage_normalisation not in ADVANTAGE_NORMALISATIONS:
            raise unknown("advantage_normalisation", self.advantage_normalisation, ADVANTAGE_NORMALISATIONS)
        if self.reward_scope not in REWARD_SCOPES:
            raise unknown("reward_scope", self.reward_scope, REWARD_SCOPES)
        for name in ("warmup_env_steps", "critic_warmup_env_steps"):
            if getattr(self, name) < 0:
                raise ConfigError(f"training.{name} is a number of steps, but it is {getattr(self, name)}.")
        if self.kl_stop is not None and self.kl_stop <= 0:
            raise ConfigError(
                f"training.kl_stop is a divergence above 0, such as 0.02, but it is {self.kl_stop}; leave it out to "
                "use every minibatch."
            )

    def changed(self, given: dict[str, Any]) -> LearnerOptions:
        """These options with those of ``given`` that are not None, checked."""
        return dataclasses.replace(self, **{name: value for name, value in given.items() if value is not None})


OPTION_NAMES = tuple(field.name for field in dataclasses.fields(LearnerOptions))


class WarmUp(Scheduler):
    r"""A learning rate, constant or scheduled, that ramps up: :math:`\alpha(t) \min(1, t / w)` after t env steps."""

    def __init__(self, lr: Any, warmup_env_steps: int) -> None:
        super().__init__(fixed_value_or_schedule=lr, framework="torch")
        self._steps = warmup_env_steps

    def update(self, timestep: int) -> float:
        return super().update(timestep) * min(1.0, timestep / self._steps)


def check_precision(config: Any) -> None:
    """Refuses mixed precision without a GPU.

    Raises:
        ConfigError: the learners of this RLlib configuration have none.
    """
    if config.mixed_precision and not config.num_gpus_per_learner:
        raise ConfigError(
            "training.mixed_precision is for GPUs: on a CPU it only makes learning slower and less exact. Leave it "
            "out, or set learners.num_gpus_per_learner."
        )


def precision(device: torch.device, mixed: bool) -> AbstractContextManager[Any]:
    """The context in which a training pass runs: bfloat16 where torch holds it safe, or as the weights are."""
    return torch.autocast(device.type, torch.bfloat16) if mixed else nullcontext()


def in_float32(outputs: Any) -> Any:
    """The outputs of a pass in mixed precision, tensors in nested containers, as losses take them."""
    if isinstance(outputs, Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    if isinstance(outputs, dict):
        return {name: in_float32(value) for name, value in outputs.items()}
    if isinstance(outputs, list | tuple):
        values = [in_float32(value) for value in outputs]
        return type(outputs)(*values) if hasattr(outputs, "_fields") else type(outputs)(values)
    return outputs
