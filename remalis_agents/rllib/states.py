"""The memory of networks that remember, on its way from runner to learner: one state a training sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.utils.numpy import convert_to_numpy

_KEPT = "chunk_states"


def keep_chunk_states(episode: Any, module: Any) -> None:
    """Keeps, of an episode's states after each step, those with which a training sequence begins.

    RLlib stores a state a step, which for a large team is most of what is sent to the learner.

    Args:
        episode: a piece of an episode, as the runner returns it; changed in place.
        module: whose ``model_config["max_seq_len"]`` is the length of a sequence.
    """
    if Columns.STATE_OUT not in episode.extra_model_outputs:
        return
    length = module.model_config["max_seq_len"]
    if episode.t_started == 0:
        first = convert_to_numpy(module.get_initial_state())
    else:
        first = episode.get_extra_model_outputs(Columns.STATE_OUT, -1, neg_index_as_lookback=True)
    after = episode.get_extra_model_outputs(Columns.STATE_OUT)
    if isinstance(after, list):
        after = {name: np.stack([step[name] for step in after]) for name in first}
    # The last state, too: the learner appends a step, with which a sequence of its own may begin.
    episode.custom_data[_KEPT] = {
        name: np.concatenate([before[None], after[name]])[::length] for name, before in first.items()
    }
    del episode.extra_model_outputs[Columns.STATE_OUT]


class ChunkStates(ConnectorV2):
    """Gives the learner the states that :func:`keep_chunk_states` kept."""

    def __call__(self, *, rl_module: Any, batch: dict[str, Any], episodes: Any, **kwargs: Any) -> Any:
        if not rl_module[DEFAULT_MODULE_ID].is_stateful():
            return batch
        length = rl_module[DEFAULT_MODULE_ID].unwrapped().model_config["max_seq_len"]
        for episode in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False):
            kept = episode.custom_data.get(_KEPT)
            if kept is None:  # RLlib's own connector adds what it stored
                return batch
            count = -(-len(episode) // length)
            kept = {name: states[:count] for name, states in kept.items()}
            self.add_n_batch_items(batch, Columns.STATE_IN, kept, count, episode)
        return batch
