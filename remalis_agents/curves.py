"""Ray's CSV of training results, with the columns that only later results have."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ray.air.constants import EXPR_PROGRESS_FILE
from ray.tune.logger import CSVLoggerCallback
from ray.tune.utils import flatten_dict


class GrowingCSV(CSVLoggerCallback):
    """Writes ``progress.csv`` as Ray does, and adds a column when a result brings a new figure.

    Ray's own takes the first result's columns for good. Here an episode is longer than a batch, so the first results
    have no figures of episodes, and Ray would never write them.
    """

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        writer = self._trial_csv.get(trial)
        if writer is not None:
            shown = {key: value for key, value in result.items() if key != "config"}
            new = [key for key in flatten_dict(shown, delimiter="/") if key not in writer.fieldnames]
            if new:
                self._widen(trial, new)
        super().log_trial_result(iteration, trial, result)

    def _widen(self, trial: Any, new: list[str]) -> None:
        """Writes the file again with empty cells under the new columns."""
        path = Path(trial.local_path, EXPR_PROGRESS_FILE)
        names = [*self._trial_csv[trial].fieldnames, *new]
        self._trial_files[trial].close()
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        file = path.open("w", newline="", encoding="utf-8")
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
        self._trial_files[trial], self._trial_csv[trial] = file, writer
