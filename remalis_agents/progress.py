"""Live progress of a training run: a rich display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from ray.tune import Callback, Stopper
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from remalis_agents.command_line import PLAIN_INTERVAL_S
from remalis_agents.configs.schema import StopSection
from remalis_agents.ending import ASKED

HEADLINES = ("delay_s", "mean_delay_s", "success_rate")
"""Figures of an episode that the display shows first, where an environment has them."""


def flat_get(result: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """A value in nested results by its path, such as ``"env_runners/metrics/delay_s"``."""
    value: Any = result
    for part in path.split("/"):
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def headline(result: Mapping[str, Any]) -> tuple[str, float] | None:
    """The figure to watch: the environment's own where it has one, else the mean return."""
    metrics = flat_get(result, "env_runners/metrics", {})
    for name in (*HEADLINES, *(n for n in metrics if "delay" in n)):
        if math.isfinite(metrics.get(name, math.nan)):
            return name, float(metrics[name])
    value = flat_get(result, "env_runners/episode_return_mean")
    return ("episode_return_mean", float(value)) if value is not None and math.isfinite(value) else None


def done_share(result: Mapping[str, Any], stop: StopSection) -> float:
    """How much of the run is done, in [0, 1], by the criterion that is nearest; 0 where none is set."""
    shares = [0.0]
    if stop.training_iteration:
        shares.append(result.get("training_iteration", 0) / stop.training_iteration)
    if stop.env_steps:
        shares.append(env_steps(result) / stop.env_steps)
    if stop.time_s:
        shares.append(result.get("time_total_s", 0.0) / stop.time_s)
    return min(1.0, max(shares))


def env_steps(result: Mapping[str, Any]) -> int:
    """Team steps sampled so far."""
    return int(flat_get(result, "env_runners/num_env_steps_sampled_lifetime", 0))


def duration(seconds: float) -> str:
    """Such as ``1:05`` or ``2:03:04``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class AtTarget(Stopper):
    """Ends a run at the first target that is reached, or when its user asks.

    Tune's own criteria are frozen in a trial when it is made; this one may be set further when a run is resumed.
    """

    def __init__(self, stop: StopSection) -> None:
        self.stop = stop

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return ASKED.is_set() or self.is_reached(result)

    def is_reached(self, result: Mapping[str, Any]) -> bool:
        """Whether a training result reaches a target."""
        target = self.stop.episode_return_mean
        reached = flat_get(result, "env_runners/episode_return_mean", float("-inf"))
        return done_share(result, self.stop) >= 1.0 or (target is not None and reached >= target)

    def stop_all(self) -> bool:
        return False


class TrainingProgress(Callback):
    """Shows each training result of the first trial that reports.

    Args:
        name: the experiment's name.
        stop: when it stops, for the time left.
        stream: where to; standard output by default.
    """

    def __init__(self, name: str, stop: StopSection, stream: TextIO | None = None) -> None:
        self.name, self.stop = name, stop
        self.stream = stream or sys.stdout
        self._console = Console(file=self.stream)
        self._live: Live | None = None
        self._last_line = 0.0
        self._last: tuple[int, float] | None = None
        self.rate = 0.0

    def setup(self, **info: Any) -> None:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=False)
            self._live.start()
            self._live.update(f"[bold]{self.name}[/]  starting …")
        else:
            self._line(f"{self.name}: starting")

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._measure(result)
        if self._live is not None:
            self._live.update(self._display(result))
        elif time.monotonic() - self._last_line >= PLAIN_INTERVAL_S or done_share(result, self.stop) >= 1.0:
            self._last_line = time.monotonic()
            self._line(f"{self.name}: " + ", ".join(f"{k} {v}" for k, v in self._figures(result)))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        self.close()

    def say(self, text: str) -> None:
        """Shows a line, above the display where there is one."""
        if self._console.is_terminal:
            self._console.print(text, highlight=False, markup=False)
        else:
            self._line(text)

    def close(self) -> None:
        """Leaves the display as it stands."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def get_state(self) -> dict[str, Any] | None:
        return None  # a resumed run starts its display anew

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its callbacks beside the experiment; a terminal cannot be stored.
        return {"name": self.name, "stop": self.stop}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def _line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def _measure(self, result: Mapping[str, Any]) -> None:
        steps, seconds = env_steps(result), float(result.get("time_total_s", 0.0))
        since = self._last or (0, 0.0)
        if seconds > since[1] and steps >= since[0]:
            now = (steps - since[0]) / (seconds - since[1])
            self.rate = now if self._last is None else 0.7 * self.rate + 0.3 * now
        self._last = (steps, seconds)

    def _figures(self, result: Mapping[str, Any]) -> list[tuple[str, str]]:
        share, spent = done_share(result, self.stop), float(result.get("time_total_s", 0.0))
        figures = [
            ("iteration", str(result.get("training_iteration", 0))),
            ("env-steps", f"{env_steps(result):,}"),
            ("env-steps/s", f"{self.rate:.0f}"),
        ]
        if "curriculum_stage_name" in result:
            figures.append(("stage", f"{result['curriculum_stage']} ({result['curriculum_stage_name']})"))
        if result.get("env_runners_lost_lifetime"):
            figures.append(("env runners lost", str(result["env_runners_lost_lifetime"])))
        shown = headline(result)
        if shown is not None:
            figures.append((shown[0], f"{shown[1]:.2f}"))
        figures.append(("time", duration(spent)))
        if 0.0 < share < 1.0:
            figures.append(("left", duration(spent * (1 - share) / share)))
        return figures

    def _display(self, result: Mapping[str, Any]) -> Group:
        """Two lines, which fit a terminal of 80 columns."""
        bar = Table.grid(padding=(0, 2))
        bar.add_row(Text(self.name, "bold"), ProgressBar(total=1.0, completed=done_share(result, self.stop), width=30))
        figures = Text("  ").join(Text.assemble((f"{name} ", "dim"), value) for name, value in self._figures(result))
        return Group(bar, figures)
