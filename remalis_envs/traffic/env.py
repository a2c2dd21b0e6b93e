"""The traffic environment: one agent an intersection, on real SUMO, as a native PettingZoo parallel environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from remalis_envs.arguments import outages, refuse_masked, whole_actions, whole_seed
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.traffic import text
from remalis_envs.traffic.backends import BACKENDS, Backend, is_usable, open_backend
from remalis_envs.traffic.core_config import SPLITS, Arrays, CoreConfig
from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.global_state import STATE_FEATURES
from remalis_envs.traffic.network.model import MAX_PHASES, Phase, RoadNetwork
from remalis_envs.traffic.observations import LAYOUT, LIMIT, OBSERVATION_SIZE, Layout
from remalis_envs.traffic.remote import SimulatorDied
from remalis_envs.traffic.sumo_rl_view import observation_sizes
from remalis_envs.traffic.vocabulary import CONCEPTS, SUBGOALS

Observation = dict[str, npt.NDArray[Any]]
NEIGHBOURS = ("roads", "all")
LARGEST_OPEN_TEAM = 25
"""Agents up to which everyone may be everyone's neighbour."""


@dataclass(frozen=True, repr=False)
class Snapshot:
    """A branch of an episode, for ``TrafficEnv.restore``."""

    branch: Any
    agents: tuple[str, ...]


