"""What every team learner does around its loss: schedules, watching gradients, stopping where a loss is no number."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME
from torch import Tensor

from remalis_agents.networks.distributed import summed
from remalis_agents.rllib.guards import GradientWatch, lost
from remalis_agents.rllib.options import WarmUp


class TeamLearner(TorchLearner):
    """Base of the team learners; their configuration has what :class:`.LearnerOptions` has for all."""

    def build(self) -> None:
        super().build()
        self._watches: dict[str, GradientWatch] = {}
        for module_id, module in self.module.items():
            self._watches[module_id] = GradientWatch()
            module.unwrapped().mixed_precision = self.config.mixed_precision

    def get_parameters(self, module: Any) -> list[Any]:
        return [parameter for parameter in module.parameters() if parameter.requires_grad]

    def register_optimizer(self, *, optimizer: Any, lr_or_lr_schedule: Any = None, **kwargs: Any) -> None:
        super().register_optimizer(optimizer=optimizer, lr_or_lr_schedule=lr_or_lr_schedule, **kwargs)
        if self.config.warmup_env_steps and lr_or_lr_schedule is not None:
            self._optimizer_lr_schedules[optimizer] = WarmUp(lr_or_lr_schedule, self.config.warmup_env_steps)

    def before_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().before_gradient_based_update(timesteps=timesteps)
        # RLlib moves schedules after an update only: the first one of a run that resumes would use those of step 0.
        env_steps = timesteps.get(NUM_ENV_STEPS_SAMPLED_LIFETIME, 0)
        for optimizer, schedule in self._optimizer_lr_schedules.items():
            self._set_optimizer_lr(optimizer, lr=schedule.update(timestep=env_steps))

    def check_terms(
        self, module_id: str, terms: dict[str, Tensor], batch: dict[str, Any], alarm: Tensor | None = None
    ) -> bool:
        """Stops at a loss that is not a number.

        Learners decide together: one that goes on alone would wait for the others' gradients for ever.

        Args:
            module_id: the policy.
            terms: the terms of its loss, by name.
            batch: what they were computed from, which is saved.
            alarm: scalar, true where this learner wants all to know something.

        Returns:
            Whether any learner raised the alarm.

        Raises:
            LossError: a term is not a finite number.
        """
        flags = [~torch.isfinite(term.detach()) for term in terms.values()]
        flags.append(torch.zeros_like(flags[0]) if alarm is None else alarm)
        *bad, alarmed = summed(torch.stack(flags).float()).tolist()
        wrong = [name for name, count in zip(terms, bad, strict=True) if count]
        if wrong:
            raise lost(wrong, batch, self.module[module_id].get_state(), self.config.failures_in)
        return alarmed > 0

    def watch(self, module_id: str, outputs: list[Tensor], observations: Tensor, weights: Tensor) -> None:
        """Has the gradients of these outputs logged by role, see :class:`.GradientWatch`."""
        roles = self.module[module_id].unwrapped().model.types(observations)
        self._watches[module_id].watch(outputs, roles, weights)

    def compute_gradients(self, loss_per_module: dict[str, Tensor], **kwargs: Any) -> dict[Any, Any]:
        gradients = super().compute_gradients(loss_per_module, **kwargs)
        for module_id, watch in self._watches.items():
            for name, value in watch.look().items():
                self.metrics.log_value((module_id, name), value, reduce="sum" if "spikes" in name else "mean")
        return gradients
