"""One episode: actions dispatched in order, pages read, notes shown, and what it all came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.web.actions import (
    BACK,
    FIND,
    FIRST_BOOKMARK,
    FIRST_CANDIDATE,
    FIRST_TEXT,
    HOME,
    NEXT_REGION,
    PREVIOUS_REGION,
    WAIT,
    operation_of,
)
from remalis_envs.web.candidates import Candidate, host_of
from remalis_envs.web.desk import Desk
from remalis_envs.web.engines.base import Deed, Engine
from remalis_envs.web.features import FeatureTable, Key
from remalis_envs.web.notebook import CAPACITY, Note, Notebook
from remalis_envs.web.observations import Observer
from remalis_envs.web.oracle import action_of
from remalis_envs.web.outcomes import NOTHING, WAITING, Act, Outcomes, concept_of, subgoal_of
from remalis_envs.web.pages.items import Item
from remalis_envs.web.roles import ROLES
from remalis_envs.web.rules import Order
from remalis_envs.web.sites.protocol import ScriptedWorld
from remalis_envs.web.source import Drawn
from remalis_envs.web.tasks.model import Intent, Oracle
from remalis_envs.web.team import told
from remalis_envs.web.vocabulary import CONCEPTS, SUBGOALS

SUCCESS, HARM, STEP, SUBTASKS = 1.0, 0.5, 0.01, 0.5
"""Reward for success, for each forbidden effect (taken away), for a step (taken away), and, shared out over a task's
sub-tasks, to who finished them."""
_SUBGOAL = {name: number for number, name in enumerate(SUBGOALS)}
_CONCEPT = {name: number for number, name in enumerate(CONCEPTS)}


@dataclass(slots=True)
class Report:
    """What an agent's last action came to, for ``infos``."""

    subgoal: int = WAITING
    concept: int = NOTHING
    misaligned: int = -1
    masked: bool = False


@dataclass(frozen=True, repr=False)
class Saved:
    """An episode at one moment."""

    drawn: Drawn
    world: bytes
    tabs: Any
    desks: tuple[Desk, ...]
    notebook: Notebook
    outcomes: Outcomes
    marks: dict[Key, int]
    counts: tuple[int, int, int, int, bool]
    order: tuple[tuple[str, ...], int]
    reports: tuple[Report, ...]


@dataclass(slots=True)
class _Step:
    """What happens within one step."""

    acted: list[int] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    finished: dict[int, list[str]] = field(default_factory=dict)


