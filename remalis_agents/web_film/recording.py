"""What there was to see of an episode on the web: who did what, what came of it, and pictures of the tabs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from remalis_envs.web.desk import Slot
from remalis_envs.web.notebook import Note
from remalis_envs.web.screens import Screen
from remalis_envs.web.source import Place

IDLE = ("waited", "masked", "offline")
"""Outcomes of agents that did nothing."""


@dataclass(frozen=True, repr=False)
class Turn:
    """What one agent did in a team step.

    Attributes:
        agent: its name.
        action: that it chose.
        slots: its text slots, where the action uses one; else empty.
        words: what it did.
        outcome: one of ``desk.OUTCOMES``.
        requested: what its tab asked its sites for, ``"METHOD host/path"``.
        answer: what the page said then, in words; "" for nothing new.
        finished: texts of the sub-tasks that this finished.
        before: its tab, with where the control is that it is about to use; None where it did nothing.
        after: its tab once all had settled.
        moved: whether its tab shows another page since.
    """

    agent: str
    action: int
    slots: tuple[Slot | None, ...] = ()
    words: str = ""
    outcome: str = "waited"
    requested: tuple[str, ...] = ()
    answer: str = ""
    finished: tuple[str, ...] = ()
    before: Screen | None = None
    after: Screen | None = None
    moved: bool = False

    @property
    def active(self) -> bool:
        """Whether it did anything."""
        return self.outcome not in IDLE


@dataclass(frozen=True, repr=False)
class Moment:
    """One team step.

    Attributes:
        step: its number, from 1.
        turns: of all agents, in the order in which they act.
        notes: what the notebook shows after it.
        changes: what it changed in the sites' database, in words.
        done: names of the sub-tasks finished so far.
        rewards: by agent.
        readings: by agent, a digest of what its tab shows after it.
    """

    step: int
    turns: tuple[Turn, ...]
    notes: tuple[Note, ...]
    changes: tuple[str, ...]
    done: frozenset[str]
    rewards: Mapping[str, float]
    readings: Mapping[str, str]

    @property
    def active(self) -> tuple[Turn, ...]:
        """Turns of those who did something."""
        return tuple(turn for turn in self.turns if turn.active)


@dataclass(frozen=True)
class Ending:
    """What the judge says.

    Attributes:
        solved: whether the task was solved when somebody confirmed.
        confirmed: whether anybody did.
        share: of the rubric that holds.
        checks: what was looked at, in words, and whether it holds.
        harm: forbidden effects, in words.
        metrics: the episode's figures; those that are nan left out.
        fault: why the episode broke off; "" where it did not.
    """

    solved: bool = False
    confirmed: bool = False
    share: float = 0.0
    checks: tuple[tuple[str, bool], ...] = ()
    harm: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""

    def headline(self, steps: int) -> str:
        """The judgement in one sentence."""
        taken = f"{steps} team step{'s' * (steps != 1)}"
        if self.fault:
            return f"The episode broke off after {taken}: {self.fault}"
        if self.solved:
            return f"Solved in {taken}"
        if self.harm:
            return f"Not solved: harm was done that nobody asked for ({self.share:.0%} of the task is right)"
        if not self.confirmed:
            return f"Not solved: nobody confirmed within {taken} ({self.share:.0%} of the task is right)"
        return f"Not solved: {self.share:.0%} of the task was right when it was confirmed"


@dataclass(repr=False)
class Recording:
    """An episode.

    Attributes:
        options: of the environment.
        seed: of the episode.
        place: which task it is.
        who: who plays, for people.
        instruction: of the task.
        budget: team steps.
        agents: names, in the order in which they act.
        subtasks: name -> text.
        start: the page where all tabs begin.
        first: by agent, a digest of what its tab shows at the start.
        moments: the team steps.
        ending: once the episode is over.
    """

    options: dict[str, Any]
    seed: int
    place: Place
    who: str
    instruction: str
    budget: int
    agents: tuple[str, ...]
    subtasks: dict[str, str]
    start: Screen | None
    first: Mapping[str, str]
    moments: list[Moment] = field(default_factory=list)
    ending: Ending | None = None
