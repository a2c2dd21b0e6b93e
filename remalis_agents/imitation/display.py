"""Live progress of an imitation: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class EpochDisplay:
    """Shows each epoch.

    Args:
        name: the experiment's name.
        epochs: how many there are at most.
        quiet: show nothing.
    """

    def __init__(self, name: str, epochs: int, quiet: bool = False) -> None:
        self.name, self.quiet, self.epochs = name, quiet, epochs
        self._console = Console(soft_wrap=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )

    def __enter__(self) -> EpochDisplay:
        if not self._bar.tasks:
            self._task = self._bar.add_task(f"{self.name}: epochs", total=self.epochs)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Shows a line."""
        self._console.print(text, highlight=False, markup=False)

    def epoch(self, row: Mapping[str, Any], best: int) -> None:
        """Shows an epoch's figures, and which epoch is the best so far."""
        self._bar.update(self._task, completed=row["training_iteration"])
        self.say(
            f"{self.name}: epoch {row['training_iteration']} of {self.epochs}, loss "
            f"{row['train_imitation_loss']:.3f} in training, {row['validation_imitation_loss']:.3f} held out, action "
            f"accuracy {row['validation_action_accuracy']:.1%}, best epoch {best}, {row['time_total_s']:.0f} s"
        )
