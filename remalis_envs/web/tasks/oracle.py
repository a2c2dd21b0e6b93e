"""The oracle of a task: it knows the steps, gives each to an agent that may take it, works on what is read alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from remalis_envs.web.pages.items import Reading
from remalis_envs.web.roles import COMPUTE, SCHEDULE
from remalis_envs.web.sites.world import SiteWorld
from remalis_envs.web.tasks.model import Intent
from remalis_envs.web.tasks.moves import follow
from remalis_envs.web.tasks.steps import Read, Step


class TaskOracle:
    """Solves the task that it was made for, with any team that holds the rights for it.

    Attributes:
        steps: in an order in which they can be done.
    """

    def __init__(self, steps: Sequence[Step], world: SiteWorld) -> None:
        """Makes it.

        Args:
            steps: in an order in which they can be done.
            world: whose database says what is done.
        """
        self.steps = tuple(steps)
        self._world = world
        self._recorded: set[str] = set()
        self._who: dict[str, int] = {}
        self._apart: set[str] = set()
        for step in self.steps:
            fetched = isinstance(step, Read) or step.subtask.right in (COMPUTE, SCHEDULE)
            if fetched and self._apart.issuperset(step.subtask.needs):
                self._apart.add(step.subtask.name)

    def done(self, notebook: Collection[str] | None = None) -> set[str]:
        """Names of the steps that are done.

        Args:
            notebook: texts that the team has written down; None to trust that what was to be recorded was.
        """
        known = self._recorded if notebook is None else set(notebook) | (self._recorded & set(notebook))
        found = set()
        for step in self.steps:
            if step.record:
                if step.record in known:
                    found.add(step.subtask.name)
            elif all(check.holds(self._world.db) for check in step.subtask.done):
                found.add(step.subtask.name)
        return found

    def intents(
        self,
        readings: Mapping[int, Reading],
        rights: Mapping[int, frozenset[str]],
        notebook: Collection[str] | None = None,
    ) -> dict[int, Intent]:
        """What each agent should do next.

        Args:
            readings: tab -> its last reading.
            rights: tab -> rights of its agent.
            notebook: texts that the team has written down; None to trust that what was to be recorded was.
        """
        done = self.done(notebook)
        intents = {tab: Intent() for tab in readings}
        if self._world.ended:
            return intents
        free = [tab for tab in sorted(readings) if tab in rights]
        open_steps = [step for step in self.steps if step.subtask.name not in done]
        ready = [step for step in open_steps if all(name in done for name in step.subtask.needs)]
        if len(free) == 1:
            # Who has found a row and then leaves it, alone, to fetch something has to find it again.
            ready.sort(key=lambda step: step.subtask.name not in self._apart)
        for step in [*ready, *(step for step in open_steps if step not in ready)]:
            tab = self._choose(step, free, rights)
            if tab is None:
                continue
            free.remove(tab)
            if step in ready:
                self._who[step.subtask.name] = tab
                move = step.act(readings[tab])
                intents[tab] = step.intent(move)
                if step.record and isinstance(move, int):
                    self._recorded.add(step.record)
            elif step.ahead:
                intents[tab] = step.intent(follow(readings[tab], step.ahead))
        return intents

    def _choose(self, step: Step, free: list[int], rights: Mapping[int, frozenset[str]]) -> int | None:
        """Who takes a step: who had it, who did what it needs, else who can do least beside it."""
        name = step.subtask.name
        able = [tab for tab in free if step.subtask.right in rights[tab]]
        if not able:
            return None
        if self._who.get(name) in able:
            return self._who[name]
        before = [self._who.get(need) for need in reversed(step.subtask.needs)]
        for tab in before:
            if tab in able and step.subtask.right != "open":
                self._who[name] = tab
                return tab
        self._who[name] = min(able, key=lambda tab: (len(rights[tab]), tab))
        return self._who[name]
