"""Live progress of a leaderboard: a bar with the time left and one line for each cell under way."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from leaderboard.cells import Cell
from leaderboard.cluster import Running
from remalis_agents.progress import duration

PLAIN_INTERVAL_S = 20.0
_START_S, _STEPS_PER_S, _TOY_STEPS_PER_S = 15.0, 150.0, 1000.0
_EPISODE_S = {"toy/partners": 0.1, "traffic/medium": 16.0, "traffic/hard": 32.0, "traffic/hell": 100.0}
_OTHER_EPISODE_S = 3.0
"""Guesses, of which only the ratios matter: what a cell costs beside another one."""


class CellsProgress:
    """Shows how far the cells are.

    Args:
        cells: all that are to run.
        kept: how many need not, because their results are there.
        stream: where to; standard output by default.
    """

    def __init__(self, cells: Sequence[Cell], kept: int, stream: TextIO | None = None) -> None:
        self._console = Console(file=stream or sys.stdout)
        self._total, self._kept = len(cells), kept
        self._trainings: set[str] = set()
        self._whole = sum(self._guess(cell) for cell in cells)
        self._trainings.clear()
        self._paid, self._ended, self._failed = 0.0, 0, 0
        self._begun, self._line_at = time.monotonic(), 0.0
        self._live: Live | None = None
        if self._console.is_terminal and cells:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def ended(self, cell: Cell, failed: str | None) -> None:
        """One line for a cell that has ended."""
        self._paid += self._guess(cell)
        self._ended += 1
        self._failed += failed is not None
        mark = Text("failed ", "red") if failed is not None else Text("done   ", "green")
        self._console.print(Text.assemble(mark, cell.label, ("" if failed is None else f": {failed}", "dim")))

    def show(self, running: Sequence[Running]) -> None:
        """Bring the display up to date."""
        share = self._share(running)
        if self._live is not None:
            self._live.update(self._display(running, share))
        elif time.monotonic() - self._line_at >= PLAIN_INTERVAL_S:
            self._line_at = time.monotonic()
            print(self._head(share), file=self._console.file, flush=True)

    def _guess(self, cell: Cell) -> float:
        """Seconds; a training that several cells play counts once."""
        new = cell.learned and cell.training_key not in self._trainings
        self._trainings |= {cell.training_key} if new else set()
        return self._playing(cell) + (self._training(cell) if new else 0.0)

    @staticmethod
    def _playing(cell: Cell) -> float:
        return _EPISODE_S.get(cell.task, _OTHER_EPISODE_S) * len(cell.seeds)

    @staticmethod
    def _training(cell: Cell) -> float:
        traffic = (cell.trained_on or "").startswith("traffic")
        return _START_S + (cell.budget or 0) / (_STEPS_PER_S if traffic else _TOY_STEPS_PER_S)

    def _share(self, running: Sequence[Running]) -> float:
        under_way = 0.0
        for one in running:
            told = float(one.told.get("share", 0.0))
            new = one.cell.learned and one.cell.training_key not in self._trainings
            training = self._training(one.cell) if new else 0.0
            if one.told.get("doing") == "training":
                under_way += told * training
            elif one.told.get("doing") == "playing":
                under_way += training + told * self._playing(one.cell)
        return min((self._paid + under_way) / self._whole, 1.0) if self._whole else 1.0

    def _head(self, share: float) -> str:
        spent = time.monotonic() - self._begun
        left = f", about {duration(spent * (1 - share) / share)} left" if 0.02 < share < 1.0 else ""
        kept = f", {self._kept} were there" if self._kept else ""
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._ended} of {self._total} cells{kept}{failed}, {duration(spent)} spent{left}"

    def _display(self, running: Sequence[Running], share: float) -> Group:
        table = Table.grid(padding=(0, 2))
        for one in (one for one in running if one.told):
            figure = one.told.get("figure")
            table.add_row(
                one.cell.label,
                ProgressBar(total=1.0, completed=float(one.told.get("share", 0.0)), width=20),
                str(one.told.get("doing", "")),
                f"{figure[0]} {figure[1]:.2f}" if figure else "",
            )
        head = Table.grid(padding=(0, 2))
        head.add_row(ProgressBar(total=1.0, completed=share, width=40), Text(self._head(share), "bold"))
        return Group(head, table)
