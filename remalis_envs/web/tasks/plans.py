"""From a goal to a task: sub-tasks with needs and rights, clauses, plans in words, steps of the oracle."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from remalis_envs.web.roles import ACCOUNT, COMPUTE, CONFIRM, EDIT, OPEN, QUERY, SCHEDULE
from remalis_envs.web.sites import maps
from remalis_envs.web.sites.catalogue import filters_of_entity
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.lists import list_fields
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.sites.showing import shown
from remalis_envs.web.sites.tools import written
from remalis_envs.web.tasks import phrasing
from remalis_envs.web.tasks.facts import Fact, fact_of, way_to
from remalis_envs.web.tasks.goals import EQUAL, LEAST, MOST, NAMED, Condition, Goal, Pick, Wanted
from remalis_envs.web.tasks.model import Check, Subtask, Task
from remalis_envs.web.tasks.rubrics import (
    basket_line,
    critical_path,
    entry_check,
    field_check,
    in_words,
    outcome,
    pages_of,
    seen,
)
from remalis_envs.web.tasks.steps import Compute, Enter, Fill, Final, Look, Read, Search, Start, Step


@dataclass(frozen=True)
class Planned:
    """A task with what the generator needs beside it.

    Attributes:
        task: the task.
        site: with rows that the task adds.
        start: ``host/path`` of the first page.
        steps: of the oracle.
    """

    task: Task
    site: Site
    start: str
    steps: tuple[Step, ...]


def plan(site: Site, goal: Goal, level: str, seed: int, rng: Random) -> Planned:
    """The task of a goal.

    Args:
        site: that it is about.
        goal: what is to be reached.
        level: ``medium`` or ``hard``.
        seed: for the record.
        rng: draws the wording.
    """
    builder = _Builder(site, goal, level, rng)
    builder.build()
    rubric, forbidden = outcome(site, goal)
    subtasks = tuple(step.subtask for step in builder.steps)
    instruction = " ".join(dict.fromkeys(text for text in builder.clauses if text))
    task = Task(
        domain=site.domain.name,
        level=level,
        seed=seed,
        instruction=instruction,
        subtasks=subtasks,
        rubric=rubric,
        forbidden=forbidden,
        plans=in_words(subtasks),
        facts={fact.name: fact.value for fact in builder.facts.values()},
        metadata={
            "subtasks": float(len(subtasks)),
            "critical_path": float(critical_path(subtasks)),
            "pages": float(len({address for step in builder.steps for address in step.way})),
        },
    )
    return Planned(task, site, "main/", tuple(builder.steps))


class _Builder:
    """Puts the steps of a goal together, in order."""

    def __init__(self, site: Site, goal: Goal, level: str, rng: Random) -> None:
        self.site, self.goal, self.level, self.rng = site, goal, level, rng
        self.mechanic = MECHANICS[goal.service.mechanic]
        self.steps: list[Step] = []
        self.clauses: list[str] = []
        self.facts: dict[str, Fact] = {}
        self.sums: dict[str, str] = {}
        """By input, the sub-task that works its value out."""

    def build(self) -> None:
        """All steps and clauses."""
        asked = phrasing.ask(self.site, self.goal, self.rng)
        self.clauses.append(asked)
        finds = [self._find(place, pick, asked) for place, pick in enumerate(self.goal.picks)]
        timing = phrasing.slot_clause(self.goal, self.rng) if self.goal.slot else ""
        self.clauses.append(timing)
        if self.goal.slot_asked == "free":
            finds.append(self._calendar(timing))
        told = phrasing.input_clauses(self.goal, self.rng)
        needs = self._facts_and_sums(told)
        begun = self._begin(finds, timing)
        form = pages_of(self.goal.service, self.goal.wanted)
        filled = begun
        if form:
            clause = " ".join(dict.fromkeys(text for _, text in told))  # two boxes may share a sentence
            checks = tuple(field_check(one) for one in self.goal.wanted)
            sub = Subtask("fill", "fill", EDIT, "Fill in the draft and save it.", clause, (*begun, *needs), checks)
            self.steps.append(Fill(sub, ("main/", "main/draft"), form))
            filled = ("fill",)
        self.clauses += [text for _, text in told]
        if self.goal.entry:
            filled = (*filled, self._enter(begun))
        end = phrasing.closing(self.goal.service, self.rng)
        self.clauses.append(end)
        done = (Check("episode", (("ended", 1), ("service", self.goal.service.name))),)
        sub = Subtask("confirm", "confirm", CONFIRM, "Review the draft and confirm it.", end, filled, done)
        shows = tuple(one.value for one in self.goal.wanted)
        way = ("main/", "main/draft", "main/review")
        path = f"POST {self.mechanic.final_path(self.goal.service)}"
        self.steps.append(Final(sub, way, self.goal.service.final, path, shows))

    def _find(self, place: int, pick: Pick, asked: str) -> str:
        """Finds a row: by searching what is public, by looking into the account."""
        service, name = self.goal.service, f"find {place + 1}" if place else "find"
        needs = tuple(self._identify(one, asked) for one in pick.conditions if one.clue is not None)
        entity = self.site.domain.entities[service.entity]
        title = self.site.name(entity.name, pick.row)
        if entity.place != "catalogue":
            key = f"account/{entity.name}/{pick.row['id']}"
            way = way_to(self.site, self.level, entity.name, pick.row)
            sub = Subtask(name, "read a fact", OPEN, f"Find {title} in the account.", asked, needs, (seen(key),))
            self.steps.append(Look(sub, way))
            return name
        filterable = {spec.name: values for spec, values in filters_of_entity(self.site, entity)}
        fields: list[tuple[str, str]] = []
        words: list[tuple[str, Condition]] = []
        listed = {spec.name for spec in list_fields(entity)}
        for one in pick.conditions:
            value = shown(self.site, one.spec, one.value)
            if one.kind == EQUAL and value in filterable.get(one.spec.name, ()):
                fields.append((one.spec.label, value))
            elif one.kind == NAMED or (one.kind == EQUAL and one.spec.name in listed):
                words.append((value, one))
            elif one.kind in (LEAST, MOST) and one.spec.name in listed:
                fields.append(("Sort by", f"{one.spec.label}: {'up' if one.kind == LEAST else 'down'}"))
        if words:
            value, one = words[0]
            fields.insert(0, ("Words", value))
            if one.clue is not None:  # what the instruction does not say has to be noted to be typed
                needs = (*needs, self._note(one, asked))
        if not fields:
            fields = [("Words", title)]
        check = seen(f"found/{entity.name}/{pick.row['id']}")
        sub = Subtask(name, "search", QUERY, f"Search {entity.plural} for {title}.", asked, needs, (check,))
        way = ("main/", f"main/list/{entity.name}", f"main/search/{entity.name}")
        self.steps.append(Search(sub, way, tuple(fields), title))
        return name

    def _identify(self, one: Condition, asked: str) -> str:
        """Finds out which row a clue is about, and notes its name."""
        other = self.site.domain.entities[one.spec.entity]
        row = self.site.row(other.name, one.value)
        assert row is not None and one.clue is not None
        title, name = self.site.name(other.name, row), f"identify {other.name} {one.value}"
        if any(step.subtask.name == name for step in self.steps):
            return name
        way = way_to(self.site, self.level, other.name, row)
        landmark = maps.landmark_of(one.clue)
        if landmark:
            way = ("map/", f"map/from/{landmark}")
        elif one.clue.shown == "apart":
            way = (*way, f"{way[-1]}/more")
        clue = one.clue.label.lower()
        text = f"Find out which {other.singular} is meant by its {clue}: {title}."
        key = way[-1].removeprefix("main/")
        sub = Subtask(name, "read a fact", OPEN, text, asked, (), (seen(key),))
        self.steps.append(Look(sub, way))
        self.facts[name] = Fact(name, title, title, "", way)
        return name

    def _note(self, one: Condition, asked: str) -> str:
        """Notes the name of the row that a clue is about."""
        other = self.site.domain.entities[one.spec.entity]
        row = self.site.row(other.name, one.value)
        assert row is not None
        title, name = self.site.name(other.name, row), f"note {other.name} {one.value}"
        if not any(step.subtask.name == name for step in self.steps):
            way = way_to(self.site, self.level, other.name, row)
            text = f"Note the name of the {other.singular}: {title}."
            needs, key = (self._identify(one, asked),), way[-1].removeprefix("main/")
            sub = Subtask(name, "read a fact", OPEN, text, asked, needs, (seen(key),))
            self.steps.append(Read(sub, way, Fact(name, title, title, "", way)))
        return name

    def _facts_and_sums(self, told: list[tuple[Wanted | None, str]]) -> tuple[str, ...]:
        """Facts to be read and sums to be worked out for the form; gives the names of what the form needs."""
        needs: list[str] = []
        for wanted, clause in told:
            if wanted is None:
                continue
            needs += self._readings(wanted, clause)
            if wanted.steps:
                needs.append(self._sums(wanted, clause))
        return tuple(dict.fromkeys(needs))

    def _readings(self, wanted: Wanted, clause: str) -> list[str]:
        """Reads what a value is, or follows from where no sum gives it: a date, a choice, a yes or no."""
        names = [wanted.fact] if wanted.fact else []
        if not wanted.steps and not wanted.worked_out and wanted.field.value is not None:
            names += sorted(wanted.field.value.names)
        return [self._read(name, clause) for name in names if name.startswith(("target.", "profile."))]

    def _read(self, name: str, clause: str) -> str:
        sub_name = f"read {name}"
        if name in self.facts:
            return sub_name
        fact = fact_of(self.site, self.goal.service, self.goal.picks[0].row, name, self.level)
        self.facts[name] = fact
        key = fact.way[-1].removeprefix("main/")
        needs = ("find",) if name.startswith("target") else ()
        label = name.rpartition(".")[2].replace("_", " ")
        sub = Subtask(sub_name, "read a fact", OPEN, f"Read the {label} and note it.", clause, needs, (seen(key),))
        self.steps.append(Read(sub, fact.way, fact))
        return sub_name

    def _sums(self, wanted: Wanted, clause: str) -> str:
        """Works out a value, one operation after the other, and before it those of other inputs that it rests on."""
        if wanted.field.name in self.sums:
            return self.sums[wanted.field.name]
        names: list[str] = []
        for place, step in enumerate(wanted.steps):
            needs = [
                self._read(term.name, clause)
                for term in (step.first, step.second)
                if term.name.startswith(("target.", "profile."))
            ]
            for term in (step.first, step.second):
                needs += [
                    self._sums(one, clause) for one in self.goal.wanted if one.field.name == term.name and one.steps
                ]
            needs += [names[term.step] for term in (step.first, step.second) if term.step >= 0]
            name = f"compute {wanted.field.name}" + (f" {place + 1}" if len(wanted.steps) > 1 else "")
            a, b, result = (written(value) for value in (step.first.value, step.second.value, step.result))
            sub = Subtask(
                name,
                "compute",
                COMPUTE,
                f"Work out {a} {step.operation} {b} and note the result.",
                clause,
                tuple(dict.fromkeys(needs)),
                (seen(f"calculator {result}"),),
            )
            self.steps.append(Compute(sub, ("calculator/",), a, step.operation, b, result))
            names.append(name)
        self.sums[wanted.field.name] = names[-1]
        return names[-1]

    def _calendar(self, timing: str) -> str:
        """Looks at the weeks of the calendar up to that of the slot."""
        today = self.site.today
        monday = today - dt.timedelta(days=today.weekday())
        last = dt.date.fromisoformat(self.goal.slot.partition(" ")[0])
        way, key = ["calendar/"], "calendar/"
        while monday + dt.timedelta(days=7) <= last:
            monday += dt.timedelta(days=7)
            way.append(f"calendar/week/{monday.isoformat()}")
            key = way[-1]
        text = "Look into the calendar for when the team is free."
        sub = Subtask("calendar", "choose a date", SCHEDULE, text, timing, (), (seen(key),))
        self.steps.append(Look(sub, tuple(way)))
        return "calendar"

    def _enter(self, begun: tuple[str, ...]) -> str:
        """Puts the slot into the calendar."""
        goal, entry = self.goal, self.goal.entry
        assert entry is not None
        clause = phrasing.entry_clause(goal, self.rng)
        self.clauses.append(clause)
        needs: tuple[str, ...] = begun
        if entry.fact.startswith("target."):
            needs = (self._read(entry.fact, clause),)
        elif entry.fact:
            fact = Fact("slot", goal.slot, goal.slot, "Time", ("main/", "main/draft"))
            self.facts["slot"] = fact
            sub = Subtask("read slot", "read a fact", OPEN, "Note the time that is held.", "", begun, (seen("draft"),))
            self.steps.append(Read(sub, fact.way, fact))
            needs = (*begun, "read slot")
        elif not goal.slot:  # the date of a field of the form
            fields = [one for one in goal.wanted if one.field.label == entry.label]
            needs = tuple(dict.fromkeys(name for one in fields for name in self._readings(one, clause)))
        text = f'Enter "{entry.title}" in the calendar on {entry.date}{" at " + entry.time if entry.time else ""}.'
        sub = Subtask("enter", "fill", SCHEDULE, text, clause, needs, (entry_check(goal),))
        self.steps.append(Enter(sub, ("calendar/",), entry.date, entry.time, entry.title))
        return "enter"

    def _begin(self, finds: list[str], timing: str) -> tuple[str, ...]:
        """Presses what begins the service; for purchases, fills the basket and checks out."""
        service, mechanic, goal = self.goal.service, self.mechanic, self.goal
        begins = ACCOUNT if mechanic.begins in ("account", "messages") else EDIT
        names = []
        for place, (pick, find) in enumerate(zip(goal.picks, finds, strict=False)):
            name = f"begin {place + 1}" if place else "begin"
            title = self.site.name(service.entity, pick.row)
            if mechanic.quantity:
                checks = (basket_line(goal, pick),)
                text, quantity = f"Put {pick.quantity} of {title} into the basket.", str(pick.quantity)
            else:
                about = (("service", service.name), ("target", goal.target), ("slot", goal.slot))
                checks = (Check("draft", about),)
                text, quantity = f"Begin: {service.label}, {title}{' at ' + goal.slot if goal.slot else ''}.", ""
            needs = (find, *(one for one in finds if one == "calendar"))
            sub = Subtask(name, "choose a date" if goal.slot else "fill", begins, text, timing, needs, checks)
            way = way_to(self.site, self.level, service.entity, pick.row)
            form = f"POST {mechanic.start_path(service, pick.row['id'])}"
            label = mechanic.start_label(service, goal.slot)
            # Where each button bears the slot's own name, no text beside it need do so.
            context = goal.slot if label == service.label else ""
            self.steps.append(Start(sub, way, label, form, context, quantity))
            names.append(name)
        if not mechanic.quantity:
            return tuple(names)
        check = Check("draft", (("service", service.name), ("target", 0), ("state", "open")))
        sub = Subtask("checkout", "fill", EDIT, "Go to the checkout.", "", tuple(names), (check,))
        path = f"POST /draft/checkout/{service.name}"
        self.steps.append(Start(sub, ("main/", "main/basket"), "Go to checkout", path))
        return ("checkout",)
