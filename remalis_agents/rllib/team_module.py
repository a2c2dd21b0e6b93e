"""RemalisPolicy: the RLModule that puts any team network behind RLlib's door."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from torch import Tensor

from remalis_agents.networks import TeamInputs, TeamNetwork
from remalis_agents.networks.acting import decide, mask_logits
from remalis_agents.networks.model import TeamModel, spec_of
from remalis_agents.networks.scale import ReturnScale
from remalis_agents.rllib.distribution import TeamCategorical
from remalis_agents.rllib.options import in_float32, precision
from remalis_envs.errors import RemalisError

DRAWN = "drawn_"
"""Prefix of the columns that keep what a forward pass drew."""
DRAWN_LOGP = "drawn_logp"
"""Log-probabilities of those draws that are part of a decision, among the outputs of a training pass."""


class CheckpointError(RemalisError, ValueError):
    """A checkpoint does not fit what it is loaded into."""


class RemalisPolicy(TorchRLModule, ValueFunctionAPI):
    """A team of agents as one RLModule.

    ``model_config`` keys: ``network``, a registered name (``"ippo"`` by default); ``options``, the network's keyword
    arguments; ``layout``, see :class:`remalis_agents.networks.Layout`; ``sharing``, see
    :data:`remalis_agents.networks.model.SHARING`; ``max_seq_len``, steps of a training sequence for networks with a
    state; ``epsilon``, points ``[[env_steps, share], ...]`` of random actions for value-based networks.

    Shapes:
        observations as :class:`remalis_envs.team.TeamEnv` gives them; actions and log-probabilities ``[B, N]``,
        logits ``[B, N, A]``, values ``[B, N]``; with a time dimension after B where the network has a state.
    """

    def setup(self) -> None:
        spaces = self.observation_space.spaces
        agents, size = spaces["obs"].shape
        self.agents = agents
        self.model = TeamModel(spec_of(self.model_config, size, int(self.action_space.nvec[0]), agents))
        self.network_name: str = self.model.spec.network
        self.action_dist_cls = TeamCategorical
        # The running scale of returns is part of the policy: without it a restored value head speaks other units.
        self.returns = ReturnScale()
        self.mixed_precision = False
        """Whether training passes run in bfloat16; what is acted and valued stays in float32."""
        points = self.model_config.get("epsilon") or [[0, 0.0]]
        self._epsilon = ([float(p[0]) for p in points], [float(p[1]) for p in points])

    @property
    def network(self) -> TeamNetwork:
        """The team network."""
        return self.model.network

    def get_initial_state(self) -> dict[str, Any]:
        return {name: value.numpy() for name, value in self.model.initial_state(self.agents).items()}

    def inputs(self, batch: dict[str, Any], sample: bool = True) -> TeamInputs:
        """A batch as a network takes it; what was drawn when it was played is used again."""
        team = batch[Columns.OBS]
        obs = team["obs"]
        drawn = {name.removeprefix(DRAWN): batch[name] for name in batch if name.startswith(DRAWN)}
        return TeamInputs(
            obs,
            team["alive"],
            team["adjacency"].to(obs.dtype),
            team["action_mask"].to(obs.dtype),
            batch.get(Columns.STATE_IN) or {},
            drawn or None,
            sample,
            team.get("tokens"),
        )

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        team = self.inputs(batch)
        with precision(team.observations.device, self.mixed_precision):
            output = self.model(team)
        if self.mixed_precision:
            output = in_float32(output)
        result = {
            Columns.ACTION_DIST_INPUTS: mask_logits(output.logits, team.action_mask),
            Columns.VF_PREDS: output.values,
            "team_inputs": team,
            "team_output": output,
        }
        if output.log_probs is not None:
            result[DRAWN_LOGP] = output.log_probs
        return result

    def epsilon(self, env_steps: int | None) -> float:
        """Share of random actions of a value-based network after so many team steps; the last where unknown."""
        return float(np.interp(np.inf if env_steps is None else env_steps, *self._epsilon))

    def _act(self, batch: dict[str, Any], sample: bool, env_steps: int | None = None) -> dict[str, Any]:
        # Drawn here and not in RLlib's connector, so that episodes store N log-probabilities and not N x A logits.
        epsilon = self.epsilon(env_steps) if sample and self.network.value_based else 0.0
        with torch.inference_mode():
            decision = decide(self.model, self.inputs(batch, sample), epsilon)
        result: dict[str, Any] = {Columns.ACTIONS: decision.actions, Columns.ACTION_LOGP: decision.log_probs}
        result |= {DRAWN + name: value for name, value in decision.output.drawn.items()}
        if decision.output.state:
            result[Columns.STATE_OUT] = decision.output.state
        return result

    def forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        # RLlib's own goes into evaluation mode and back at each step, which costs as much as a small network.
        if self.training:
            self.eval()
        return self._forward_exploration(batch, **kwargs)

    def forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if self.training:
            self.eval()
        return self._forward_inference(batch, **kwargs)

    def _forward_exploration(self, batch: dict[str, Any], t: int | None = None, **kwargs: Any) -> dict[str, Any]:
        return self._act(batch, True, t)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._act(batch, False)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Tensor:
        """Values ``[B, N]`` in units of the return."""
        return self.returns.restore(self.model.values(self.inputs(batch)))

    def observe_inputs(self, team: dict[str, Tensor]) -> None:
        """Lets the network take note of a batch of observations, when the batch is used up."""
        self.network.observe(team["obs"], team["alive"])

    def _frozen(self) -> set[str]:
        """Weights that no training moves: whoever builds the module has them already."""
        return {n for n, value in self.named_parameters(remove_duplicate=False) if not value.requires_grad}

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        state, frozen = super().get_state(*args, **kwargs), self._frozen()
        return {name: value for name, value in state.items() if name not in frozen}

    def set_state(self, state: Any) -> None:
        self.network.check(state)
        frozen = self._frozen()
        own = {name: value for name, value in self.state_dict().items() if name not in frozen}
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
        self.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()}, strict=False)
