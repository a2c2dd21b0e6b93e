"""The web environment: a team in one login, each agent with a tab of its own, as a PettingZoo parallel environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from remalis_envs.arguments import outages, refuse_masked, whole_actions, whole_seed
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.web import episode_figures, text
from remalis_envs.web.actions import ACTIONS, WAIT
from remalis_envs.web.desk import Desk
from remalis_envs.web.engines.base import Engine, EngineError
from remalis_envs.web.episode import Episode, Saved
from remalis_envs.web.observations import LAYOUT, LIMIT, OBSERVATION_SIZE, Layout
from remalis_envs.web.opening import ENGINES, open_engine
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.rules import RULES
from remalis_envs.web.screens import Screen, screen
from remalis_envs.web.source import Choice
from remalis_envs.web.tasks.model import Task
from remalis_envs.web.team import INSTRUCTIONS, PARTED, SCOPES, desks_of
from remalis_envs.web.vocabulary import CONCEPTS, SUBGOALS

Observation = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, repr=False)
class Snapshot:
    """A branch of an episode, for ``WebEnv.restore``."""

    saved: Saved
    agents: tuple[str, ...]


class WebEnv(ParallelEnv[str, Observation, int]):
    """A team on the sites of one world; build it with :func:`remalis_envs.web_v0`.

    Args:
        choice: which tasks are played.
        team: names of roles, in the order in which they act; ``solo`` for one agent with all rights.
        engine: ``chromium``, or ``model`` for pages without a browser.
        roles: ``overlapping`` rights, or ``exclusive`` ones.
        instruction: ``shared``, or ``split`` into the clauses of each agent's trade.
        reward_scope: ``individual`` or ``team``.
        rules: names of :data:`remalis_envs.web.rules.RULES` that the mask keeps.
        strict: an action that the mask forbids is an error instead of waiting.
        render_mode: ``rgb_array`` or None.
        seed: of the environment's own generator, which seeds every ``reset()`` without a seed.
    """

    metadata = {"name": "web_v0", "render_modes": ["rgb_array"], "is_parallelizable": True, "render_fps": 2}

    subgoals = SUBGOALS
    concepts = CONCEPTS

    def __init__(
        self,
        choice: Choice,
        *,
        team: str | Sequence[str],
        engine: str = "chromium",
        roles: str = "overlapping",
        instruction: str = "shared",
        reward_scope: str = "individual",
        rules: Sequence[str] = (),
        strict: bool = False,
        render_mode: str | None = None,
        seed: int | None = None,
    ) -> None:
        for kind, given, valid in (
            ("engine", engine, ENGINES),
            ("roles", roles, PARTED),
            ("instruction", instruction, INSTRUCTIONS),
            ("reward_scope", reward_scope, SCOPES),
        ):
            if given not in valid:
                raise unknown(kind, given, valid)
        if isinstance(rules, str):
            raise RemalisError(f"rules is a list of names such as {list(RULES)}, not {rules!r}")
        for rule in rules:
            if rule not in RULES:
                raise unknown("rule", rule, RULES)
        if render_mode not in (None, "rgb_array"):
            raise unknown("render_mode", render_mode, ("rgb_array",))
        self.choice, self.strict, self.render_mode = choice, strict, render_mode
        self.reward_scope, self.instruction_mode, self.rules = reward_scope, instruction, tuple(rules)
        self._team: tuple[Desk, ...] = tuple(desks_of(team, roles))
        self._engine_name = engine
        self._engine: Engine | None = None
        self.possible_agents = [desk.name for desk in self._team]
        self.agents: list[str] = []
        self._known = {agent: k for k, agent in enumerate(self.possible_agents)}
        self._observation_space = spaces.Dict(
            {
                "observation": spaces.Box(-LIMIT, LIMIT, (OBSERVATION_SIZE,), np.float32),
                "action_mask": spaces.Box(0, 1, (ACTIONS,), np.int8),
            }
        )
        self._action_space: spaces.Discrete = spaces.Discrete(ACTIONS)
        self.state_space = spaces.Box(-np.inf, np.inf, (episode_figures.state_size(len(self._team)),), np.float32)
        self._np_random, _ = seeding.np_random(None if seed is None else whole_seed(seed))
        self._episode: Episode | None = None
        self._outages: list[tuple[int, float, float]] = []
        self._ended, self._broken = "call reset() before step()", ""

    # -- what does not change -------------------------------------------------------------------------------------
    @property
    def layout(self) -> Layout:
        """Slices of the observation vector."""
        return LAYOUT

    def observation_space(self, agent: str) -> spaces.Dict:
        """``Dict(observation=Box(float32, (D,)), action_mask=Box(int8, (A,)))``, the same for every agent."""
        self._agent(agent)
        return self._observation_space

    def action_space(self, agent: str) -> spaces.Discrete:
        """``Discrete(A)``: what to do in the own tab; see :mod:`.actions`."""
        self._agent(agent)
        return self._action_space

    def adjacency(self) -> npt.NDArray[np.bool_]:
        """Who may talk to whom now, bool ``(N, N)``: all of the team that is online, nobody with itself."""
        online = np.array([self._is_online(k) for k in range(len(self._team))], bool)
        return ~np.eye(len(self._team), dtype=bool) & online & online[:, None]

    def _agent(self, agent: str) -> int:
        try:
            return self._known[agent]
        except (KeyError, TypeError):
            raise unknown("agent", agent, self.possible_agents) from None

    def _is_online(self, agent: int) -> bool:
        step = self._episode.step if self._episode is not None else 0
        return not any(a == agent and begin <= step < end for a, begin, end in self._outages)

    # -- episode --------------------------------------------------------------------------------------------------
    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin an episode.

        Args:
            seed: draws the task; None draws one from the environment's own generator.
            options: ``outages``, a list of ``(agent, begin, end)`` in team steps. Others are ignored with a warning.

        Raises:
            RemalisError: the browser cannot be started.
        """
        if seed is not None:
            seed = whole_seed(seed)
            self._np_random, _ = seeding.np_random(seed)
        number = seed if seed is not None else int(self._np_random.integers(2**31 - 1))
        self._outages = outages(options or {}, self._agent, unit="team steps")
        place = self.choice.place(number)
        try:
            if self._engine is None:
                self._engine = open_engine(self._engine_name)
            drawn = self.choice.source.draw(*place)
            self._episode = Episode(drawn, self._engine, self._team, self.instruction_mode, self.rules)
        except EngineError as error:
            self.close()
            raise RemalisError(f"the episode could not begin: {error}") from error
        self._broken = ""
        self.agents = list(self.possible_agents)
        self._ended = "the episode has ended; call reset()"
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Act in every tab, in the order of ``possible_agents``, and read all pages once they have settled.

        Raises:
            RemalisError: before ``reset`` or after the end; an agent is missing or unknown; an action lies outside
                the action space, or (``strict``) outside the mask.
        """
        if not self.agents or self._episode is None:
            raise RemalisError(self._ended)
        wanted = whole_actions(actions, self.agents, self._agent, ACTIONS)
        episode, agents = self._episode, self.agents
        if self.strict:
            refuse_masked(wanted, episode.masks, agents)
        online = [self._is_online(k) for k in range(len(agents))]
        try:
            team_reward, own = episode.act(wanted.tolist(), online)
        except EngineError as error:
            return self._fault(str(error))
        individual = self.reward_scope == "individual"
        rewards = {a: team_reward + (extra if individual else 0.0) for a, extra in zip(agents, own, strict=True)}
        terminated, truncated = episode.confirmed, not episode.confirmed and episode.budget_left <= 0
        observations, infos = self._observations(), self._infos()
        if terminated or truncated:
            self.agents = []
        return observations, rewards, dict.fromkeys(agents, terminated), dict.fromkeys(agents, truncated), infos

    def _observations(self) -> dict[str, Observation]:
        assert self._episode is not None
        rows, masks = self._episode.observations.copy(), self._episode.masks.copy()
        return {
            agent: {"observation": row, "action_mask": mask}
            for agent, row, mask in zip(self.possible_agents, rows, masks, strict=True)
        }

    def _infos(self) -> dict[str, dict[str, Any]]:
        assert self._episode is not None
        # The same keys at every step, and numbers only: TorchRL lays out tensors for them at the first reset.
        fault = bool(self._broken)
        return {
            agent: {**self._episode.info(k), "online": self._is_online(k), "infra_error": fault}
            for k, agent in enumerate(self.possible_agents)
        }

    def _fault(self, reason: str) -> Any:
        """End the episode because the machinery failed: truncated, with the last observations and no reward."""
        agents = self.agents
        self.agents, self._broken = [], reason
        self._close_engine()
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
    @property
    def task(self) -> Task:
        """The task that is played, with all that the team is not told; for people and for scoring."""
        return self._running().task

    def screenshot(self, agent: str) -> Screen:
        """What an agent's tab shows: the browser's own picture, or the page's words where there is no browser."""
        return screen(self._running(), self._agent(agent))

    @property
    def episode(self) -> Episode:
        """The episode with all that the team is not told; for scripted teams and for audits."""
        return self._running()

    def state(self) -> npt.NDArray[np.float32]:
        """The true global state, float32: what is finished, what holds, and where every agent is."""
        return episode_figures.state(self._running())

    def metrics(self) -> dict[str, float]:
        """Figures of the episode so far.

        ``success`` is 1 where the task was solved when somebody confirmed, ``rubric_share`` the share of its checks
        that hold, ``unsafe_actions`` the forbidden effects caused, ``prevented_actions`` what was chosen although one
        of ``rules`` forbade it, ``aligned_share`` the share of work on sub-tasks that fitted together (of
        ``dependent_pairs``; nan for none), ``coordination_time_steps`` the mean time from when a sub-task could be
        begun to when somebody was on it alone, ``busy_share`` the share of agent-steps spent on something but waiting,
        ``notes`` the notebook entries written, ``free_texts`` the uses of text slots.
        """
        return episode_figures.figures(self._running())

    def oracle(self) -> dict[str, int]:
        """The joint action of one who knows everything; it solves the task.

        Words that no candidate has go into a text slot.
        """
        return dict(zip(self.possible_agents, self._running().oracle_actions(), strict=True))

    def readings(self) -> dict[str, Reading]:
        """What each agent's tab shows: address, title, and all controls and texts in page order."""
        return {desk.name: desk.reading for desk in self._running().desks}

    def describe(self, agent: str) -> str:
        """The agent's observation as text."""
        k, episode = self._agent(agent), self._running()
        return text.describe(episode.desks[k], episode.masks[k], episode.notebook.notes, episode.budget_left)

    def action_texts(self, agent: str) -> list[str]:
        """The agent's legal actions as text."""
        k, episode = self._agent(agent), self._running()
        return text.action_texts(episode.desks[k], episode.masks[k], episode.hosts)

    def parse(self, agent: str, answer: str) -> int:
        """The action that ``answer`` names; a field filled with words of the agent's own takes one of its text slots.

        Raises:
            RemalisError: it names none; the message says what could have been said.
        """
        k, episode = self._agent(agent), self._running()
        action = text.parse(episode.desks[k], answer, episode.hosts)
        episode.show_slots(k)
        return action

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The team's pages as words, uint8 ``(height, width, 3)``; None without ``render_mode="rgb_array"``."""
        if self.render_mode is None:
            return None
        from remalis_envs.web.picture import draw

        episode = self._running()
        return draw(episode.desks, episode.task.instruction, episode.notebook.notes, episode.step)

    def _running(self) -> Episode:
        if self._episode is None:
            raise RemalisError("there is no episode yet; call reset()")
        if self._broken:
            raise RemalisError(f"the episode broke off ({self._broken}), and nothing is known of it; call reset()")
        return self._episode

    # -- branching ------------------------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        """The episode as it is now; ``restore`` goes on from here as often as you like."""
        return Snapshot(self._running().save(), tuple(self.agents))

    def restore(self, snapshot: Snapshot) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Go back to ``snapshot`` and return its observations and infos."""
        if not isinstance(snapshot, Snapshot):
            raise RemalisError(f"restore() takes what snapshot() gave, not {type(snapshot).__name__}")
        if self._episode is None or self._engine is None:
            raise RemalisError("there is no episode yet; call reset()")
        self._episode = Episode.restored(snapshot.saved, self._engine, self._episode)
        self.agents, self._broken = list(snapshot.agents), ""
        return self._observations(), self._infos()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy begins with: the choice of tasks and its options, and no episode; call its ``reset()``."""
        nothing: dict[str, Any] = {"_engine": None, "_episode": None, "agents": [], "_broken": ""}
        return {**vars(self), **nothing, "_ended": "this is a copy, which has no episode yet; call reset()"}

    def close(self) -> None:
        """End the browser; safe to call twice."""
        self._close_engine()
        self.agents = []
        self._ended = "the environment is closed; reset() opens it again"
        self._episode = None

    def _close_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


__all__ = ["LAYOUT", "WAIT", "Snapshot", "WebEnv"]
