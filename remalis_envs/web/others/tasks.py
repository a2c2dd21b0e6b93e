"""What pages of others have for tasks: one check, that the page was pleased, and nobody who knows how."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from remalis_envs.errors import RemalisError
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.source import SPLITS, Choice, Place, Source
from remalis_envs.web.tasks.model import Check, Intent, Task


@dataclass(frozen=True)
class PageTask(Task):
    """A task with a budget of its own.

    Attributes:
        steps: of an episode.
    """

    steps: int = 10

    @property
    def budget(self) -> int:
        """Team steps."""
        return self.steps


def page_task(domain: str, level: str, seed: int, steps: int, instruction: str = "") -> PageTask:
    """A task that is solved when its page says that it was won; the page tells the instruction when it begins."""
    won = Check("page", (("done", 1), ("won", 1)), text="the page gives a reward above nought")
    return PageTask(domain, level, seed, instruction, (), (won,), steps=steps)


class PageOracle:
    """Nobody knows how tasks of others are solved."""

    def intents(
        self,
        readings: Mapping[int, Reading],
        rights: Mapping[int, frozenset[str]],
        notebook: Collection[str] | None = None,
    ) -> dict[int, Intent]:
        """Refuses.

        Raises:
            RemalisError: always.
        """
        raise RemalisError("pages of others come without an oracle: nobody but their own scripts knows the answer")


class PageChoice(Choice):
    """Tasks of others, which all splits share; the episode's own seed is the page's."""

    def __init__(self, source: Source, level: str, domains: Sequence[str] | None, split: str) -> None:
        super().__init__(source, level, source.domains if domains is None else domains, split)

    def place(self, seed: int) -> Place:
        """The task of an episode's seed."""
        rng = np.random.default_rng([seed, SPLITS.index(self.split)])
        return Place(self.domains[int(rng.integers(len(self.domains)))], self.levels[0], seed, 0)


def others_choice(tasks: str | Path, level: str, domains: Sequence[str] | None, split: str, engine: str) -> Choice:
    """Which tasks an environment over pages of others plays.

    Args:
        tasks: ``miniwob/<name>``, ``miniwob`` for all of them, or a folder; see :mod:`.folder`.
        level: see :class:`~remalis_envs.web.source.Choice`.
        domains: likewise.
        split: likewise.
        engine: that is to show them.

    Raises:
        RemalisError: there is no such task, or it cannot be played so.
    """
    name = str(tasks)
    source: Source
    if Path(tasks).is_dir():
        from remalis_envs.web.others.folder import DomainFolder, folder_tasks

        source = folder_tasks(Path(tasks))
        if isinstance(source, DomainFolder):
            return Choice(source, level, domains, split)
    elif isinstance(tasks, Path) or name.partition("/")[0] != "miniwob":
        raise RemalisError(
            f"tasks are 'miniwob/<name>', such as 'miniwob/click-test', a folder that exists, or a source, not {name!r}"
        )
    else:
        from remalis_envs.web.others.miniwob import MiniWobTasks

        source = MiniWobTasks(name)
    if engine != "chromium":
        raise RemalisError(f"pages of others have scripts of their own and need engine='chromium', not {engine!r}")
    return PageChoice(source, level, domains, split)
