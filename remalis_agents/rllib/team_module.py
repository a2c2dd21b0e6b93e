"""RemalisPolicy: the RLModule that puts any team network behind RLlib's door."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from torch import Tensor

from remalis_agents.networks import make_network
from remalis_agents.rllib.distribution import TeamCategorical, mask_logits
from remalis_envs.errors import RemalisError


class CheckpointError(RemalisError, ValueError):
    """A checkpoint does not fit what it is loaded into."""


class RemalisPolicy(TorchRLModule, ValueFunctionAPI):
    """A team of agents as one RLModule.

    ``model_config`` keys: ``network``, a registered name (``"ippo"`` by default); ``layout``, see
    :class:`remalis_agents.networks.Layout`; ``options``, the network's keyword arguments.

    Shapes:
        observations as :class:`remalis_envs.team.TeamEnv` gives them; actions and log-probabilities ``[B, N]``,
        logits ``[B, N, A]``, values ``[B, N]``.
    """

    return_mean: Tensor
    return_std: Tensor
    return_count: Tensor

    def setup(self) -> None:
        spaces = self.observation_space.spaces
        config = self.model_config
        self.network_name: str = config.get("network", "ippo")
        options = dict(config.get("options") or {})
        if config.get("layout") is not None:
            options["layout"] = config["layout"]
        self.network = make_network(self.network_name, spaces["obs"].shape[-1], int(self.action_space.nvec[0]), options)
        self.action_dist_cls = TeamCategorical
        # The running scale of returns is part of the policy: without it a restored value head speaks other units.
        self.register_buffer("return_mean", torch.zeros(()))
        self.register_buffer("return_std", torch.ones(()))
        self.register_buffer("return_count", torch.zeros(()))

    def _inputs(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        team = batch[Columns.OBS]
        return team["obs"], team["alive"], team["adjacency"].to(team["obs"].dtype)

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        output = self.network(*self._inputs(batch))
        return {
            Columns.ACTION_DIST_INPUTS: mask_logits(output.logits, batch[Columns.OBS]["action_mask"]),
            Columns.VF_PREDS: output.values,
            "extras": output.extras,
        }

    def _act(self, batch: dict[str, Any], sample: bool) -> dict[str, Any]:
        # Drawn here and not in RLlib's connector, so that episodes store N log-probabilities and not N x A logits.
        with torch.no_grad():
            logits = mask_logits(self.network.logits(*self._inputs(batch)), batch[Columns.OBS]["action_mask"])
            distribution = TeamCategorical(logits)
            actions = distribution.sample() if sample else logits.argmax(-1)
            return {Columns.ACTIONS: actions, Columns.ACTION_LOGP: distribution.logp(actions)}

    def forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        # RLlib's own goes into evaluation mode and back at each step, which costs as much as a small network.
        if self.training:
            self.eval()
        return self._forward_exploration(batch, **kwargs)

    def forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if self.training:
            self.eval()
        return self._forward_inference(batch, **kwargs)

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._act(batch, sample=True)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._act(batch, sample=False)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Tensor:
        """Values ``[B, N]`` in units of the return."""
        return self.network.values(*self._inputs(batch)) * self.return_std + self.return_mean

    def normalise(self, returns: Tensor) -> Tensor:
        """Returns in the units that the value head learns in."""
        return (returns - self.return_mean) / self.return_std

    def observe_returns(self, mean: float, variance: float, weight: float = 0.1) -> None:
        """Moves the running scale towards a batch of returns; the first batch sets it."""
        first = self.return_count.item() == 0
        rate = 1.0 if first else weight
        shift = mean - self.return_mean.item()
        spread = (1 - rate) * (self.return_std.item() ** 2 + rate * shift**2) + rate * variance
        self.return_mean += rate * shift
        self.return_std.fill_(max(spread**0.5, 1e-3))
        self.return_count += 1

    def observe_inputs(self, team: dict[str, Tensor]) -> None:
        """Lets the network take note of a batch of observations, when the batch is used up."""
        self.network.observe(team["obs"], team["alive"])

    def set_state(self, state: Any) -> None:
        own = self.state_dict()
        given = {name: tuple(np.shape(value)) for name, value in state.items()}
        wrong = [name for name, value in own.items() if given.get(name) != tuple(value.shape)]
        wrong += [name for name in given if name not in own]
        if wrong:
            name = wrong[0]
            there, here = given.get(name, "missing"), tuple(own[name].shape) if name in own else "missing"
            raise CheckpointError(
                f"This checkpoint does not fit network {self.network_name!r} as configured: {len(wrong)} of its "
                f"tensors differ, first {name!r} ({there} in the checkpoint, {here} here). Use the configuration "
                "that the checkpoint was trained with."
            )
        super().set_state(state)
