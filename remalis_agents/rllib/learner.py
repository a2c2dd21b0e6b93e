"""The team PPO learner: per-agent ratios and values, masked by who really acted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME
from torch import Tensor

from remalis_agents.networks import Played
from remalis_agents.rllib.distribution import TeamCategorical
from remalis_agents.rllib.gae import (
    AGENT_REWARDS,
    AGENT_WEIGHTS,
    CARRIED,
    CONCEPTS,
    MISALIGNED,
    SUBGOALS,
    AgentSignals,
    TeamGAE,
)
from remalis_agents.rllib.joint import Terms, as_one_agent
from remalis_agents.rllib.states import ChunkStates
from remalis_agents.rllib.team_learner import TeamLearner
from remalis_agents.rllib.team_module import DRAWN_LOGP

SKIPPED = "minibatches_skipped"
"""Metric: minibatches of the last update that ``kl_stop`` left out."""


class TeamPPOLearner(TeamLearner, PPOTorchLearner):
    r"""Proximal policy optimisation with one ratio, advantage and value for each agent.

    .. math:: L = -\overline{\min(\rho A, \mathrm{clip}(\rho, 1 \pm \epsilon) A)} + c_v \overline{(V - \hat V)^2}
              - c_e \overline{H}

    Means run over the agents and steps where an agent acted itself (alive and online). Schulman et al., 2017,
    arXiv:1707.06347. What can be chosen besides is in :class:`.LearnerOptions`.
    """

    def build(self) -> None:
        super().build()
        config, pipeline = self.config, self._learner_connector
        pipeline.remove("GeneralAdvantageEstimation")
        pipeline.insert_after("AddOneTsToEpisodesAndTruncate", AgentSignals(reward_scope=config.reward_scope))
        pipeline.insert_before("AddStatesFromEpisodesToBatch", ChunkStates())
        self._gae = TeamGAE(
            gamma=config.gamma,
            lambda_=config.lambda_,
            normalise_values=config.normalise_values,
            advantage_normalisation=config.advantage_normalisation,
        )
        pipeline.append(self._gae)
        self._too_far = False
        self._critic_alone = False

    def before_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().before_gradient_based_update(timesteps=timesteps)
        env_steps = timesteps.get(NUM_ENV_STEPS_SAMPLED_LIFETIME, 0)
        if self.config.critic_warmup_env_steps:
            self._warm_up_critic(env_steps < self.config.critic_warmup_env_steps)
        for module_id in self._watches:
            self.entropy_coeff_schedulers_per_module[module_id].update(timestep=env_steps)

    def _warm_up_critic(self, alone: bool) -> None:
        """Has the value learn alone, or the policy begin, with moments that know nothing of its time without gradients.

        Else Adam would take the policy's first steps three times as long. Whether it learnt alone is kept with the
        moments, for runs that resume.
        """
        self._critic_alone = alone
        for optimizer in self._named_optimizers.values():
            group = optimizer.param_groups[0]
            if group.get("critic_alone") and not alone:
                optimizer.state.clear()
            group["critic_alone"] = alone

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().after_gradient_based_update(timesteps=timesteps)
        # Not earlier: what acted and what learns must be the same function, or the first ratios are not 1.
        for module_id, team in self._gae.inputs.items():
            self.module[module_id].unwrapped().observe_inputs(team)
        for module_id, (output, batch) in self._gae.looks.items():
            weights = batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)
            self.module[module_id].unwrapped().network.remember(output, played(batch, weights))
        self._gae.inputs.clear()
        self._gae.looks.clear()

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        module = self.module[module_id].unwrapped()
        weights = batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)
        step = played(batch, weights)
        mean = step.mean
        distribution = TeamCategorical(fwd_out[Columns.ACTION_DIST_INPUTS])
        log_ratio = distribution.logp(step.actions) + fwd_out.get(DRAWN_LOGP, 0.0) - batch[Columns.ACTION_LOGP]
        # Who did not act has no ratio: its stored action may be illegal by now, and inf * 0 would be NaN.
        log_ratio = torch.where(weights > 0, log_ratio, torch.zeros_like(log_ratio))
        terms = Terms(log_ratio, batch[Postprocessing.ADVANTAGES], distribution.entropy())
        if module.network.joint_action:
            terms = as_one_agent(terms, weights)
        ratio, advantages = terms.log_ratio.exp(), terms.advantages
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        targets = module.returns.normalise(batch[Postprocessing.VALUE_TARGETS])
        errors = fwd_out[Columns.VF_PREDS] - targets

        policy_loss = -mean(torch.minimum(advantages * ratio, advantages * clipped))
        value_loss = mean(errors.square().clamp(max=config.vf_clip_param))
        entropy = mean(terms.entropies)
        own = module.network.losses(fwd_out["team_inputs"], fwd_out["team_output"], step)
        with torch.no_grad():
            spread = mean((targets - mean(targets)).square()).clamp(min=1e-6)
            figures = {
                POLICY_LOSS_KEY: policy_loss,
                VF_LOSS_KEY: value_loss,
                ENTROPY_KEY: entropy,
                # The low-variance estimator (r - 1) - log r of KL(old || new), from the actions that were taken.
                "mean_kl": mean(ratio - 1 - terms.log_ratio),
                "clipped_share": mean((clipped != ratio).float()),
                "vf_explained_var": 1 - mean(errors.square()) / spread,
                **{name: loss.detach() for name, loss in own.items()},
                **{name: one.value for name, one in module.network.figures(fwd_out["team_output"], step).items()},
            }
        self.metrics.log_dict(figures, key=module_id, window=1)
        losses = {"policy": policy_loss, "value": value_loss, "entropy": entropy, **own}
        far = None if config.kl_stop is None else figures["mean_kl"] > config.kl_stop
        self._too_far |= self.check_terms(module_id, losses, batch, far)
        outputs = [fwd_out[Columns.ACTION_DIST_INPUTS], fwd_out[Columns.VF_PREDS]]
        self.watch(module_id, outputs, fwd_out["team_inputs"].observations, weights)
        entropy_coeff = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        rest = policy_loss - entropy_coeff * entropy + sum(own.values())
        # Times 0 and not left out: learners that share their gradients wait for one of every weight.
        return config.vf_loss_coeff * value_loss + rest * float(not self._critic_alone)

    def _create_iterator_if_necessary(self, **kwargs: Any) -> Iterable[Any]:
        minibatches = super()._create_iterator_if_necessary(**kwargs)
        return minibatches if self.config.kl_stop is None else self._until_too_far(iter(minibatches))

    def _until_too_far(self, minibatches: Iterator[Any]) -> Iterator[Any]:
        self._too_far = False
        for minibatch in minibatches:
            yield minibatch
            if self._too_far:
                break
        skipped = sum(1 for _ in minibatches)
        for module_id in self._watches:
            self.metrics.log_value((module_id, SKIPPED), skipped, window=1)


def played(batch: dict[str, Any], weights: Tensor) -> Played:
    """What the network's own losses may know of a batch."""
    happened = (batch[SUBGOALS].long(), batch[CONCEPTS].long(), batch.get(MISALIGNED), batch.get(CARRIED))
    return Played(batch[Columns.ACTIONS].long(), batch[AGENT_REWARDS], weights, *happened)