class Episode:
    """A task being played.

    Args:
        drawn: the task with its world.
        engine: that shows the world.
        team: the agents, as they are between episodes.
        mode: what they are told: ``shared`` or ``split``.
        rules: names of :data:`remalis_envs.web.rules.RULES` that the masks keep.
    """

    def __init__(
        self, drawn: Drawn, engine: Engine, team: Sequence[Desk], mode: str, rules: Sequence[str] = ()
    ) -> None:
        engine.reset(drawn.world, len(team), drawn.task.seed)
        drawn = _told_by_page(drawn, engine)
        self.drawn, self.engine, self.task = drawn, engine, drawn.task
        self.hosts: tuple[str, ...] = tuple(drawn.world.hosts)
        self.home: str = drawn.world.start
        self.step, self.masked, self.busy, self.free_texts = 0, 0, 0, 0
        self.confirmed = False
        self.desks = [
            Desk(d.number, d.name, d.role, d.rights, told(drawn.task, d.role, mode), slots=[None] * len(d.slots))
            for d in team
        ]
        self.notebook = Notebook()
        self.reports = [Report() for _ in self.desks]
        self.acts: list[Act] = []
        self._marks: dict[Key, int] = {}
        self.order = Order(rules, drawn.world, len(self.desks))
        self.outcomes = Outcomes(drawn.task)
        self.outcomes.begin(drawn.world.db)
        self._begin_views()
        for desk, reading in zip(self.desks, engine.read(list(range(len(self.desks)))), strict=True):
            desk.show(reading)
            desk.moved = False
        self._observe()

    def _begin_views(self) -> None:
        told = dict.fromkeys(desk.instruction for desk in self.desks)
        self._tables = {instruction: FeatureTable(instruction, self._marks) for instruction in told}
        self._observer = Observer(self.desks, self.hosts, self.home)

    @property
    def observations(self) -> npt.NDArray[np.float32]:
        """What the team sees, ``(N, D)``; it is written over, so copy what you keep."""
        return self._observer.array

    @property
    def masks(self) -> npt.NDArray[np.int8]:
        """What the team may do, ``(N, A)``; written over as well."""
        return self._observer.masks

    @property
    def budget_left(self) -> int:
        """Team steps that are left."""
        return max(0, self.task.budget - self.step)

    # -- acting ---------------------------------------------------------------------------------------------------
    def act(self, actions: Sequence[int], online: Sequence[bool]) -> tuple[float, list[float]]:
        """One team step.

        Args:
            actions: by agent.
            online: by agent; who is not waits.

        Returns:
            The team's reward, and what each agent gets beside it for the sub-tasks that it finished.
        """
        before, harm = self.outcomes.rubric_share, self.outcomes.harm
        step = _Step()
        for table in self._tables.values():
            table.forget_recent()
        legal = self.masks[np.arange(len(self.desks)), list(actions)]
        self.engine.expect(self._deeds(actions, online, legal))
        for k, (desk, action) in enumerate(zip(self.desks, actions, strict=True)):
            self.reports[k] = Report(masked=not legal[k])
            desk.moved, desk.finished = False, 0
            self.masked += not legal[k]
            if not legal[k]:
                self.order.note(k, action)
            if not online[k] or not legal[k] or action == WAIT or self.confirmed:
                desk.outcome = "offline" if not online[k] else "waited" if legal[k] else "masked"
                step.acts.append(Act(k, "wait", None, ""))
                continue
            self.busy += 1
            act = self._perform(desk, action, step)
            step.acts.append(act)
            self.confirmed = bool(self.drawn.world.ended)
            step.finished[k] = self.outcomes.look(self.drawn.world.db, k, self.step)
        self.step += 1
        self.acts = step.acts
        self._show(step)
        return self._settle(step, before, harm)

    def _deeds(self, actions: Sequence[int], online: Sequence[bool], legal: npt.NDArray[np.int8]) -> dict[int, Deed]:
        """By tab, what the candidates that were chosen would have done there."""
        deeds: dict[int, Deed] = {}
        for k, (desk, action) in enumerate(zip(self.desks, actions, strict=True)):
            if online[k] and legal[k] and action >= FIRST_CANDIDATE:
                deed = desk.candidate(action - FIRST_CANDIDATE).deed
                if deed is not None:
                    deeds[desk.number] = deed
        return deeds

    def _perform(self, desk: Desk, action: int, step: _Step) -> Act:
        """Does what one agent wants."""
        desk.outcome = "done"
        host = host_of(desk.reading)
        if action in (NEXT_REGION, PREVIOUS_REGION, FIND):
            assert desk.view is not None
            peaks = desk.view.peaks
            best = max(range(len(peaks)), key=peaks.__getitem__)
            desk.region = {NEXT_REGION: desk.region + 1, PREVIOUS_REGION: desk.region - 1, FIND: best}[action]
            return Act(desk.number, operation_of(action), None, host)
        candidate: Candidate | None = None
        item: Item | None = None
        if action < FIRST_CANDIDATE:
            deed, operation = self._fixed_deed(desk, action), operation_of(action)
            self.free_texts += operation == "text slot"
            item = desk.reading.items[deed.item] if deed.item >= 0 else None
        else:
            candidate = desk.candidate(action - FIRST_CANDIDATE)
            operation, item = candidate.offer.operation, desk.reading.items[candidate.place]
            self._mark((item, operation, candidate.offer.value), desk.number)
            if candidate.deed is None:
                self._record(desk, candidate.place)
                return Act(desk.number, operation, item, host)
            deed = candidate.deed
        done = self.engine.act(desk.number, deed)
        step.acted.append(desk.number)
        desk.outcome = done.status
        desk.depth = max(0, desk.depth - 1) if deed.kind == "back" else desk.depth
        return Act(desk.number, operation, item, host, done.requested)

    def _fixed_deed(self, desk: Desk, action: int) -> Deed:
        if action == BACK:
            return Deed("back")
        if action == HOME:
            return Deed("visit", value=self.home)
        if action < FIRST_TEXT:
            return Deed("visit", value=f"{self.hosts[action - FIRST_BOOKMARK + 1]}/")
        slot = desk.slots[action - FIRST_TEXT]
        assert slot is not None
        return Deed("choose" if slot.item.options else "fill", desk.slot_place(action - FIRST_TEXT), slot.text)

    def _record(self, desk: Desk, place: int) -> None:
        """Writes a text into the notebook; a reader writes down the whole row or list that it stands in."""
        items = desk.reading.items
        places = [place]
        role = ROLES.get(desk.role)
        if role is not None and role.records_many and items[place].context:
            alike = (k for k, one in enumerate(items) if one.context == items[place].context and not one.is_control)
            places = [place, *(k for k in alike if k != place and items[k].name)][: CAPACITY // 2]
        for k in places:
            item = items[k]
            about = item.context or desk.reading.title
            self.notebook.write(Note(item.name, about, desk.number, self.step))

    def _mark(self, what: Key, agent: int) -> None:
        self._marks[what] = self._marks.get(what, 0) | 1 << agent
        for table in self._tables.values():
            table.mark(what)

    # -- seeing ---------------------------------------------------------------------------------------------------
    def _show(self, step: _Step) -> None:
        """Reads the tabs that acted; shows the notes of the step."""
        tabs = list(dict.fromkeys(step.acted))
        for tab, reading in zip(tabs, self.engine.read(tabs) if tabs else (), strict=True):
            desk = self.desks[tab]
            desk.show(reading)
            went_back = any(act.agent == tab and act.operation == "back" for act in step.acts)
            desk.depth += desk.moved and not went_back
        written = list(self.notebook.written)
        if self.notebook.turn_page():
            for table in self._tables.values():
                table.take_notes(self.notebook.notes)
            for note in written:
                for name in self.outcomes.told(note.text):
                    self.outcomes.finished[name] = (note.author, self.step - 1)
                    step.finished.setdefault(note.author, []).append(name)

    def _observe(self) -> None:
        for desk in self.desks:
            desk.view = self._tables[desk.instruction].view(desk.reading, desk.rights)
            desk.region = min(desk.region, desk.view.regions - 1)
        self._observer.fill_notes(self.notebook.notes, self.step)
        self._observer.fill(self.desks, self._tables, self.budget_left / self.task.budget)
        self.order.mask(self.desks, self.masks)

    def show_slots(self, agent: int) -> None:
        """Shows an agent's text slots, which have changed."""
        self._observer.fill_slots(agent, self.desks[agent])

    def _settle(self, step: _Step, before: float, harm: int) -> tuple[float, list[float]]:
        """Rewards and reports of a step, and what is seen after it."""
        outcomes = self.outcomes
        if self.confirmed:
            outcomes.success = outcomes.solved
        reward = outcomes.rubric_share - before - HARM * max(0, outcomes.harm - harm) - STEP
        reward += SUCCESS * outcomes.success
        worked = [outcomes.worked_on(act, step.finished.get(k, ())) for k, act in enumerate(step.acts)]
        misaligned = outcomes.align(worked, self.step - 1)
        share, own = SUBTASKS / max(1, len(self.task.subtasks)), []
        by_name = {one.name: one for one in self.task.subtasks}
        for k, (desk, act) in enumerate(zip(self.desks, step.acts, strict=True)):
            finished = step.finished.get(k, [])
            goal = by_name[finished[0]].subgoal if finished else subgoal_of(act)
            report = self.reports[k]
            report.subgoal, report.concept = _SUBGOAL[goal], _CONCEPT[concept_of(act, self.drawn.world.concept_of)]
            report.misaligned = misaligned[k]
            desk.last_label = act.item.name if act.item is not None else ""
            desk.finished = len(finished)
            desk.note_subgoal(report.subgoal)
            own.append(share * len(finished))
            desk.reward = reward + own[-1]
        self._observe()
        return reward, own

    # -- what it came to ------------------------------------------------------------------------------------------
    def info(self, agent: int) -> dict[str, Any]:
        """What happened to an agent."""
        report = self.reports[agent]
        return {
            "subgoal": report.subgoal,
            "concept": report.concept,
            "misaligned": float(report.misaligned),
            "carried": float(self.outcomes.carried(agent, self.step)),
            "masked": report.masked,
        }

    def was_done(self, item: Item, operation: str) -> bool:
        """Whether an agent has done something to a control, with whatever value."""
        return any((item, operation) == done[:2] for done in self._marks)

    def oracle_actions(self) -> list[int]:
        """What the oracle would have each agent do; waiting once the episode is over."""
        return self.actions_for(self.oracle_intents(self.drawn.oracle))

    def oracle_intents(self, oracle: Oracle) -> dict[int, Intent]:
        """What an oracle of the task wants of each agent; nothing once the episode is over."""
        if self.confirmed or not self.budget_left:
            return {}
        readings = {desk.number: desk.reading for desk in self.desks}
        rights = {desk.number: desk.rights for desk in self.desks}
        return oracle.intents(readings, rights, [note.text for note in (*self.notebook.notes, *self.notebook.written)])

    def actions_for(self, intents: Mapping[int, Intent]) -> list[int]:
        """Legal actions that do what is intended, an agent each; waiting where there is none."""
        chosen = []
        for desk in self.desks:
            intent = intents.get(desk.number)
            action = WAIT if intent is None else action_of(desk, intent, self.hosts, self.home)
            self.show_slots(desk.number)
            chosen.append(action if self.masks[desk.number, action] else WAIT)
        return chosen

    # -- branching ------------------------------------------------------------------------------------------------
    def save(self) -> Saved:
        """The episode as it is now."""
        return Saved(
            self.drawn,
            self.drawn.world.save(),
            self.engine.save(),
            tuple(desk.copy() for desk in self.desks),
            self.notebook.copy(),
            self.outcomes.copy(),
            dict(self._marks),
            (self.step, self.masked, self.busy, self.free_texts, self.confirmed),
            (self.order.names, self.order.prevented),
            tuple(Report(r.subgoal, r.concept, r.misaligned, r.masked) for r in self.reports),
        )

    @classmethod
    def restored(cls, saved: Saved, engine: Engine, current: Episode) -> Episode:
        """The episode that was saved, in place of the current one."""
        if current.drawn is not saved.drawn:
            engine.reset(saved.drawn.world, len(saved.desks), saved.drawn.task.seed)
        saved.drawn.world.load(saved.world)
        engine.restore(saved.tabs)
        self = cls.__new__(cls)
        self.drawn, self.engine, self.task = saved.drawn, engine, saved.drawn.task
        self.hosts, self.home = tuple(saved.drawn.world.hosts), saved.drawn.world.start
        self.step, self.masked, self.busy, self.free_texts, self.confirmed = saved.counts
        self.desks = [desk.copy() for desk in saved.desks]
        self.notebook, self.outcomes = saved.notebook.copy(), saved.outcomes.copy()
        self.outcomes.forget_changes()
        self.reports = [Report(r.subgoal, r.concept, r.misaligned, r.masked) for r in saved.reports]
        self.acts = []
        self._marks = dict(saved.marks)
        self.order = Order(saved.order[0], saved.drawn.world, len(saved.desks))
        self.order.prevented = saved.order[1]
        self._begin_views()
        for table in self._tables.values():
            table.take_notes(self.notebook.notes)
        for desk, reading in zip(self.desks, engine.read(list(range(len(self.desks)))), strict=True):
            desk.reading = reading
        self._observe()
        return self


def _told_by_page(drawn: Drawn, engine: Engine) -> Drawn:
    """The task with the instruction that its page told when it began, where pages are others'."""
    world = drawn.world
    if not isinstance(world, ScriptedWorld):
        return drawn
    engine.read([0])
    return drawn._replace(task=replace(drawn.task, instruction=world.instruction or drawn.task.instruction))
