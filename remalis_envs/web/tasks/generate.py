"""Draws tasks: ``draw_task(domain, level, seed)`` gives the task, the world that it is done in and the oracle."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import NamedTuple

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.web.sites.database import connect, site_blob
from remalis_envs.web.sites.drawing import Site, draw_site
from remalis_envs.web.sites.tools import Seen
from remalis_envs.web.sites.world import SiteWorld
from remalis_envs.web.tasks.distractors import add_distractors
from remalis_envs.web.tasks.draw_goals import draw_goal
from remalis_envs.web.tasks.easy import plan_easy
from remalis_envs.web.tasks.goals import Goal
from remalis_envs.web.tasks.model import LEVELS, Task
from remalis_envs.web.tasks.oracle import TaskOracle
from remalis_envs.web.tasks.plans import plan
from remalis_envs.web.tasks.steps import Step

DEEP = 4
"""What a hard task has to have of ``Goal.depth``, where a domain gives it."""
TRIES = 8


class Drawn(NamedTuple):
    """A task, ready to begin.

    Attributes:
        task: what is to be done and how it is judged.
        world: as it is at the beginning; each call of :func:`draw_task` gives a new one.
        oracle: that solves it in that world.
    """

    task: Task
    world: SiteWorld
    oracle: TaskOracle


@dataclass(frozen=True)
class _Kept:
    """All of a drawn task that does not change, so that drawing it again costs next to nothing.

    Pages are kept where other tasks show the same ones: a task with rows of its own, of which a dense page takes half a
    megabyte, keeps its pages for an episode only.
    """

    task: Task
    site: Site
    blob: bytes
    start: str
    steps: tuple[Step, ...]
    pages: dict[object, Seen] | None


def draw_task(domain: str, level: str, seed: int, site_seed: int | None = None) -> Drawn:
    """Draws a task; the same arguments give the same one in any process.

    Args:
        domain: name of a domain, or a path that ends in ``.yaml``.
        level: ``easy``, ``medium`` or ``hard``.
        seed: of the task.
        site_seed: of the site; None takes ``seed``. Drawing a site costs some milliseconds, so that whoever resets
            often takes site seeds from a small set.

    Raises:
        UnknownNameError: if there is no such domain or level.
    """
    if level not in LEVELS:
        raise unknown("level", level, LEVELS)
    kept = _draw(domain, level, seed, seed if site_seed is None else site_seed)
    world = SiteWorld(kept.site, level, kept.blob, kept.start, kept.pages)
    return Drawn(kept.task, world, TaskOracle(kept.steps, world))


def done_subtasks(task: Task, db: sqlite3.Connection) -> frozenset[str]:
    """Names of the sub-tasks whose checks hold; those without checks leave no trace and are never in it."""
    return frozenset(one.name for one in task.subtasks if one.done and all(check.holds(db) for check in one.done))


@lru_cache(maxsize=64)
def _draw(domain: str, level: str, seed: int, site_seed: int) -> _Kept:
    site = draw_site(domain, site_seed)
    rng = Random(f"{site.domain.name}/{level}/{seed}/task")
    db = connect(site_blob(domain, site_seed))
    if level == "easy":
        drawn = plan_easy(site, db, seed, rng)
    else:
        goal = _goal(site, level, rng, db)
        for _ in range(TRIES if level == "hard" else 0):
            if goal.depth >= DEEP:
                break
            goal = max(goal, _goal(site, level, rng, db), key=lambda one: one.depth)
        if level == "hard":
            site, goal = add_distractors(site, goal, rng, db)
        db.executemany("INSERT INTO event (date, time, title, source) VALUES (?, ?, ?, 'own')", goal.events)
        drawn = plan(site, goal, level, seed, rng)
    db.execute("BEGIN")
    watched = sorted(
        {str(check.where[0][1]) for one in drawn.task.subtasks for check in one.done if check.table == "seen"}
    )
    db.executemany("INSERT INTO seen VALUES (?, 0)", [(what,) for what in watched])
    db.execute("COMMIT")
    shared = _pages(domain, level, site_seed) if drawn.site is draw_site(domain, site_seed) else None
    return _Kept(drawn.task, drawn.site, db.serialize(), drawn.start, drawn.steps, shared)


@lru_cache(maxsize=64)
def _pages(domain: str, level: str, site_seed: int) -> dict[object, Seen]:
    """Pages that all tasks of a site share, where the task adds no rows."""
    return {}


def _goal(site: Site, level: str, rng: Random, db: sqlite3.Connection) -> Goal:
    """A goal of any service that the site has rows for."""
    services = list(site.domain.services.values())
    rng.shuffle(services)
    for service in services:
        free: dict[int, list[str]] = {}
        found = db.execute(
            "SELECT target, slot FROM slot WHERE service = ? AND NOT taken ORDER BY slot", (service.name,)
        )
        for target, slot in found:
            free.setdefault(target, []).append(slot)
        goal = draw_goal(site, service, level, rng, free)
        if goal is not None:
            return goal
    raise RemalisError(
        f"No service of {site.domain.name} has a row that its rules allow at site seed {site.seed}; "
        "make the rules exclude fewer rows."
    )
