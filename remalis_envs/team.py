"""The team view: a parallel environment stacked into one Gymnasium environment, one row an agent.

A learner that lets agents talk needs the whole team in one forward pass, and RLlib's multi-agent path takes teams
apart. So the team acts as one agent with stacked observations, while rewards, ends and outcomes stay per agent in
``info``. The view works over any PettingZoo ``ParallelEnv``; one that offers ``adjacency()`` and ``metrics()`` has
them passed on.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from remalis_envs.errors import NoEpisodeError, RemalisError, TeamError

NO_OUTCOME = -1
"""Stands in ``info["subgoals"]`` and ``info["concepts"]`` where an agent has none (a padded row, another family)."""


class NotFiniteError(RemalisError, ValueError):
    """An environment gave an agent a reward or an observation that is not a finite number."""


class TeamEnv(gymnasium.Env[dict[str, NDArray[Any]], NDArray[np.int64]]):
    """A team of N agents as one Gymnasium environment, padded to ``max_agents`` rows.

    | | |
    |---|---|
    | observation | ``Dict``: ``obs`` float32 ``(N, D)``, ``alive`` float32 ``(N,)``, ``action_mask`` int8 ``(N, A)``, \
``adjacency`` int8 ``(N, N)`` |
    | action | ``MultiDiscrete([A] * N)`` |
    | reward | mean over the agents that were alive of what each was paid |
    | end | ``terminated`` only when every agent terminated, by time it is ``truncated`` |

    ``info`` holds, in the order of ``possible_agents``: ``agent_rewards`` float32 ``(N,)``, ``agent_terminations``
    float32 ``(N,)`` (1 where an agent's own episode ended, so that its future is worth nothing), ``online`` float32
    ``(N,)``, ``subgoals`` and ``concepts`` int64 ``(N,)``, ``misaligned`` and ``carried`` float32 ``(N,)``, each -1
    where an agent has none; at the end of an episode ``metrics``, and
    ``infra_error`` where the machinery failed.

    Args:
        parallel_env: a PettingZoo parallel environment whose agents all have the same spaces: a flat ``Box`` or
            ``Dict(observation=Box, action_mask=Box)``, and ``Discrete`` actions.
        max_agents: rows to pad to, so that several scenarios fit in one batch; the number of agents by default.

    Raises:
        TeamError: the agents' spaces differ or are of another kind, or there are more agents than ``max_agents``.

    ``reset`` and ``step`` raise :class:`NotFiniteError` for a reward or an observation that is nan or infinite: a
    learner that takes one in is lost.
    """

    def __init__(self, parallel_env: Any, max_agents: int | None = None) -> None:
        self.parallel_env = parallel_env
        self.agents: tuple[str, ...] = tuple(parallel_env.possible_agents)
        self.size = len(self.agents) if max_agents is None else int(max_agents)
        if not self.agents:
            raise TeamError("This environment has no agents, so there is no team to stack.")
        if len(self.agents) > self.size:
            raise TeamError(
                f"max_agents is {self.size}, but this scenario has {len(self.agents)} agents: "
                f"give max_agents={len(self.agents)} or more."
            )
        self._rows = {agent: row for row, agent in enumerate(self.agents)}
        vector, self._action_count, self._masked = _common_spaces(parallel_env, self.agents)
        n, a = self.size, self._action_count
        low, high = (np.broadcast_to(bound, (n, *vector.shape)) for bound in (vector.low, vector.high))
        if n > len(self.agents):  # padded rows are zero, which the agents' own bounds may exclude
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        self._vectors = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        self.observation_space: spaces.Dict = spaces.Dict(  # type: ignore[assignment]
            {
                "obs": self._vectors,
                "alive": spaces.Box(0.0, 1.0, (n,), np.float32),
                "action_mask": spaces.Box(0, 1, (n, a), np.int8),
                "adjacency": spaces.Box(0, 1, (n, n), np.int8),
            }
        )
        self.action_space: spaces.MultiDiscrete = spaces.MultiDiscrete(  # type: ignore[assignment]
            np.full(n, a, dtype=np.int64)
        )
        self.render_mode = getattr(parallel_env, "render_mode", None)
        own = getattr(parallel_env, "metadata", {})
        self.metadata = {"render_modes": list(own.get("render_modes", [])), "render_fps": own.get("render_fps", 4)}
        self._alive = np.zeros(n, np.float32)
        self._running = False
        self._steps = 0
        """Steps of this episode."""
        self._cut_short = False
        """Whether time cut any agent off in this episode."""

    @property
    def layout(self) -> Any:
        """What the slices of one agent's vector mean, or None where the environment does not say."""
        own = getattr(self.parallel_env, "layout", None)
        if own is None:
            module = sys.modules.get(type(self.parallel_env).__module__)
            own = getattr(module, "LAYOUT", None)
            # An environment may be told to show another vector than the one its module describes.
            own = own if getattr(own, "size", None) == self._vectors.shape[-1] else None
        return own

    @property
    def subgoals(self) -> tuple[str, ...]:
        """The family's vocabulary of sub-goals, into which ``info["subgoals"]`` points; empty where it has none."""
        return tuple(getattr(self.parallel_env, "subgoals", ()))

    @property
    def concepts(self) -> tuple[str, ...]:
        """The family's vocabulary of concepts, into which ``info["concepts"]`` points; empty where it has none."""
        return tuple(getattr(self.parallel_env, "concepts", ()))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        super().reset(seed=seed)
        observations, infos = self.parallel_env.reset(seed=seed, options=options)
        self._alive = np.zeros(self.size, np.float32)
        self._alive[[self._rows[agent] for agent in observations]] = 1.0
        self._running = True
        self._steps = 0
        self._cut_short = False
        return self._stack(observations), self._outcomes(infos)

    def step(self, action: NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        if not self._running:
            raise NoEpisodeError("step() needs a running episode: call reset() first, and again after each end.")
        chosen = np.asarray(action)
        if chosen.shape != (self.size,):
            raise TeamError(f"A team action has one entry an agent, shape ({self.size},), but got {chosen.shape}.")
        acting, listed = tuple(self.parallel_env.agents), chosen.tolist()
        rows = [self._rows[agent] for agent in acting]
        result = self.parallel_env.step({agent: listed[row] for agent, row in zip(acting, rows, strict=True)})
        observations, rewards, terminations, truncations, infos = result
        missing = [agent for agent in acting if agent not in rewards or agent not in terminations]
        if missing:
            raise TeamError(
                f"The environment's step() left out {', '.join(missing)}: it must give a reward and an end for every "
                "agent that acted."
            )
        self._steps += 1
        info = self._outcomes(infos)
        earned, ended = info["agent_rewards"], info["agent_terminations"]
        for agent, row in zip(acting, rows, strict=True):
            earned[row] = rewards[agent]
            ended[row] = terminations[agent]
        self._check_finite(earned, "a reward")
        self._cut_short |= any(truncations.values())
        # ndarray.mean() without what stands around it, which costs more than the sum.
        reward = float(np.add.reduce(earned.take(rows)) / len(rows)) if rows else 0.0
        # An agent cut off by time still has a last observation with a future; one that terminated has none.
        self._alive = np.zeros(self.size, np.float32)
        over = not self.parallel_env.agents
        staying = observations if over else self.parallel_env.agents
        self._alive[[self._rows[a] for a in staying if not terminations.get(a, False)]] = 1.0
        terminated = over and all(terminations.values()) and not self._cut_short
        if over:
            self._running = False
            fault = fault_of(self.parallel_env, infos)
            if fault:  # nobody is left to ask for figures
                info["infra_error"], info["metrics"] = fault, {}
            else:
                info["metrics"] = self.metrics()
        return self._stack(observations), reward, terminated, over and not terminated, info

    def metrics(self) -> dict[str, float]:
        """The episode's figures, as the environment computes them; empty where it has none."""
        own = getattr(self.parallel_env, "metrics", None)
        return dict(own()) if callable(own) else {}

    def render(self) -> Any:
        return self.parallel_env.render()

    def close(self) -> None:
        self.parallel_env.close()

    def _stack(self, observations: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Stacks what agents see; a row without an agent is zero, with action 0 as its one legal action."""
        obs = np.zeros(self._vectors.shape, np.float32)
        mask = np.zeros((self.size, self._action_count), np.int8)
        mask[:, 0] = 1
        for agent, own in observations.items():
            row = self._rows[agent]
            obs[row] = own["observation"] if self._masked else own
            mask[row] = own["action_mask"] if self._masked else 1
        self._check_finite(obs, "an observation")
        return {"obs": obs, "alive": self._alive.copy(), "action_mask": mask, "adjacency": self._links()}

    def _check_finite(self, values: NDArray[np.float32], what: str) -> None:
        """Names the first agent, row by row, whose values are no numbers."""
        if np.isfinite(values).all():
            return
        row, *entry = np.argwhere(~np.isfinite(values))[0].tolist()
        place = f"with {values[row, entry[0]]} at index {entry[0]}" if entry else f"of {values[row]}"
        when = f"step {self._steps} of the episode" if self._steps else "the reset"
        raise NotFiniteError(
            f"Agent {self.agents[row]!r} was given {what} {place} at {when}: the environment must give finite numbers, "
            "because a policy that learns from anything else is lost. Mend what computes it."
        )

    def _links(self) -> NDArray[np.int8]:
        """Who may talk to whom; everybody to everybody else where the environment does not say."""
        adjacency = np.zeros((self.size, self.size), np.int8)
        count = len(self.agents)
        own = getattr(self.parallel_env, "adjacency", None)
        adjacency[:count, :count] = own() if callable(own) else 1 - np.eye(count, dtype=np.int8)
        return adjacency

    def _outcomes(self, infos: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """What happened, per agent: it trains and scores, and never enters a forward pass."""
        n = self.size
        # Lists, which are filled number by number in half the time that arrays take.
        online, nothing = [0.0] * n, [NO_OUTCOME] * n
        subgoals, concepts, misaligned, carried = nothing.copy(), nothing.copy(), nothing.copy(), nothing.copy()
        for agent, info in infos.items():
            row = self._rows.get(agent)
            if row is None:  # an environment may say something about the whole, under a name of its own
                continue
            online[row] = info.get("online", True)
            subgoals[row] = info.get("subgoal", NO_OUTCOME)
            concepts[row] = info.get("concept", NO_OUTCOME)
            misaligned[row] = info.get("misaligned", NO_OUTCOME)
            carried[row] = info.get("carried", NO_OUTCOME)
        return {
            "agent_rewards": np.zeros(n, np.float32),
            "agent_terminations": np.zeros(n, np.float32),
            "online": np.array(online, np.float32),
            "subgoals": np.array(subgoals, np.int64),
            "concepts": np.array(concepts, np.int64),
            "misaligned": np.array(misaligned, np.float32),
            "carried": np.array(carried, np.float32),
        }


def fault_of(parallel_env: Any, infos: Mapping[str, Mapping[str, Any]]) -> str:
    """What broke an episode off, in words; empty where nothing did.

    An agent's ``infra_error`` is a flag, because wrappers such as TorchRL's make tensors of everything in ``infos``;
    the words are the environment's own ``infra_error``. Words in the agent's place will do too.
    """
    flags = [info["infra_error"] for info in infos.values() if info.get("infra_error")]
    if not flags:
        return ""
    said = getattr(parallel_env, "infra_error", "") or flags[0]
    return said if isinstance(said, str) else "the environment's machinery failed"


def _common_spaces(env: Any, agents: tuple[str, ...]) -> tuple[spaces.Box, int, bool]:
    """The agents' common vector space, number of actions, and whether they come with an action mask."""
    first_observation, first_action = env.observation_space(agents[0]), env.action_space(agents[0])
    for agent in agents[1:]:
        if env.observation_space(agent) != first_observation or env.action_space(agent) != first_action:
            raise TeamError(
                f"A team has one kind of space, but those of {agent!r} differ from {agents[0]!r}'s: give all agents "
                "observations and actions of one size."
            )
    masked = isinstance(first_observation, spaces.Dict) and set(first_observation.spaces) >= {
        "observation",
        "action_mask",
    }
    vector = first_observation["observation"] if masked else first_observation
    if not isinstance(vector, spaces.Box) or len(vector.shape) != 1:
        raise TeamError(
            "A team view needs flat vectors, Box(shape=(D,)) or Dict(observation=Box, action_mask=Box), "
            f"but the agents observe {first_observation}."
        )
    if not isinstance(first_action, spaces.Discrete) or first_action.start != 0:
        raise TeamError(f"A team view needs Discrete actions that start at 0, but the agents have {first_action}.")
    return vector, int(first_action.n), masked
