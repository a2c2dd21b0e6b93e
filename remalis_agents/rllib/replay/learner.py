"""The team replay learner: one temporal-difference target for each agent, from a target network that lags."""

from __future__ import annotations

import copy
from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.utils.metrics import ALL_MODULES
from torch import Tensor

from remalis_agents.networks import Following, Played
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.model import TeamModel
from remalis_agents.rllib.gae import AGENT_REWARDS, AGENT_WEIGHTS, CONCEPTS, SUBGOALS
from remalis_agents.rllib.replay.buffer import AGENT_DISCOUNTS
from remalis_agents.rllib.team_learner import TeamLearner

_TARGETS = "targets"
UPDATES = "num_updates_lifetime"
TD_LOSS = "td_loss"


def td_targets(
    rewards: Tensor, discounts: Tensor, online: Tensor, target: Tensor, action_mask: Tensor, double: bool
) -> Tensor:
    r"""What each agent's Q-value should have been, ``[*, N]``.

    .. math:: y_i = r_i + \gamma_i\, Q'_i(s', \arg\max_{a\ \text{legal}} Q_i(s', a))

    van Hasselt et al., "Deep Reinforcement Learning with Double Q-learning", 2015, arXiv:1509.06461. Without
    ``double`` the target network itself says which action is best.

    Args:
        rewards: ``[*, N]``, summed over the steps between.
        discounts: ``[*, N]``, 0 where the agent's own episode ended; being cut off by time is no end.
        online: ``[*, N, A]``, Q-values of the next step by the network that learns.
        target: ``[*, N, A]``, the same by the target network.
        action_mask: ``[*, N, A]`` of the next step: what is illegal there is never the best.
        double: whether the network that learns chooses the action.
    """
    best = mask_logits(online if double else target, action_mask).argmax(-1, keepdim=True)
    return rewards + discounts * target.gather(-1, best).squeeze(-1)


class TeamReplayLearner(TeamLearner):
    """Q-learning with one value and one target for each agent.

    The loss is Huber's, with its bend at 1, averaged over agents that acted themselves. Mnih et al., "Human-level
    control through deep reinforcement learning", 2015, doi:10.1038/nature14236.
    """

    def build(self) -> None:
        super().build()
        self.updates = 0
        self._targets = {name: _frozen(self.module[name].unwrapped().model) for name in self.module.keys()}  # noqa: SIM118

    def target(self, module_id: str) -> TeamModel:
        """The target network of a policy."""
        return self._targets[module_id]

    def synchronise_targets(self, tau: float = 1.0) -> None:
        """Moves the target networks towards what is learnt: all the way, or by the share ``tau``."""
        for module_id, target in self._targets.items():
            learnt = self.module[module_id].unwrapped().model
            with torch.no_grad():
                for slow, fast in zip(target.parameters(), learnt.parameters(), strict=True):
                    slow.lerp_(fast, tau)
        self._share_scales()

    def _share_scales(self) -> None:
        """Lets target networks see their inputs as the others do."""
        for module_id, target in self._targets.items():
            learnt = self.module[module_id].unwrapped().model
            for slow, fast in zip(target.buffers(), learnt.buffers(), strict=True):
                slow.copy_(fast)

    def _update(self, batch: dict[str, Any], **kwargs: Any) -> Any:
        result = super()._update(batch, **kwargs)
        self.updates += 1
        if self.config.tau < 1.0:
            self.synchronise_targets(self.config.tau)
        elif self.updates % self.config.target_update_every == 0:
            self.synchronise_targets()
        self._seen = {name: columns[Columns.OBS] for name, columns in batch.items()}
        return result

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().after_gradient_based_update(timesteps=timesteps)
        for module_id, team in self._seen.items():
            self.module[module_id].unwrapped().observe_inputs(team)
        self._share_scales()
        self.metrics.log_value((ALL_MODULES, UPDATES), self.updates, reduce="max")

    def postprocess_gradients(self, gradients_dict: dict[Any, Any]) -> dict[Any, Any]:
        # Without a gradient, and not with one of 0: Adam would go on with its momentum.
        for name in self.module.keys():  # noqa: SIM118
            network = self.module[name].unwrapped().network
            resting = network.resting(self.updates)
            for parameter_name, parameter in network.named_parameters():
                if resting and parameter_name.startswith(resting):
                    gradients_dict.pop(parameter, None)
                    parameter.grad = None
        return super().postprocess_gradients({p: g for p, g in gradients_dict.items() if g is not None})

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        network = self.module[module_id].unwrapped().network
        team, output = fwd_out["team_inputs"], fwd_out["team_output"]
        played = Played(
            batch[Columns.ACTIONS].long(),
            batch[AGENT_REWARDS],
            batch[AGENT_WEIGHTS],
            batch[SUBGOALS].long(),
            batch[CONCEPTS].long(),
        )
        following = self._following(module_id, batch)
        with torch.no_grad():
            targets = td_targets(
                network.share_rewards(output, batch[AGENT_REWARDS]),
                batch[AGENT_DISCOUNTS],
                following.output.logits,
                following.target.logits,
                following.team.action_mask,
                config.double,
            )
        chosen = output.logits.gather(-1, played.actions.unsqueeze(-1)).squeeze(-1)
        loss = played.mean(torch.nn.functional.smooth_l1_loss(chosen, targets, reduction="none"))
        own = network.replay_losses(team, output, played, following)
        with torch.no_grad():
            figures = {
                TD_LOSS: loss,
                "q_mean": played.mean(chosen),
                "q_target_mean": played.mean(targets),
                "td_error_mean_abs": played.mean((chosen - targets).abs()),
            }
        self.metrics.log_dict(figures | {name: value.detach() for name, value in own.items()}, key=module_id, window=1)
        self.check_terms(module_id, {TD_LOSS: loss, **own}, batch)
        self.watch(module_id, [output.logits], team.observations, played.weights)
        return loss + sum(own.values())

    @torch.no_grad()
    def _following(self, module_id: str, batch: dict[str, Any]) -> Following:
        module = self.module[module_id].unwrapped()
        team = module.inputs({Columns.OBS: batch[Columns.NEXT_OBS]}, sample=False)
        return Following(team, module.model(team), self._targets[module_id](team))

    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(_TARGETS, components, not_components):
            state[_TARGETS] = {
                name: {key: value.cpu().numpy().copy() for key, value in target.state_dict().items()}
                for name, target in self._targets.items()
            }
            state[UPDATES] = self.updates
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        for name, values in state.get(_TARGETS, {}).items():
            self._targets[name].load_state_dict({key: torch.as_tensor(value) for key, value in values.items()})
        self.updates = state.get(UPDATES, self.updates)


def _frozen(model: TeamModel) -> TeamModel:
    """A copy that no training moves."""
    made = copy.deepcopy(model)
    made.requires_grad_(False)
    return made
