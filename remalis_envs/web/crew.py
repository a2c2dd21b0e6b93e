"""A scripted crew: everybody knows the plan and sees what is finished; whether they hear who is on what is an option.

It measures what talking is worth in a task, before anybody learns to: the same agents, once told all intentions, once
silent. Nobody in it knows more than a member of the team who has read the plan could.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from remalis_envs.web.actions import WAIT
from remalis_envs.web.desk import Desk
from remalis_envs.web.episode import Episode
from remalis_envs.web.oracle import action_of
from remalis_envs.web.tasks.model import Intent
from remalis_envs.web.tasks.moves import follow
from remalis_envs.web.tasks.oracle import TaskOracle
from remalis_envs.web.tasks.steps import Step


class Crew:
    """Agents who each take up a sub-task that can be begun, and stay on it until it is finished.

    Args:
        told: whether each hears what the others are on, in the order of the agents, and takes something else.
        seed: of what a silent agent takes up where it could do several things.
    """

    def __init__(self, told: bool, seed: int) -> None:
        self._told, self._rng = told, Random(seed)
        self._on: dict[int, str] = {}

    def actions(self, episode: Episode) -> list[int]:
        """What each agent does next; waiting once the episode is over."""
        desks = episode.desks
        oracle = episode.drawn.oracle
        if episode.confirmed or not episode.budget_left:
            return [WAIT] * len(desks)
        if not isinstance(oracle, TaskOracle):
            raise TypeError("a scripted crew plays the suite's own tasks only")
        notes = [note.text for note in (*episode.notebook.notes, *episode.notebook.written)]
        done = oracle.done(notes)
        left = [step for step in oracle.steps if step.subtask.name not in done]
        ready = [step for step in left if all(need in done for need in step.subtask.needs)]
        self._take_up(desks, ready)
        by_name = {step.subtask.name: step for step in left}
        chosen = []
        for desk in desks:
            intent = self._intent(desk, by_name, left)
            action = WAIT if intent is None else action_of(desk, intent, episode.hosts, episode.home)
            episode.show_slots(desk.number)
            chosen.append(action if episode.masks[desk.number, action] else WAIT)
        return chosen

    def _take_up(self, desks: Sequence[Desk], ready: Sequence[Step]) -> None:
        names = {step.subtask.name for step in ready}
        self._on = {agent: name for agent, name in self._on.items() if name in names}
        for desk in sorted(desks, key=lambda one: (len(one.rights), one.number)):
            if desk.number in self._on:
                continue
            able = [step.subtask.name for step in ready if step.subtask.right in desk.rights]
            if self._told:
                able = [name for name in able if name not in self._on.values()]
            if able:
                self._on[desk.number] = able[0] if self._told else self._rng.choice(able)

    def _intent(self, desk: Desk, by_name: dict[str, Step], left: Sequence[Step]) -> Intent | None:
        name = self._on.get(desk.number)
        if name is not None:
            step = by_name[name]
            return step.intent(step.act(desk.reading))
        # Nothing to do yet: on the way to what this agent's rights will be wanted for.
        for step in left:
            if step.subtask.right in desk.rights and step.subtask.right != "open" and step.ahead:
                return step.intent(follow(desk.reading, step.ahead))
        return None
