"""Env runners that die while a team trains: training goes on, and what was lost is said and counted."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from remalis_envs.errors import RemalisError

RUNNERS_LOST = "env_runners_lost_lifetime"
STEPS_LOST = "env_steps_lost_lifetime"
"""In a training result: runners that died since the run's part began, and about how many env steps died with them."""

_MISTAKE_FILE = "mistake.txt"
"""In a run's folder, the sentence of a runner that ended because what it plays is wrong."""


def tell_mistake(folder: str | None, error: Exception) -> bool:
    """Leaves word of a mistake in a runner, for the algorithm that may be on another machine.

    Args:
        folder: the run's, which all machines see; None where there is none.
        error: whose message is the sentence.

    Returns:
        Whether it could be left.
    """
    try:
        if folder is None:
            return False
        (Path(folder) / _MISTAKE_FILE).write_text(str(error), encoding="utf-8")
    except OSError:
        return False
    return True


class RunnerWatch:
    """Notices runners that died; RLlib starts them anew (``fault_tolerance.restart_failed_env_runners``, its default).

    Args:
        group: RLlib's ``EnvRunnerGroup``.
        config: its configuration.
    """

    def __init__(self, group: Any, config: Any) -> None:
        self._group, self._config = group, config
        self._restarts, self._missing, self.runners = 0, 0, 0
        self._mistake = Path(config.failures_in) / _MISTAKE_FILE if config.failures_in else None
        if self._mistake is not None:
            self._mistake.unlink(missing_ok=True)  # of an earlier part of the run, mended since

    def look(self) -> dict[str, int]:
        """Counts since the beginning, after an iteration; warns where there are new ones.

        Raises:
            RemalisError: a runner ended because of a mistake, which the next one would make again.
        """
        if self._mistake is not None and self._mistake.exists():
            raise RemalisError(self._mistake.read_text(encoding="utf-8"))
        restarts = self._group.num_remote_worker_restarts()
        missing = self._config.num_env_runners - self._group.num_healthy_remote_env_runners()
        # A runner is missing from its death to its restart, which may be iterations later: count it once.
        new = max(missing - self._missing, 0) + max(restarts - self._restarts - max(self._missing - missing, 0), 0)
        self._restarts, self._missing = restarts, missing
        self.runners += new
        piece = self._config.get_rollout_fragment_length() * self._config.num_envs_per_env_runner
        if new:
            logging.getLogger(__name__).warning(
                "%d env runner%s died; up to %d env steps that %s had played are lost. Training goes on.",
                new, *(("", new * piece, "it") if new == 1 else ("s", new * piece, "they")),
            )  # fmt: skip
        return {RUNNERS_LOST: self.runners, STEPS_LOST: self.runners * piece}
