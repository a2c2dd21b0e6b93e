"""What has been paid for: one JSON file a cell, written whole or not at all, and the list of what was asked for."""

from __future__ import annotations

import fcntl
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leaderboard.cells import Cell
from remalis_envs.errors import RemalisError

PLAN = "plan.json"
LOCK = ".lock"


class Store:
    """A folder of results.

    ``cells/<hash>.json`` has one result each, ``trainings/<hash>/`` what a training left (its run's folder and its
    final policy), ``plan.json`` the cells that were ever asked for here, so that missing ones can be named.

    Args:
        out: the folder; made where it does not exist.

    Raises:
        RemalisError: it cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()
        try:
            (self.out / "cells").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RemalisError(f"The folder {str(out)!r} cannot be written: {error.strerror or error}.") from None

    @contextmanager
    def only_one(self) -> Iterator[None]:
        """Keeps the folder for this call; the system frees it, however the call ends.

        Whoever only reads, or writes the report again, need not ask.

        Raises:
            RemalisError: another call is at work in it, or its disk knows no locks.
        """
        with (self.out / LOCK).open("a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RemalisError(
                    f"Another run_all.py is at work in {str(self.out)!r}: wait for it, stop it, or give --out another "
                    "folder. With --report-only you see what it has stored so far."
                ) from None
            except OSError as error:
                raise RemalisError(
                    f"The folder {str(self.out)!r} cannot be kept for one call at a time: {error.strerror or error}. "
                    "Give --out a folder on a disk that has file locks."
                ) from None
            yield

    def load(self, cell: Cell) -> dict[str, Any] | None:
        """A cell's result, None where it has none or where it is not whole."""
        return self._read(self.path(cell))

    def done(self, cell: Cell) -> bool:
        """Whether the cell has been played; one that failed has not."""
        result = self.load(cell)
        return result is not None and result["status"] == "done"

    def save(self, cell: Cell, result: dict[str, Any]) -> None:
        """Keep a result."""
        write_json(self.path(cell), {"key": cell.key, "cell": cell.to_dict(), "commands": cell.commands(), **result})

    def path(self, cell: Cell) -> Path:
        """Of the cell's file."""
        return self.out / "cells" / f"{cell.key}.json"

    def training(self, cell: Cell) -> Path:
        """Folder of the training that the cell plays the policy of."""
        return self.out / "trainings" / cell.training_key

    def plan(self) -> dict[str, Any]:
        """What was asked for: ``cells`` by their place, and ``without``: why some have no configuration."""
        return self._read(self.out / PLAN) or {"cells": {}, "without": {}}

    def planned(self) -> list[Cell]:
        """The cells of the plan."""
        return [Cell.from_dict(one) for one in self.plan()["cells"].values()]

    def ask_for(self, cells: Iterable[Cell], without: dict[str, str]) -> None:
        """Add to the plan; a cell replaces the one that stood in its place with another configuration."""
        plan = self.plan()
        new = {cell.place: cell.to_dict() for cell in cells}
        known = {place: why for place, why in {**plan["without"], **without}.items() if not _found(place, new)}
        write_json(self.out / PLAN, {"cells": {**plan["cells"], **new}, "without": known})

    @staticmethod
    def _read(path: Path) -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def _found(place: str, cells: dict[str, Any]) -> bool:
    return any([cell["task"], cell["method"], cell["trained_on"]] == place.split("|") for cell in cells.values())


def write_json(path: Path, content: Any) -> None:
    """Write in one stroke: whoever is killed meanwhile leaves the file as it was."""
    write_text(path, json.dumps(finite(content), indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """As :func:`write_json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)


def finite(value: Any) -> Any:
    """JSON has no nan: null stands for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value