class TrafficEnv(ParallelEnv[str, Observation, int]):
    """A road network whose traffic lights are a team; build it with :func:`remalis_envs.traffic_v0`.

    Args:
        config: the world to simulate.
        backend: ``inline`` runs SUMO in this process, which holds one simulation at most; ``worker`` in a process of
            its own; ``auto`` inline if the process is free at the first reset.
        neighbours: who may talk to whom: ``roads`` joins road neighbours, ``all`` joins everyone, for teams of up to
            25.
        strict: an action that the mask forbids is an error instead of the safe default.
        render_mode: ``rgb_array`` or None.
        seed: of the environment's own generator, which seeds every ``reset()`` without a seed.
    """

    metadata = {"name": "traffic_v0", "render_modes": ["rgb_array"], "is_parallelizable": True, "render_fps": 5}

    subgoals = SUBGOALS
    concepts = CONCEPTS

    def __init__(
        self,
        config: CoreConfig,
        *,
        backend: str = "auto",
        strict: bool = False,
        neighbours: str = "roads",
        render_mode: str | None = None,
        seed: int | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise unknown("backend", backend, BACKENDS)
        if render_mode not in (None, "rgb_array"):
            raise unknown("render_mode", render_mode, ("rgb_array",))
        if config.split not in SPLITS:
            raise unknown("split", config.split, SPLITS)
        if neighbours not in NEIGHBOURS:
            raise unknown("neighbours", neighbours, NEIGHBOURS)
        self.config, self.strict, self.render_mode = config, strict, render_mode
        self._backend_name = backend
        self._backend: Backend | None = None
        self.possible_agents = list(self.network.agents)
        self.agents: list[str] = []
        self._known = {agent: k for k, agent in enumerate(self.possible_agents)}
        self._observation_spaces = _observation_spaces(config)
        self._sizes = [
            int(np.prod(self._observation_spaces[a]["observation"].shape or ())) for a in self.possible_agents
        ]
        self._same_size = config.observation == "default"
        self._action_space: spaces.Discrete = spaces.Discrete(MAX_PHASES)
        n = len(self.possible_agents)
        self.state_space = spaces.Box(-np.inf, np.inf, (n * STATE_FEATURES,), np.float32)
        if neighbours == "all" and n > LARGEST_OPEN_TEAM:
            raise RemalisError(f"neighbours='all' is for teams of up to {LARGEST_OPEN_TEAM} agents; this one has {n}")
        self._adjacency = ~np.eye(n, dtype=bool) if neighbours == "all" else NetworkIndex(self.network).adjacency()
        self._np_random, _ = seeding.np_random(None if seed is None else whole_seed(seed))
        self._arrays: Arrays | None = None
        self._renderer: Any = None
        self._ended, self._broken = "call reset() before step()", ""

    # -- what does not change -------------------------------------------------------------------------------------
    @property
    def network(self) -> RoadNetwork:
        """The road network."""
        return self.config.scenario.network

    @property
    def layout(self) -> Layout | None:
        """Slices of the observation vector; None where it is sumo-rl's."""
        return LAYOUT if self._same_size else None

    def observation_space(self, agent: str) -> spaces.Dict:
        """``Dict(observation=Box(float32, (D,)), action_mask=Box(int8, (A,)))``, the same for every agent.

        With ``observation="sumo_rl"`` D is the length of the agent's vector in sumo-rl.
        """
        return self._observation_spaces[self.possible_agents[self._agent(agent)]]

    def action_space(self, agent: str) -> spaces.Discrete:
        """``Discrete(A)``: the phase to show next."""
        self._agent(agent)
        return self._action_space

    def phases(self, agent: str) -> tuple[Phase, ...]:
        """The phases that ``agent`` chooses among; action k is phase k."""
        return self.network.intersections[self._agent(agent)].phases

    def adjacency(self) -> npt.NDArray[np.bool_]:
        """Who may talk to whom now, bool ``(N, N)``: neighbours by road, symmetric, nobody with itself.

        An agent that is offline neither hears nor is heard.
        """
        links = self._adjacency.copy()
        if self._backend is not None and not (online := self._backend.arrays.online).all():
            links &= online & online[:, None]
        return links

    def _agent(self, agent: str) -> int:
        try:
            return self._known[agent]
        except (KeyError, TypeError):
            raise unknown("agent", agent, self.possible_agents) from None

    # -- episode --------------------------------------------------------------------------------------------------
    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin an episode.

        Args:
            seed: draws everything that may differ between episodes; None takes the environment's own generator.
            options: ``outages``, a list of ``(agent, begin_s, end_s)`` in seconds of the episode. Others are ignored
                with a warning.
        """
        if seed is not None:
            seed = whole_seed(seed)
            self._np_random, _ = seeding.np_random(seed)
        episode = seed if seed is not None else int(self._np_random.integers(2**31 - 1))
        begin = self.config.scenario.files.begin_s
        cleaned = {"outages": outages(options or {}, self._agent, begin)}
        if self._backend is not None and self._backend_name != "inline" and not is_usable(self._backend):
            self._backend.close()
            self._backend = None
        if self._backend is None:
            self._backend = open_backend(self.config, self._backend_name)
        try:
            self._backend.reset(episode, cleaned)
        except BaseException:  # whatever it was, Ctrl-C too: the process is free again for another simulation
            self.close()
            raise
        self._broken = ""
        self.agents = list(self.possible_agents)
        self._ended = "the episode has ended; call reset()"
        self._arrays = self._backend.arrays
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Run one decision interval.

        Raises:
            RemalisError: before ``reset`` or after the end; an agent is missing or unknown; an action lies outside
                the action space, or (``strict``) outside the mask.
            ScenarioError: SUMO came to a mistake in the scenario's own route files.
            RewardError: the reward function failed.
        """
        if not self.agents or self._backend is None:
            raise RemalisError(self._ended)
        if self._broken:
            return self._fault(self._broken)
        wanted = whole_actions(actions, self.agents, self._agent, MAX_PHASES)
        if self.strict and self._arrays is not None:
            refuse_masked(wanted, self._arrays.masks, self.agents)
        agents = self.agents
        try:
            self._backend.step(wanted)
        except SimulatorDied as error:
            return self._fault(str(error))
        except RemalisError as error:  # a mistake, in files or in a reward function: no accident to go on from
            self._fault(str(error))
            raise
        except BaseException:  # Ctrl-C: what SUMO did and what was noted of it may not agree any more
            self._broken = "it was interrupted in the middle of a step"
            raise
        rewards = dict(zip(agents, self._backend.arrays.rewards.tolist(), strict=True))
        observations, infos = self._observations(), self._infos()
        done = self._backend.done
        terminations = dict.fromkeys(agents, False)
        truncations = dict.fromkeys(agents, done)
        if done:
            self.agents = []
        return observations, rewards, terminations, truncations, infos

    def _observations(self) -> dict[str, Observation]:
        assert self._backend is not None
        rows, masks = self._backend.arrays.observations.copy(), self._backend.arrays.masks.copy()
        if not self._same_size:
            rows = [row[:size].copy() for row, size in zip(rows, self._sizes, strict=True)]  # type: ignore[assignment]
        return {
            agent: {"observation": row, "action_mask": mask}
            for agent, row, mask in zip(self.possible_agents, rows, masks, strict=True)
        }

    def _infos(self) -> dict[str, dict[str, Any]]:
        assert self._backend is not None
        arrays = self._backend.arrays
        columns = (arrays.subgoals, arrays.concepts, arrays.misaligned, arrays.carried, arrays.masked, arrays.online)
        rows = zip(self.possible_agents, *[column.tolist() for column in columns], strict=True)
        # The same keys at every step, and numbers only: TorchRL lays out tensors for them at the first reset.
        fault = bool(self._broken)
        return {
            agent: {
                "subgoal": subgoal,
                "concept": concept,
                "misaligned": misaligned,
                "carried": carried,
                "masked": masked,
                "online": online,
                "infra_error": fault,
            }
            for agent, subgoal, concept, misaligned, carried, masked, online in rows
        }

    def _fault(self, reason: str) -> Any:
        """End the episode because the simulator died: truncated, with the last observations and no reward."""
        agents = self.agents
        self.agents, self._broken = [], reason
        return (
            self._observations(),
            dict.fromkeys(agents, 0.0),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, True),
            self._infos(),
        )

    @property
    def infra_error(self) -> str:
        """Why the episode broke off, where ``infos`` have ``infra_error``; empty otherwise."""
        return self._broken

    # -- looking --------------------------------------------------------------------------------------------------
    def state(self) -> npt.NDArray[np.float32]:
        """The true global state, float32 ``(N * STATE_FEATURES,)``: every arm's traffic and every signal."""
        state: npt.NDArray[np.float32] = self._running().state()
        return state

    def metrics(self) -> dict[str, float]:
        """Figures of the episode so far; units are the ends of the names.

        Cars still driving and cars that could not enter count as well, with what they have lost by now.
        ``mean_delay_s`` is time loss plus departure delay over all vehicles that are due; ``resco_delay_s`` is RESCO's
        published formula to the letter, which leaves out most vehicles that never departed. Waiting is time below 0.1
        m/s on the road, and all time before a car could enter. Stops are
        counted at decisions. ``delay_gini`` and ``worst_decile_delay_s`` say how evenly delay is spread over
        vehicles; each one's is known to a few seconds, which puts them within about 1% of SUMO's report.
        ``aligned_share`` is the share of dependent pairs of neighbours that were aligned and
        ``coordination_time_s`` the time that took; nan where there was none. ``co2_kg`` and ``fuel_l`` are nan unless
        ``emissions=True``.
        """
        metrics: dict[str, float] = self._running().metrics()
        return metrics

    def describe(self, agent: str) -> str:
        """The agent's observation as text."""
        k, backend = self._agent(agent), self._running()
        arrays = backend.arrays
        row = arrays.observations[k] if self.config.observation == "default" else backend.layout_row(k)
        return text.describe(self.network.intersections[k], row, arrays.masks[k])

    def action_texts(self, agent: str) -> list[str]:
        """The agent's legal actions as text."""
        k = self._agent(agent)
        return text.action_texts(self.network.intersections[k], self._running().arrays.masks[k])

    def parse(self, agent: str, answer: str) -> int:
        """The action that ``answer`` names, or an error that says what could have been said."""
        return text.parse(self.network.intersections[self._agent(agent)], answer)

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The map with its traffic, uint8 ``(height, width, 3)``; None without ``render_mode="rgb_array"``."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from remalis_envs.traffic.render import Renderer

            self._renderer = Renderer.of_scenario(self.config.scenario)
        frame: npt.NDArray[np.uint8] = self._renderer.draw(self._running().scene())
        return frame

    def _running(self) -> Backend:
        if self._backend is None or self._arrays is None:
            raise RemalisError("there is no episode yet; call reset()")
        if self._broken:
            raise RemalisError(f"the episode broke off ({self._broken}), and nothing is known of it; call reset()")
        return self._backend

    # -- branching ------------------------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        """The episode as it is now; ``restore`` goes on from here as often as you like, exactly.

        In a worker both take milliseconds, by a fork of the simulator. Inline the way to here is played again, which
        takes as long as the episode has taken so far; use ``backend="worker"`` to branch often.
        """
        return Snapshot(self._running().snapshot(), tuple(self.agents))

    def restore(self, snapshot: Snapshot) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Go back to ``snapshot`` and return its observations and infos."""
        if self._backend is None or self._arrays is None:
            raise RemalisError("there is no episode yet; call reset()")
        if not isinstance(snapshot, Snapshot):
            raise RemalisError(f"restore() takes what snapshot() gave, not {type(snapshot).__name__}")
        try:
            self._backend.restore(snapshot.branch)
        except Exception:
            raise
        except BaseException:  # Ctrl-C: it is somewhere on the way
            self._broken = "it was interrupted while a snapshot was restored"
            raise
        self.agents, self._broken = list(snapshot.agents), ""
        return self._observations(), self._infos()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy begins with: the world and its options, and no episode; call its ``reset()``."""
        nothing: dict[str, Any] = {"_backend": None, "_arrays": None, "_renderer": None, "agents": [], "_broken": ""}
        return {**vars(self), **nothing, "_ended": "this is a copy, which has no episode yet; call reset()"}

    def close(self) -> None:
        """End the simulation and its processes; safe to call twice."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
        self.agents = []
        self._ended = "the environment is closed; reset() opens it again"
        self._arrays = None


def _observation_spaces(config: CoreConfig) -> dict[str, spaces.Dict]:
    """Each agent's observation space; one object for all where all are alike."""
    agents = config.scenario.network.agents
    mask = spaces.Box(0, 1, (MAX_PHASES,), np.int8)
    if config.observation == "default":
        vector = spaces.Box(-LIMIT, LIMIT, (OBSERVATION_SIZE,), np.float32)
        return dict.fromkeys(agents, spaces.Dict({"observation": vector, "action_mask": mask}))
    sizes = observation_sizes(config.scenario.network)
    by_size = {
        size: spaces.Dict({"observation": spaces.Box(0.0, 1.0, (size,), np.float32), "action_mask": mask})
        for size in set(sizes)
    }
    return {agent: by_size[size] for agent, size in zip(agents, sizes, strict=True)}


__all__ = ["LAYOUT", "STATE_FEATURES", "TrafficEnv"]
