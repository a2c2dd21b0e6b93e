"""Tasks from a folder of one's own: domain files of the suite's schema, or plain pages with a file for each task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from remalis_envs.errors import RemalisError
from remalis_envs.web.others.tasks import PageOracle, page_task
from remalis_envs.web.others.world import FilesWorld
from remalis_envs.web.sites.loading import load_domain
from remalis_envs.web.sites.schema import DomainError, Section
from remalis_envs.web.source import Drawn

PREDICATES = ("address", "field", "text")
MOST_BYTES = 32 << 20
"""What the pages of one folder may take."""


class DomainFolder:
    """A :class:`~remalis_envs.web.source.Source` of the domain files of a folder, played like the suite's own.

    Args:
        files: of domains, ``name.yaml``.
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = {path.stem: str(path) for path in files}
        for path in self._files.values():
            load_domain(path)  # what is wrong is said now, not in some later episode
        self.domains: tuple[str, ...] = tuple(self._files)

    def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Drawn:
        """See :meth:`remalis_envs.web.source.Source.draw`."""
        from remalis_envs.web.tasks.generate import draw_task

        task, world, oracle = draw_task(self._files[domain], level, seed, site_seed)
        return Drawn(world, task, oracle)


class PageFolder:
    """A :class:`~remalis_envs.web.source.Source` of plain pages and the tasks on them.

    Args:
        folder: with the pages; its YAML files are never served.
        files: of tasks, ``name.yaml``.
    """

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self._pages = _pages(folder)
        self._tasks = {path.stem: _Spec(Section(_yaml(path), path.name), self._pages) for path in files}
        self.domains: tuple[str, ...] = tuple(self._tasks)

    def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Drawn:
        """The task with its words drawn by the seed, on the folder's pages."""
        spec = self._tasks[domain]
        rng = np.random.default_rng(seed)
        words = {name: values[int(rng.integers(len(values)))] for name, values in spec.words.items()}
        world = FilesWorld(self._pages.get, f"/{_filled(spec.start, words)}", "''", spec.watch(words))
        return Drawn(world, page_task(domain, level, seed, spec.steps, _filled(spec.instruction, words)), PageOracle())


class _Spec:
    """What a task file says."""

    def __init__(self, section: Section, pages: Mapping[str, bytes]) -> None:
        self.instruction, self.start = section.text("instruction"), section.text("start").lstrip("/")
        self.steps = section.integer("steps", 10)
        given = section.section("words", {})
        self.words = {name: given.texts(name, least=1) for name in given.data}
        self._solved = _predicate(section.section("solved"))
        failed = section.raw("failed")
        self._failed = None if failed is None else _predicate(section.section("failed"))
        section.finish()
        if self.steps < 1:
            raise DomainError(f"{section.place}.steps must be at least 1, not {self.steps}.")
        if "/" + self.start.partition("?")[0] not in pages:
            raise DomainError(f"{section.place}.start names {self.start!r}, and the folder has no such page.")

    def watch(self, words: Mapping[str, str]) -> str:
        """The expression that tells how the page stands."""
        solved = _expression(self._solved, words)
        failed = "false" if self._failed is None else _expression(self._failed, words)
        return f"{solved} ? {{done: true, reward: 1}} : {failed} ? {{done: true, reward: -1}} : {{done: false}}"


Predicate = tuple[str, str, str]


def _predicate(section: Section) -> Predicate:
    """``{address: ...}``, or ``{field: <selector>, value: ...}``, or ``{text: <selector>, value: ...}``."""
    kinds = [kind for kind in PREDICATES if kind in section.data]
    if len(kinds) != 1:
        raise DomainError(f"{section.place} must have one of {', '.join(PREDICATES)}, and has {kinds or 'none'}.")
    kind = kinds[0]
    found = kind, section.text(kind), "" if kind == "address" else section.text("value")
    section.finish()
    return found


def _expression(predicate: Predicate, words: Mapping[str, str]) -> str:
    kind, where, value = (json.dumps(_filled(part, words)) for part in predicate)
    if kind == '"address"':
        return f"(location.pathname + location.search === {where})"
    held = "(one.type === 'checkbox' || one.type === 'radio' ? String(one.checked) : one.value)"
    if kind == '"text"':
        held = "one.textContent.replace(/\\s+/g, ' ').trim()"
    return f"((one) => one !== null && {held} === {value})(document.querySelector({where}))"


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    return text


def _pages(folder: Path) -> dict[str, bytes]:
    """Path -> content of the folder's files; links that lead out of it are left out."""
    root, found, size = folder.resolve(), {}, 0
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.suffix == ".yaml" or not path.resolve().is_relative_to(root):
            continue
        size += path.stat().st_size
        if size > MOST_BYTES:
            raise RemalisError(
                f"the pages of {folder} take more than {MOST_BYTES >> 20} MiB: leave out what is no page"
            )
        found["/" + path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DomainError(f"{path.name} is no YAML: {error}") from error


def folder_tasks(folder: Path) -> DomainFolder | PageFolder:
    """The tasks of a folder.

    Raises:
        RemalisError: it has none, or both kinds.
        DomainError: a file does not keep to its schema.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise RemalisError(f"the folder {folder} has no .yaml files, neither domains nor tasks")
    contents = [_yaml(path) for path in files]
    on_pages = [isinstance(one, Mapping) and "instruction" in one for one in contents]
    if all(on_pages):
        return PageFolder(folder, files)
    if any(on_pages):
        raise RemalisError(f"the folder {folder} mixes domains and tasks on pages: put them into two folders")
    return DomainFolder(files)
