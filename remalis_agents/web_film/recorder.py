"""Plays an episode on the web and records what there was to see."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from remalis_agents.web_film.changes import State, changes, state_of
from remalis_agents.web_film.recording import IDLE, Ending, Moment, Recording, Turn
from remalis_agents.web_film.words import answer, deed, place_of
from remalis_envs.errors import RemalisError
from remalis_envs.web.actions import FIND, FIRST_CANDIDATE, FIRST_TEXT, NEXT_REGION, PREVIOUS_REGION, WAIT
from remalis_envs.web.desk import Desk
from remalis_envs.web.engines.base import EngineError
from remalis_envs.web.env import WebEnv
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.screens import Screen, screen

if TYPE_CHECKING:
    from remalis_agents.film import Player


class Recorder:
    """Records one episode; :meth:`moments` plays it.

    A picture may scroll a page so that what is acted on is in sight; nothing that an agent reads depends on that.

    Args:
        env: a web environment; it is reset here.
        player: who chooses the actions.
        seed: of the episode.
        options: that the environment was made with, for the recording.
        who: the player's name for people.
        pictures: take pictures of the tabs.

    Raises:
        RemalisError: the episode cannot begin.
    """

    def __init__(
        self, env: WebEnv, player: Player, seed: int, options: Mapping[str, Any], who: str, pictures: bool = True
    ) -> None:
        self.env, self.player, self.pictures = env, player, pictures
        self._observations, _ = env.reset(seed=seed)
        player.reset(env, seed)
        task = env.task
        try:
            start = screen(env.episode, 0) if pictures else None
        except EngineError as error:
            raise RemalisError(f"the episode could not begin: {error}") from error
        self._shown = [start] * len(env.possible_agents)  # the last picture of each tab; all begin alike
        self._state: State = state_of(env.episode.drawn.world.db)
        self.recording = Recording(
            dict(options),
            seed,
            env.choice.place(seed),
            who,
            task.instruction,
            task.budget,
            tuple(env.possible_agents),
            {one.name: one.text for one in task.subtasks},
            start,
            digests(env.readings()),
        )

    def moments(self) -> Generator[Moment, None, None]:
        """Every team step, as it is played; the recording has its ending after the last."""
        fault = ""
        while self.env.agents and not fault:
            try:
                moment = self._step()
            except EngineError as error:  # while a picture was taken
                moment, fault = None, str(error)
            if moment is None:
                fault = fault or self.env.infra_error
                break
            self.recording.moments.append(moment)
            yield moment
        self.recording.ending = Ending(fault=fault) if fault else ending(self.env)

    def _step(self) -> Moment | None:
        """Plays a team step; None where the machinery failed."""
        env, episode = self.env, self.env.episode
        actions = self.player.act(self._observations)
        chosen = [int(actions[agent]) for agent in env.possible_agents]
        shown = [desk.reading for desk in episode.desks]
        begun = [self._turn(k, action) for k, action in enumerate(chosen)]
        done = set(episode.outcomes.finished)
        self._observations, rewards, _, _, infos = env.step(actions)
        if any(info["infra_error"] for info in infos.values()):
            return None
        finished = {name: who for name, (who, _) in episode.outcomes.finished.items() if name not in done}
        turns = []
        for k, (turn, desk, before) in enumerate(zip(begun, episode.desks, shown, strict=True)):
            acted = desk.outcome not in IDLE
            if acted and self.pictures:
                self._shown[k] = screen(episode, k, _looked_at(desk, turn.action))
            turns.append(
                Turn(
                    turn.agent,
                    turn.action,
                    turn.slots,
                    turn.words,
                    desk.outcome,
                    episode.acts[k].requested,
                    answer(before, desk.reading, desk.outcome, episode.acts[k].requested),
                    tuple(self.recording.subtasks[name] for name, who in finished.items() if who == k),
                    turn.before if acted else None,
                    self._shown[k] if acted else None,
                    desk.reading.url != before.url,
                )
            )
        after = state_of(episode.drawn.world.db)
        changed, self._state = changes(self._state, after), after
        return Moment(
            episode.step,
            tuple(turns),
            episode.notebook.notes,
            changed,
            frozenset(episode.outcomes.finished),
            {agent: float(reward) for agent, reward in rewards.items()},
            digests(env.readings()),
        )

    def _turn(self, agent: int, action: int) -> Turn:
        """What an agent is about to do."""
        episode = self.env.episode
        desk = episode.desks[agent]
        legal = bool(episode.masks[agent, action])
        picture: Screen | None = None
        if self.pictures and legal and action != WAIT:
            picture = screen(episode, agent, place_of(desk, action), self._shown[agent])
        slots = tuple(desk.slots) if FIRST_TEXT <= action < FIRST_CANDIDATE else ()
        words = deed(desk, action, episode.hosts) if legal else "tries what it may not do"
        return Turn(desk.name, action, slots, words, before=picture)


def _looked_at(desk: Desk, action: int) -> int:
    """The first item of the part of a page that an agent turned to; -1 where it did something else."""
    window = desk.window() if action in (NEXT_REGION, PREVIOUS_REGION, FIND) else ()
    return window[0].place if window else -1


def ending(env: WebEnv) -> Ending:
    """What the judge says of an episode that has ended."""
    task, db, metrics = env.task, env.episode.drawn.world.db, env.metrics()
    return Ending(
        bool(metrics["success"]),
        bool(metrics["confirmed"]),
        metrics["rubric_share"],
        tuple((check.text or check.table, check.holds(db)) for check in task.rubric),
        tuple(check.text or check.table for check in task.forbidden if check.holds(db)),
        {name: value for name, value in metrics.items() if math.isfinite(value)},
    )


def digests(readings: Mapping[str, Reading]) -> dict[str, str]:
    """By agent, what tells one reading from another."""
    return {agent: hashlib.sha256(repr(one).encode()).hexdigest()[:16] for agent, one in readings.items()}
