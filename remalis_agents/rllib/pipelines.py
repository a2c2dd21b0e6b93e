"""RLlib's pipelines between environments and policy, gone through in one go where the policy has no state.

RLlib's own sort what a step brought by episode, put it together again, and time each of their ten pieces. With one row
a team that costs more than a small network. A policy with a state still goes through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.connectors.env_to_module import EnvToModulePipeline
from ray.rllib.connectors.module_to_env import GetActions, ModuleToEnvPipeline
from ray.rllib.core.columns import Columns
from torch import Tensor

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig as _Base
else:
    _Base = object

_get_actions = GetActions()


class TeamToModule(EnvToModulePipeline):
    """Stacks the last observations of all episodes, ``{name: [episodes, ...]}``."""

    def __call__(self, *, rl_module: Any, episodes: Any, **kwargs: Any) -> Any:
        if rl_module.is_stateful():
            return super().__call__(rl_module=rl_module, episodes=episodes, **kwargs)
        seen = [episode.get_observations(-1) for episode in episodes]
        return {Columns.OBS: {name: _tensor(np.array([one[name] for one in seen])) for name in seen[0]}}


class TeamToEnv(ModuleToEnvPipeline):
    """Makes arrays of what the policy put out; actions are whole numbers and need no scaling."""

    def __call__(self, *, rl_module: Any, batch: dict[str, Any], **kwargs: Any) -> Any:
        if rl_module.is_stateful():
            return super().__call__(rl_module=rl_module, batch=batch, **kwargs)
        batch = _get_actions(rl_module=rl_module, batch=batch, **kwargs)
        columns = {name: _array(value) for name, value in batch.items()}
        return {**columns, Columns.ACTIONS_FOR_ENV: columns[Columns.ACTIONS].copy()}


class ShortPipelines(_Base):  # type: ignore[misc]
    """Mixed into an RLlib configuration, before it; one with connectors of the user's own keeps RLlib's pipelines."""

    def build_env_to_module_connector(self, env: Any = None, spaces: Any = None, device: Any = None) -> Any:
        whole = super().build_env_to_module_connector(env, spaces, device)
        on_cpu = device is None or torch.device(device).type == "cpu"
        return _as(TeamToModule, whole) if on_cpu and self._plain() else whole

    def build_module_to_env_connector(self, env: Any = None, spaces: Any = None) -> Any:
        whole = super().build_module_to_env_connector(env, spaces)
        return _as(TeamToEnv, whole) if self._plain() else whole

    def _plain(self) -> bool:
        return self._env_to_module_connector is None and self._module_to_env_connector is None


def _as(kind: Any, pipeline: Any) -> Any:
    return kind(pipeline.input_observation_space, pipeline.input_action_space, connectors=pipeline.connectors)


def _tensor(array: NDArray[Any]) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor.float() if tensor.dtype == torch.float64 else tensor


def _array(tensor: Tensor) -> NDArray[Any]:
    """A copy, with whole numbers in 32 bits as RLlib's own pipeline has them."""
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array.astype(np.int32 if array.dtype == np.int64 else array.dtype)
