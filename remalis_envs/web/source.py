"""Where tasks come from: domains kept apart by split, and one task with its world for each episode's seed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from zlib import crc32

import numpy as np

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.web.sites.protocol import World
from remalis_envs.web.tasks.model import LEVELS, Oracle, Task

SPLITS = ("train", "validation", "test")
ALL = "all"
SITES = 64
"""Sites of each domain in each split."""
HELD_OUT = 10
"""About one domain in so many is kept for validation and another one for testing."""


class JudgedWorld(World, Protocol):
    """Sites whose state can be judged."""

    @property
    def db(self) -> sqlite3.Connection:
        """All that lasts."""

    @property
    def ended(self) -> bool:
        """Whether something final was done: an accepted confirmation, payment or submission."""

    def concept_of(self, requested: str) -> str:
        """What a request, ``"METHOD host/path?query"``, really does: one of ``vocabulary.CONCEPTS``."""


class Drawn(NamedTuple):
    """One task, the sites that it is about, and what solves it."""

    world: JudgedWorld
    task: Task
    oracle: Oracle


class Source(Protocol):
    """Draws tasks."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of all domains."""

    def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Drawn:
        """A task, with a world of its own; the same arguments give the same one.

        Args:
            domain: its name.
            level: ``easy``, ``medium`` or ``hard``.
            seed: of the task.
            site_seed: of the site that it is about; those of one split are few, so that sites need not be drawn anew.
        """


class DomainTasks:
    """The suite's own tasks, drawn from its domains."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of all domains."""
        from remalis_envs.web.sites.loading import domain_names

        return domain_names()

    def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Drawn:
        """See :meth:`Source.draw`."""
        from remalis_envs.web.tasks.generate import draw_task

        task, world, oracle = draw_task(domain, level, seed, site_seed)
        return Drawn(world, task, oracle)


class Place(NamedTuple):
    """What names one task."""

    domain: str
    level: str
    seed: int
    site_seed: int


class Choice:
    """Which tasks an environment plays: the domains and levels that it draws from, in one split.

    Args:
        source: of tasks.
        level: ``easy``, ``medium``, ``hard``, or ``all`` for the mixture.
        domains: names to draw from; None for those of the split. Named domains are drawn from in every split, which
            then differ by their seeds alone.
        split: ``train``, ``validation`` or ``test``.

    Raises:
        UnknownNameError: a name that does not exist.
        RemalisError: no domain is left.
    """

    def __init__(self, source: Source, level: str, domains: Sequence[str] | None, split: str) -> None:
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        if level not in (*LEVELS, ALL):
            raise unknown("level", level, (*LEVELS, ALL))
        known = source.domains
        for domain in domains or ():
            if domain not in known:
                raise unknown("domain", domain, known)
        if domains is not None and (isinstance(domains, str) or not len(domains)):
            raise RemalisError(f"domains is a list of names such as {list(known[:2])}, not {domains!r}")
        self.source, self.split = source, split
        self.levels = LEVELS if level == ALL else (level,)
        self.domains = tuple(domains) if domains is not None else domains_of(known, split)

    def place(self, seed: int) -> Place:
        """The task of an episode's seed."""
        rng = np.random.default_rng([seed, SPLITS.index(self.split)])
        domain = self.domains[int(rng.integers(len(self.domains)))]
        level = self.levels[int(rng.integers(len(self.levels)))]
        site_seed = SPLITS.index(self.split) * SITES + int(rng.integers(SITES))
        return Place(domain, level, int(rng.integers(2**31 - 1)), site_seed)


def domains_of(known: Sequence[str], split: str) -> tuple[str, ...]:
    """The domains of a split, which shares none with the others: a domain's name alone decides where it belongs.

    Where a split would be left with none, which happens with few domains only, it has all.
    """
    places = {name: crc32(name.encode()) % HELD_OUT for name in known}
    wanted = {"validation": (0,), "test": (1,)}.get(split, tuple(range(2, HELD_OUT)))
    return tuple(name for name in known if places[name] in wanted) or tuple(known)
