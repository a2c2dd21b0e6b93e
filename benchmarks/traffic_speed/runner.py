"""Runs measurements in fresh processes: one after another, or side by side in short turns."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Any, Protocol

from .course import Course
from .process import LIMIT_S, TURN_LIMIT_S, Cell, Process


class Progress(Protocol):
    """Whoever shows how far a section is."""

    def expect(self, count: int) -> None:
        """So many more parts are to come."""

    def begin(self, label: str) -> None:
        """A part begins."""

    def end(self) -> None:
        """It is done."""


def interleave(cells: dict[str, Cell], repetitions: int, progress: Progress) -> dict[str, list[dict[str, Any]]]:
    """Make whole measurements ``repetitions`` times, in turn; every other round backwards, so that drift cancels.

    For what cannot wait for others in the middle of its work; all else is compared by :func:`take_turns`.

    Raises:
        RuntimeError: a measurement failed; the message quotes the end of its error output.
    """
    results: dict[str, list[dict[str, Any]]] = {label: [] for label in cells}
    progress.expect(repetitions * len(cells))
    for k in range(repetitions):
        for label in list(cells) if k % 2 == 0 else list(cells)[::-1]:
            progress.begin(label)
            with Process(cells[label]) as process:
                results[label].append(process.result())
            progress.end()
    return results


def take_turns(cells: dict[str, Cell], rounds: int, progress: Progress) -> dict[str, list[dict[str, Any]]]:
    """Make measurements side by side: in each round all are alive, and one at a time works, for one turn of its course.

    Turn k of every measurement falls within the same fraction of a second, so drift of the machine's speed meets all.

    Returns:
        For each label a result a round.

    Raises:
        RuntimeError: a measurement failed or hung; the message quotes the end of its error output, and all are ended.
        ValueError: their courses have different numbers of turns.
    """
    counts = {len(Course.from_dict(cell.arguments["course"]).turns) for cell in cells.values()}
    if len(counts) != 1:
        raise ValueError(f"Courses side by side need the same number of turns; these have {sorted(counts)}.")
    turns = counts.pop()
    results: dict[str, list[dict[str, Any]]] = {label: [] for label in cells}
    progress.expect(rounds * (len(cells) + turns))
    for k in range(rounds):
        with contextlib.ExitStack() as stack:
            crew = _started(cells, stack, progress)
            for turn in range(turns):
                progress.begin(f"round {k + 1}, turn {turn + 1} of {turns}")
                for label in order(list(cells), k * turns + turn):
                    crew[label].go()
                    crew[label].hear("done", TURN_LIMIT_S)
                progress.end()
            for label, process in crew.items():
                process.go()
                results[label].append(process.result())
    return results


def _started(cells: dict[str, Cell], stack: contextlib.ExitStack, progress: Progress) -> dict[str, Process]:
    """All measurements, loaded and warmed up: none of it is timed, so as many at once as there are cores."""
    crew: dict[str, Process] = {}
    loading: deque[Process] = deque()

    def finish_one() -> None:
        loading.popleft().hear("ready", LIMIT_S)
        progress.end()

    for label, cell in cells.items():
        if len(loading) >= (os.cpu_count() or 1):
            finish_one()
        progress.begin(f"{label} loads")
        crew[label] = stack.enter_context(Process(cell))
        loading.append(crew[label])
    while loading:
        finish_one()
    return crew


def order(labels: list[str], turn: int) -> list[str]:
    """Who works when in a turn: ABC, CBA, then BCA, ACB, then CAB, BAC.

    Backwards every other turn, so that steady drift cancels; rotated, so that everybody is as often the one that works
    twice in a row and finds its data still in the cache.
    """
    begin = turn // 2 % len(labels)
    rotated = labels[begin:] + labels[:begin]
    return rotated if turn % 2 == 0 else rotated[::-1]
