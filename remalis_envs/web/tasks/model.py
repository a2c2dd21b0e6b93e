"""What a task is: an instruction, sub-tasks that depend on each other, and checks on the final state of the sites."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.pages.items import Reading

LEVELS = ("easy", "medium", "hard")
BUDGETS = {"easy": 8, "medium": 40, "hard": 120}
"""Team steps of an episode."""


@dataclass(frozen=True)
class Check:
    """A predicate on the database: how many rows of a table have given values.

    Attributes:
        table: its name.
        where: column -> value that rows must have.
        count: how many such rows there must be.
        text: the check in words, for reports; never shown to a team.
    """

    table: str
    where: tuple[tuple[str, str | int | float], ...]
    count: int = 1
    text: str = ""

    def holds(self, db: sqlite3.Connection) -> bool:
        """Whether it holds now."""
        where = " AND ".join(f'"{column}" IS ?' for column, _ in self.where) or "1"
        values = [value for _, value in self.where]
        (found,) = db.execute(f'SELECT COUNT(*) FROM "{self.table}" WHERE {where}', values).fetchone()
        return found == self.count


@dataclass(frozen=True)
class Subtask:
    """One piece of a task.

    Attributes:
        name: unique in its task.
        subgoal: one of ``vocabulary.SUBGOALS``.
        right: one of ``roles.RIGHTS``: who can do it.
        text: what is to be done, as the reference plan says it.
        clause: the part of the instruction that speaks of it, for ``instruction="split"``; "" for none.
        needs: names of sub-tasks whose results it needs.
        done: holds once it is done.
    """

    name: str
    subgoal: str
    right: str
    text: str
    clause: str = ""
    needs: tuple[str, ...] = ()
    done: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Task:
    """Everything about one task.

    Attributes:
        domain: name of its domain.
        level: one of :data:`LEVELS`.
        seed: that it was drawn from, with its domain and level.
        instruction: what the team is told.
        subtasks: in an order in which they can be done.
        rubric: checks that all hold when it is solved.
        forbidden: checks of which none may hold: harm that was not asked for.
        plans: the reference plan in two wordings.
        facts: name -> value of what has to be found out on the way (for audits, never shown).
        metadata: complexity: pages, elements, steps of the oracle.
    """

    domain: str
    level: str
    seed: int
    instruction: str
    subtasks: tuple[Subtask, ...]
    rubric: tuple[Check, ...]
    forbidden: tuple[Check, ...] = ()
    plans: tuple[str, str] = ("", "")
    facts: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, float] = field(default_factory=dict)

    @property
    def budget(self) -> int:
        """Team steps."""
        return BUDGETS[self.level]


@dataclass(frozen=True)
class Intent:
    """What the oracle wants an agent to do: a deed, or recording a text of the page, or waiting.

    Attributes:
        deed: in terms of the tab's last reading; None to wait or to record.
        record: place of a text in the tab's last reading that is to be recorded; -1 for none.
        subtask: name of the sub-task that it serves; "" for none.
    """

    deed: Deed | None = None
    record: int = -1
    subtask: str = ""


class Oracle(Protocol):
    """Solves the task that it was made for; it sees what nobody else sees."""

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
            notebook: texts that the team has written down; None where that does not matter.
        """


def judge(task: Task, db: sqlite3.Connection) -> tuple[float, bool, int]:
    """The share of the rubric that holds, whether the task is solved, and how many forbidden effects there are."""
    held = sum(check.holds(db) for check in task.rubric)
    harm = sum(check.holds(db) for check in task.forbidden)
    return held / len(task.rubric), held == len(task.rubric) and not harm, harm
