"""The team PPO learner: per-agent ratios and values, masked by who really acted."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import Tensor

from remalis_agents.networks import Played
from remalis_agents.rllib.distribution import TeamCategorical
from remalis_agents.rllib.gae import AGENT_REWARDS, AGENT_WEIGHTS, CONCEPTS, SUBGOALS, AgentSignals, TeamGAE
from remalis_agents.rllib.states import ChunkStates
from remalis_agents.rllib.team_module import DRAWN_LOGP


class TeamPPOLearner(PPOTorchLearner):
    r"""Proximal policy optimisation with one ratio, advantage and value for each agent.

    .. math:: L = -\overline{\min(\rho A, \mathrm{clip}(\rho, 1 \pm \epsilon) A)} + c_v \overline{(V - \hat V)^2}
              - c_e \overline{H}

    Means run over the agents and steps where an agent acted itself (alive and online). Schulman et al., 2017,
    arXiv:1707.06347.
    """

    def build(self) -> None:
        super().build()
        pipeline = self._learner_connector
        pipeline.remove("GeneralAdvantageEstimation")
        pipeline.insert_after("AddOneTsToEpisodesAndTruncate", AgentSignals())
        pipeline.insert_before("AddStatesFromEpisodesToBatch", ChunkStates())
        self._gae = TeamGAE(
            gamma=self.config.gamma, lambda_=self.config.lambda_, normalise_values=self.config.normalise_values
        )
        pipeline.append(self._gae)

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().after_gradient_based_update(timesteps=timesteps)
        # Not earlier: what acted and what learns must be the same function, or the first ratios are not 1.
        for module_id, team in self._gae.inputs.items():
            self.module[module_id].unwrapped().observe_inputs(team)
        self._gae.inputs.clear()

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        module = self.module[module_id].unwrapped()
        weights = batch[AGENT_WEIGHTS] * batch[Columns.LOSS_MASK].float().unsqueeze(-1)
        total = weights.sum().clamp(min=1.0)

        def mean(values: Tensor) -> Tensor:
            return (values * weights).sum() / total

        distribution = TeamCategorical(fwd_out[Columns.ACTION_DIST_INPUTS])
        log_probs = distribution.logp(batch[Columns.ACTIONS])
        if DRAWN_LOGP in fwd_out:
            log_probs = log_probs + fwd_out[DRAWN_LOGP]
        log_ratio = log_probs - batch[Columns.ACTION_LOGP]
        # Who did not act has no ratio: its stored action may be illegal by now, and inf * 0 would be NaN.
        log_ratio = torch.where(weights > 0, log_ratio, torch.zeros_like(log_ratio))
        ratio, advantages = log_ratio.exp(), batch[Postprocessing.ADVANTAGES]
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        policy_loss = -mean(torch.minimum(advantages * ratio, advantages * clipped))
        targets = module.returns.normalise(batch[Postprocessing.VALUE_TARGETS])
        errors = fwd_out[Columns.VF_PREDS] - targets
        value_loss = mean(errors.square().clamp(max=config.vf_clip_param))
        entropy = mean(distribution.entropy())
        entropy_coeff = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        with torch.no_grad():
            # The low-variance estimator (r - 1) - log r of KL(old || new), from the actions that were taken.
            divergence = mean(ratio - 1 - log_ratio)
            spread = mean((targets - mean(targets)).square()).clamp(min=1e-6)
            self.metrics.log_dict(
                {
                    POLICY_LOSS_KEY: policy_loss,
                    VF_LOSS_KEY: value_loss,
                    ENTROPY_KEY: entropy,
                    "mean_kl": divergence,
                    "clipped_share": mean((clipped != ratio).float()),
                    "vf_explained_var": 1 - mean(errors.square()) / spread,
                },
                key=module_id,
                window=1,
            )
        own = module.network.losses(fwd_out["team_inputs"], fwd_out["team_output"], played(batch, weights))
        self.metrics.log_dict({name: loss.detach() for name, loss in own.items()}, key=module_id, window=1)
        return policy_loss + config.vf_loss_coeff * value_loss - entropy_coeff * entropy + sum(own.values())


def played(batch: dict[str, Any], weights: Tensor) -> Played:
    """What the network's own losses may know of a batch."""
    return Played(
        batch[Columns.ACTIONS].long(), batch[AGENT_REWARDS], weights, batch[SUBGOALS].long(), batch[CONCEPTS].long()
    )
