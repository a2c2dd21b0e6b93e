"""What one agent has before it: its tab's reading, its window on that, its text slots, its last outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from remalis_envs.web.actions import TEXT_SLOTS, WINDOW
from remalis_envs.web.candidates import Candidate
from remalis_envs.web.page_views import PageView
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.vocabulary import SUBGOALS

FORGETTING = 0.7
"""Of what an agent did lately, a step."""
OUTCOMES = ("done", "refused", "unsettled", "masked", "offline", "waited")
"""What became of an agent's last action."""


@dataclass(slots=True, frozen=True)
class Slot:
    """A field and a free text to fill it with."""

    item: Item
    text: str


@dataclass(slots=True)
class Desk:
    """An agent at work.

    Attributes:
        number: of the agent, which is that of its tab.
        name: of the agent.
        role: name of its role; ``alone`` for an agent that has no team.
        rights: that it has.
        instruction: that it was given.
        reading: of its tab.
        view: the reading as candidates and features.
        region: which window of the page it looks through.
        depth: pages that it can go back over.
        slots: free texts, set by ``parse``.
        outcome: what became of its last action, one of :data:`OUTCOMES`.
        moved: whether its tab shows another page since.
        finished: sub-tasks that the last action finished.
        reward: that it was last paid.
        subgoal: index of what its last action served.
        did: of its actions, how many served each sub-goal, in fours and at most 16.
        lately: the same as a mean that forgets.
        last_label: name of what it acted on last.
    """

    number: int
    name: str
    role: str
    rights: frozenset[str]
    instruction: str = ""
    reading: Reading = field(default_factory=lambda: Reading("", "", ()))
    view: PageView | None = None
    region: int = 0
    depth: int = 0
    slots: list[Slot | None] = field(default_factory=lambda: [None] * TEXT_SLOTS)
    outcome: str = "waited"
    moved: bool = False
    finished: int = 0
    reward: float = 0.0
    subgoal: int = -1
    did: list[float] = field(default_factory=lambda: [0.0] * len(SUBGOALS))
    lately: list[float] = field(default_factory=lambda: [0.0] * len(SUBGOALS))
    last_label: str = ""

    def show(self, reading: Reading) -> None:
        """Takes a new reading; the window goes back to the top where the page is another one."""
        self.moved = reading.url != self.reading.url
        if self.moved or reading.dialog != self.reading.dialog:
            self.region = 0
        self.reading = reading

    def note_subgoal(self, goal: int) -> None:
        """Takes note of what its last action served; -1 for nothing."""
        self.subgoal = goal
        self.lately = [FORGETTING * share for share in self.lately]
        if goal >= 0:
            self.did[goal] = min(self.did[goal] + 0.25, 4.0)
            self.lately[goal] += 1.0 - FORGETTING

    def window(self) -> list[Candidate]:
        """The candidates that it sees."""
        assert self.view is not None
        last = min((self.region + 1) * WINDOW, self.view.size)
        return [self.view.candidate(number) for number in range(self.region * WINDOW, last)]

    def candidate(self, number: int) -> Candidate:
        """One of its window."""
        assert self.view is not None
        return self.view.candidate(self.region * WINDOW + number)

    def slot_place(self, number: int) -> int:
        """Where on the page the field of a text slot is; -1 where it is not there."""
        slot = self.slots[number]
        if slot is None:
            return -1
        for place, item in enumerate(self.reading.items):
            if (item.role, item.name, item.context, item.form) == (
                slot.item.role,
                slot.item.name,
                slot.item.context,
                slot.item.form,
            ):
                return place
        return -1

    def copy(self) -> Desk:
        """A copy that shares nothing that changes."""
        return replace(self, slots=list(self.slots), did=list(self.did), lately=list(self.lately))
