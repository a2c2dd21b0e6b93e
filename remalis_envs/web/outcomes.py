"""What an episode's actions came to: sub-tasks finished, sub-goals served, concepts acted on, who fitted with whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from remalis_envs.web.pages.items import Item
from remalis_envs.web.roles import ACCOUNT, COMPUTE, CONFIRM, EDIT, OPEN, QUERY, SCHEDULE, right_of_path
from remalis_envs.web.tasks.model import Subtask, Task, judge
from remalis_envs.web.vocabulary import CONCEPTS, SUBGOALS

ON_IT = 3
"""Steps after its last work on an unfinished sub-task during which an agent counts as being on it."""
LATELY = 10
"""Steps over which ``carried`` counts finished sub-tasks."""

_SUBGOAL = {name: number for number, name in enumerate(SUBGOALS)}
_CONCEPT = {name: number for number, name in enumerate(CONCEPTS)}
WAITING, NOTHING = _SUBGOAL["wait"], _CONCEPT["nothing"]


@dataclass(slots=True, frozen=True)
class Act:
    """What an agent did.

    Attributes:
        agent: its number.
        operation: one of ``actions.OPERATIONS``.
        item: that it acted on, if any.
        host: of its page.
        requested: what its tab asked its sites for because of it, ``"METHOD host/path"``.
    """

    agent: int
    operation: str
    item: Item | None
    host: str
    requested: tuple[str, ...] = ()

    @property
    def right(self) -> str:
        """The right that it took."""
        if self.requested:
            _, _, address = self.requested[0].partition(" ")
            host, _, path = address.partition("/")
            if self.operation != "follow":
                return right_of_path(path, host)
        if self.item is not None and self.item.form and self.operation != "follow":
            return right_of_path(self.item.form.partition(" ")[2], self.host)
        return OPEN


def _host(request: str) -> str:
    return request.partition(" ")[2].partition("/")[0]


def subgoal_of(act: Act) -> str:
    """The sub-goal that an action served, where it finished no sub-task that has one."""
    item, right = act.item, act.right
    if act.operation == "wait":
        return "wait"
    if act.operation == "record":
        return "report"
    if item is not None and item.role == "date":
        return "choose a date"
    if right == QUERY:
        return "filter" if item is not None and act.operation in ("choose", "toggle") else "search"
    by_right = {EDIT: "fill", COMPUTE: "compute", SCHEDULE: "choose a date", CONFIRM: "confirm", ACCOUNT: "fill"}
    if right in by_right:
        return by_right[right]
    if any("/review" in request for request in act.requested):
        return "review"
    return "open"


def concept_of(act: Act, meaning: Callable[[str], str]) -> str:
    """What the control that was acted on really does, from what it made its tab ask for, or would ask for when sent.

    Args:
        act: the action.
        meaning: gives the concept of a request; see ``JudgedWorld.concept_of``.
    """
    if act.operation == "wait":
        return "nothing"
    if act.operation == "record":
        return "fact"
    if act.item is not None and act.item.role == "date":
        return "date"
    if act.requested:
        return meaning(act.requested[0])
    if act.item is not None and act.item.form and act.operation != "follow":
        method, _, path = act.item.form.partition(" ")
        return meaning(f"{method} {act.host}{path}")
    return "navigation"


@dataclass(slots=True)
class Outcomes:
    """The record of one episode.

    Attributes:
        task: that is played.
        finished: sub-task -> (agent, step) that finished it.
        rubric_share: of checks that hold now.
        harm: forbidden effects that hold now.
        solved: whether all of it holds and nothing forbidden.
        success: whether the task was solved when it was confirmed.
        unsafe: forbidden effects caused.
        pairs: agent-steps that worked on a sub-task.
        aligned: of these, those that fitted together.
    """

    task: Task
    finished: dict[str, tuple[int, int]] = field(default_factory=dict)
    rubric_share: float = 0.0
    harm: int = 0
    solved: bool = False
    success: bool = False
    unsafe: int = 0
    pairs: int = 0
    aligned: int = 0
    _changes: int = -1
    _worked: dict[str, dict[int, int]] = field(default_factory=dict)
    _open_since: dict[str, int] = field(default_factory=dict)
    _coordination: list[int] = field(default_factory=list)

    def begin(self, db: sqlite3.Connection) -> None:
        """Takes note of how things stand before anybody acts."""
        self.look(db, -1, 0)
        self._note_open(0)

    def look(self, db: sqlite3.Connection, agent: int, step: int) -> list[str]:
        """Looks at the sites' state after an action; names the sub-tasks that it finished."""
        if db.total_changes == self._changes:
            return []
        self._changes = db.total_changes
        now = [
            one.name
            for one in self.task.subtasks
            if one.name not in self.finished and one.done and all(check.holds(db) for check in one.done)
        ]
        for name in now:
            self.finished[name] = (agent, step)
        self.rubric_share, self.solved, harm = judge(self.task, db)
        self.unsafe += max(0, harm - self.harm)
        self.harm = harm
        return now

    def told(self, text: str) -> list[str]:
        """The sub-tasks that a note finishes: those whose fact it holds, where no check on the sites' state does."""
        return [
            one.name
            for one in self.task.subtasks
            if not one.done and one.name not in self.finished and self.task.facts.get(one.name, "\0") in text
        ]

    def forget_changes(self) -> None:
        """Takes nothing of the sites' state for granted: it was put back."""
        self._changes = -1

    def worked_on(self, act: Act, finished: Sequence[str]) -> str:
        """The sub-task that an action worked on; "" for none.

        It is one that it finished; else, of those not finished, the first that wants this sub-goal and right and whose
        inputs exist, or else the first of those whose inputs do not.
        """
        if finished:
            return finished[0]
        goal, right = subgoal_of(act), act.right
        if goal in ("wait", "report", "open"):
            return ""
        fitting = [
            one
            for one in self.task.subtasks
            if one.name not in self.finished and one.subgoal == goal and one.right == right
        ]
        ready = [one.name for one in fitting if self._has_inputs(one)]
        return ready[0] if ready else fitting[0].name if fitting else ""

    def align(self, worked: Sequence[str], step: int) -> list[int]:
        """Whether what each agent did in a step fits together, by agent: -1 nothing to say, 0 aligned, 1 misaligned.

        An agent is misaligned when somebody else was on its sub-task in this step or shortly before, or when the
        sub-task's inputs did not exist.
        """
        by_name = {one.name: one for one in self.task.subtasks}
        out = []
        for agent, name in enumerate(worked):
            if not name:
                out.append(-1)
                continue
            others = [a for a, other in enumerate(worked) if other == name and a != agent]
            lately = self._worked.get(name, {})
            others += [a for a, last in lately.items() if a != agent and step - last <= ON_IT]
            ready = all(self.finished.get(need, (0, step))[1] < step for need in by_name[name].needs)
            out.append(int(bool(others) or not ready))
        for agent, (name, bad) in enumerate(zip(worked, out, strict=True)):
            if bad < 0:
                continue
            self._worked.setdefault(name, {})[agent] = step
            self.pairs += 1
            self.aligned += 1 - bad
            if not bad and name in self._open_since:
                self._coordination.append(step - self._open_since.pop(name))
        self._note_open(step)
        return out

    def carried(self, agent: int, step: int) -> int:
        """Sub-tasks that an agent finished lately."""
        return sum(a == agent and step - at < LATELY for a, at in self.finished.values())

    def coordination_steps(self) -> float:
        """Mean steps from when a sub-task's inputs exist to when somebody works on it alone; nan for none."""
        return fmean(self._coordination) if self._coordination else float("nan")

    def _has_inputs(self, one: Subtask) -> bool:
        return all(need in self.finished for need in one.needs)

    def _note_open(self, step: int) -> None:
        for one in self.task.subtasks:
            known = one.name in self.finished or one.name in self._open_since
            if one.needs and not known and self._has_inputs(one):
                self._open_since[one.name] = step

    def copy(self) -> Outcomes:
        """A copy that shares nothing that changes."""
        other = Outcomes(self.task)
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(other, name, value.copy() if isinstance(value, dict | list) else value)
        other._worked = {name: dict(by_agent) for name, by_agent in self._worked.items()}
        return other
