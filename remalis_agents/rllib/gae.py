"""Per-agent rewards and generalised advantage estimation for teams, as learner connectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

from remalis_agents.networks.distributed import summed
from remalis_agents.rllib.payment import paid
from remalis_agents.rllib.statistics import moments, normalised
from remalis_envs.team import NO_OUTCOME

AGENT_REWARDS = "agent_rewards"
"""What each agent earned itself."""
AGENT_PAID = "agent_paid"
"""What each agent is paid, and learns from: rewards within the reward scope."""
AGENT_TERMINATIONS = "agent_terminations"
AGENT_WEIGHTS = "agent_weights"
"""1 where an agent chose its action itself: it was alive and online."""
SUBGOALS, CONCEPTS = "subgoals", "concepts"
MISALIGNED, CARRIED = "misaligned", "carried"

Array = NDArray[np.float32]


class AgentSignals(ConnectorV2):
    """Copies what happened to each agent from ``info`` into the batch.

    Stands after RLlib's ``AddOneTsToEpisodesAndTruncate``: each chunk has one step more than it was played, which
    carries the value to bootstrap from and gets zeros here.

    Args:
        reward_scope: see :func:`.paid`.
    """

    def __init__(
        self, input_observation_space: Any = None, input_action_space: Any = None, *, reward_scope: str = "individual"
    ) -> None:
        super().__init__(input_observation_space, input_action_space)
        self.reward_scope = reward_scope

    def __call__(self, *, rl_module: Any, batch: dict[str, Any], episodes: Any, **kwargs: Any) -> Any:
        for episode in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False):
            steps = len(episode)
            infos = episode.get_infos(slice(0, steps))
            seen = _each(episode.get_observations(slice(0, steps)))
            alive = [o["alive"] for o in seen]
            zeros = np.zeros_like(alive[0])
            none = np.full_like(zeros, NO_OUTCOME, dtype=np.int64)
            after, before = infos[1:], infos[:-1]
            earned = [np.asarray(i[AGENT_REWARDS], np.float32) for i in after]
            columns = {
                AGENT_REWARDS: earned,
                AGENT_PAID: [
                    paid(r, o["alive"], o["adjacency"], self.reward_scope) for r, o in zip(earned, seen, strict=False)
                ],
                AGENT_TERMINATIONS: [np.asarray(i[AGENT_TERMINATIONS], np.float32) for i in after],
                # Whether an agent is online is known before it acts: the info that came with its observation.
                AGENT_WEIGHTS: [a * i["online"] * i.get("learning", 1.0) for a, i in zip(alive, before, strict=False)],
            }
            for name, items in columns.items():
                self.add_n_batch_items(batch, name, [*items, zeros], steps, episode)
            for name in (SUBGOALS, CONCEPTS):
                self.add_n_batch_items(batch, name, [*(i[name] for i in after), none], steps, episode)
            # What an agent is asked about its coordination is what has just become of it, not what will.
            for name in (MISALIGNED, CARRIED):
                self.add_n_batch_items(batch, name, [*(i[name] for i in before), zeros - 1.0], steps, episode)
        return batch


def _each(stacked: Any) -> list[dict[str, Any]]:
    """A dict of stacked arrays, or a list of dicts, as a list of dicts."""
    if isinstance(stacked, list):
        return stacked
    names = list(stacked)
    return [dict(zip(names, row, strict=True)) for row in zip(*(stacked[n] for n in names), strict=True)]


def team_advantages(
    rewards: Array,
    values: Array,
    terminated: Array,
    last: NDArray[np.bool_],
    gamma: float,
    lambda_: float,
    alive: Array | None = None,
) -> Array:
    r"""Generalised advantage estimates for every agent of every chunk.

    .. math:: A_t = \delta_t + \gamma\lambda(1 - d_t) A_{t+1},\quad \delta_t = r_t + \gamma(1 - d_t) V_{t+1} - V_t

    Schulman et al., 2015, arXiv:1506.02438. An agent's end ``d`` stops its own future only. Being cut off by time
    ends a chunk but not the future: the appended step bootstraps.

    Args:
        rewards: ``[T, N]``, chunks one after another, each with its appended step.
        values: ``[T, N]``.
        terminated: ``[T, N]``, 1 where an agent's own episode ended.
        last: ``[T]``, True at the appended steps.
        gamma: discount a step.
        lambda_: weight of longer estimates.
        alive: ``[T, N]``; an agent that time cut off while its team went on has a last observation, whose value counts,
            and is not alive there, so nothing after it does. None where all stay to the end.

    Returns:
        ``[T, N]``, 0 at appended steps.
    """
    advantages = np.zeros_like(values)
    running = np.zeros(values.shape[1], np.float32)
    for t in range(len(values) - 1, -1, -1):
        if last[t]:
            running = np.zeros_like(running)
            continue
        future = 1.0 - terminated[t]
        delta = rewards[t] + gamma * future * values[t + 1] - values[t]
        here = future if alive is None else future * alive[t + 1]
        running = delta + gamma * lambda_ * here * running
        advantages[t] = running
    return advantages


class TeamGAE(ConnectorV2):
    """Adds per-agent advantages and value targets to the batch, and moves the running scale of returns.

    Where several learners train one model, statistics are over all their batches, so that all do the same.

    Args:
        gamma: discount a step.
        lambda_: GAE's weight.
        normalise_values: keep a running scale of returns in the module.
        advantage_normalisation: see :class:`.LearnerOptions`.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        gamma: float,
        lambda_: float,
        normalise_values: bool,
        advantage_normalisation: str = "global",
    ) -> None:
        super().__init__(input_observation_space, input_action_space)
        self.gamma, self.lambda_, self.normalise_values = gamma, lambda_, normalise_values
        self.advantage_normalisation = advantage_normalisation
        self.inputs: dict[str, Any] = {}
        """The observations last seen, by module, for statistics that may move only after the update."""
        self.looks: dict[str, Any] = {}
        """The pass over the batch and the batch itself, by module, of networks that look back."""

    def __call__(self, *, rl_module: Any, episodes: Any, batch: dict[str, Any], **kwargs: Any) -> Any:
        lengths = [len(e) for e in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False)]
        for module_id, columns in batch.items():
            module = rl_module[module_id].unwrapped()
            values, cost = self._look_back(module_id, module, columns)
            device = values.device
            stateful = module.is_stateful()

            def flat(tensor: Any, stateful: bool = stateful) -> NDArray[Any]:
                array = tensor.cpu().numpy()
                return _unpad(array, lengths) if stateful else array

            flat_values = flat(values)
            weights = flat(columns[AGENT_WEIGHTS])
            last = ~flat(columns[Columns.LOSS_MASK]).astype(bool)
            # A team that terminated as a whole has no future, whatever its agents' own flags say.
            ended = np.maximum(flat(columns[AGENT_TERMINATIONS]), flat(columns[Columns.TERMINATEDS])[:, None])
            paid = flat(columns[AGENT_PAID])
            advantages = team_advantages(
                paid if cost is None else paid - flat(cost),
                flat_values,
                ended.astype(np.float32),
                last,
                self.gamma,
                self.lambda_,
                flat(columns[Columns.OBS]["alive"]),
            )
            targets = advantages + flat_values
            if self.advantage_normalisation != "none":
                groups, count = self._groups(module, flat(module.model.types(columns[Columns.OBS]["obs"])))
                advantages = normalised(advantages, weights, groups, count, device)
            if self.normalise_values:
                (centre,), (spread,) = moments(targets, weights, np.zeros_like(targets, np.int64), 1, device)
                if float(summed(torch.as_tensor(weights.sum(), device=device))) > 0:
                    module.returns.observe(float(centre), float(spread) ** 2, module.network.value_heads())
            for name, array in ((Postprocessing.ADVANTAGES, advantages), (Postprocessing.VALUE_TARGETS, targets)):
                shaped = _pad(array, lengths, values.shape[1]) if stateful else array
                columns[name] = torch.as_tensor(shaped, dtype=torch.float32, device=device)
        return batch

    def _look_back(self, module_id: str, module: Any, columns: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """Values ``[*, N]`` of the batch in units of the return, and what it costs the agents.

        Keeps what is asked for after the update.
        """
        self.inputs[module_id] = columns[Columns.OBS]
        with torch.no_grad():
            if not module.network.looks_back:
                return module.compute_values(columns), None
            output = module.model(module.inputs(columns))
            self.looks[module_id] = (output, columns)
            return module.returns.restore(output.values), module.network.costs(output)

    def _groups(self, module: Any, types: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """Which advantages are normalised together: a group for each of ``[T, N]``, and how many there are."""
        if self.advantage_normalisation == "per_role":
            return types, module.model.type_count
        if self.advantage_normalisation == "per_agent":
            return np.broadcast_to(np.arange(types.shape[1]), types.shape), types.shape[1]
        return np.zeros_like(types), 1


def _unpad(padded: NDArray[Any], lengths: list[int]) -> NDArray[Any]:
    """``[chunks, T, ...]`` zero-padded sequences to ``[sum(lengths), ...]``."""
    window, rows, row = padded.shape[1], [], 0
    for length in lengths:
        count = -(-length // window)
        rows.append(padded[row : row + count].reshape(count * window, *padded.shape[2:])[:length])
        row += count
    return np.concatenate(rows)


def _pad(flat: NDArray[Any], lengths: list[int], window: int) -> NDArray[Any]:
    """The inverse of :func:`_unpad`."""
    rows, start = [], 0
    for length in lengths:
        count = -(-length // window)
        padded = np.zeros((count * window, *flat.shape[1:]), flat.dtype)
        padded[:length] = flat[start : start + length]
        rows.append(padded.reshape(count, window, *flat.shape[1:]))
        start += length
    return np.concatenate(rows)
