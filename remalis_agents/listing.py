"""The list of shipped experiments: a table by world on a terminal, one line an experiment elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, NamedTuple, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from remalis_agents.configs import Experiment, load_experiment, shipped_configs
from remalis_agents.mixtures import SCENARIOS

TWINS = "Each has a twin that learns on a GPU: its name and _gpu."
WIDE_COLUMNS = 100
"""From so many columns on, a terminal shows the methods, too; they are in the names of most experiments."""


class Entry(NamedTuple):
    """What the list says of an experiment."""

    name: str
    run: str
    world: str
    description: str


def show_experiments(stream: TextIO, width: int | None = None) -> None:
    """Writes the list.

    Args:
        stream: where to; a terminal gets a table, anything else one line an experiment, its columns aligned.
        width: columns of the terminal; what it says of itself by default.
    """
    entries = [_entry(name, load_experiment(path)[1]) for name, path in shipped_configs().items()]
    name, run, world = (max(len(entry[column]) for entry in entries) for column in range(3))
    console = Console(file=stream, width=width)
    if not console.is_terminal:
        for one in entries:
            print(f"{one.name:<{name}}  {one.run:<{run}}  {one.world:<{world}}  {one.description}", file=stream)
        return
    wide = console.width >= WIDE_COLUMNS
    for heading, own in groupby(entries, lambda entry: entry.world):
        console.print(Text(heading, "bold"))
        table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
        table.add_column(no_wrap=True, min_width=name)
        if wide:
            table.add_column(no_wrap=True, min_width=run)
        table.add_column(ratio=1)
        for one in own:
            table.add_row(one.name, *([Text(one.run, "dim")] if wide else []), one.description)
        console.print(table)
        console.print()
    console.print(TWINS)


def worlds(experiment: Experiment) -> str:
    """What an experiment plays: a level or a map, the maps of a mixture, or the stages of a curriculum."""
    stages = [_world({"level": one} if isinstance(one, str) else one) for one in experiment.curriculum.stages]
    return " > ".join(stages) or _world(experiment.config.environment.env_config)


def _world(options: Mapping[str, Any]) -> str:
    if options.get(SCENARIOS):
        return " + ".join(_world(one) for one in options[SCENARIOS])
    return str(options.get("level") or options.get("scenario") or "")


def _entry(name: str, experiment: Experiment) -> Entry:
    return Entry(name, experiment.run, f"{experiment.env} {worlds(experiment)}".strip(), experiment.description)
