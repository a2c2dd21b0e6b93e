"""Evaluation: plays episodes with a controller or a policy and says how well they went, with intervals."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from remalis_agents.controllers.base import Controller
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.team import fault_of

if TYPE_CHECKING:
    from rich.table import Table

Policy = Callable[[Mapping[str, Any]], Mapping[str, int]]
"""Observations of all agents -> their actions."""
EnvFactory = Callable[..., Any]
"""Makes a parallel environment; keyword arguments are what a controller asks for in ``env_options``."""


@dataclass(frozen=True)
class EpisodeResult:
    """One episode.

    Attributes:
        controller: who acted.
        own_program: whether SUMO ran a signal program, so that the agents' phases were not used.
        seed: of the environment's ``reset``.
        metrics: the environment's figures.
        mean_return: sum of rewards, mean over agents.
        error: what went wrong with the machinery; empty where nothing did.
    """

    controller: str
    own_program: bool
    seed: int
    metrics: dict[str, float]
    mean_return: float
    error: str = ""


@dataclass(frozen=True)
class Interval:
    """A mean over episodes with its 95% confidence interval (Student's t)."""

    mean: float
    half_width: float
    """nan where fewer than two episodes have a value."""
    count: int
    """Episodes that have a value."""

    @property
    def low(self) -> float:
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        return self.mean + self.half_width

    def overlaps(self, other: Interval) -> bool:
        """Whether the two intervals share a value; nan counts as unknown, that is, as overlapping."""
        return not (self.high < other.low or other.high < self.low)

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if math.isnan(self.half_width) else f"{self.mean:.2f} ± {self.half_width:.2f}"


def interval(values: Iterable[float]) -> Interval:
    """Mean and 95% interval of ``values``; nan values are left out."""
    array = np.array([value for value in values if not math.isnan(value)], dtype=np.float64)
    if not len(array):
        return Interval(math.nan, math.nan, 0)
    if len(array) < 2:
        return Interval(float(array[0]), math.nan, 1)
    half = student_t_975(len(array) - 1) * float(array.std(ddof=1)) / math.sqrt(len(array))
    return Interval(float(array.mean()), half, len(array))


@lru_cache(maxsize=256)
def student_t_975(freedom: int) -> float:
    """The 97.5% quantile of Student's t: Simpson's rule over the density, then bisection."""
    if freedom < 1:
        raise ValueError(f"Student's t has 1 degree of freedom or more, not {freedom}.")
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def below(t: float) -> float:
        x = np.linspace(0.0, t, 4001)
        density = scale * (1.0 + x * x / freedom) ** (-(freedom + 1) / 2)
        weights = np.where(np.arange(4001) % 2, 4.0, 2.0)
        weights[[0, -1]] = 1.0
        return 0.5 + float(weights @ density) * (t / 4000) / 3

    low, high = 1.9, 13.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if below(middle) < 0.975 else (low, middle)
    return 0.5 * (low + high)


def evaluate(
    actor: Controller | Policy,
    env_factory: EnvFactory,
    seeds: Sequence[int],
    *,
    name: str | None = None,
    progress: Callable[[EpisodeResult], None] | None = None,
) -> list[EpisodeResult]:
    """Play one episode for each seed.

    Args:
        actor: A controller, or a function from all agents' observations to their actions. A policy that remembers may
            have ``reset(env, seed)``, which is called at the start of each episode.
        env_factory: Makes the environment, such as ``partial(traffic_v0, level="easy", split="test")``; it gets the
            controller's ``env_options`` as keyword arguments.
        seeds: Of the episodes.
        name: How the actor is called in results; its own name by default.
        progress: Called after each episode.

    Raises:
        RemalisError: there are no seeds, or the environment cannot be made for this controller.
    """
    if not len(seeds):
        raise RemalisError("An evaluation needs at least one seed.")
    options = actor.env_options() if hasattr(actor, "env_options") else {}
    env = _make(env_factory, options)
    act: Policy = actor.act if hasattr(actor, "act") else actor  # type: ignore[assignment]
    label = name or getattr(actor, "name", None) or getattr(actor, "__name__", type(actor).__name__)
    results = []
    try:
        for seed in seeds:
            results.append(_play(actor, act, env, int(seed), str(label)))
            if progress is not None:
                progress(results[-1])
    finally:
        env.close()
    return results


def _make(env_factory: EnvFactory, options: Mapping[str, Any]) -> Any:
    if not options:
        return env_factory()
    try:
        inspect.signature(env_factory).bind(**options)
    except TypeError:
        raise RemalisError(
            f"This controller needs the environment made with {sorted(options)}: give a factory that takes these as "
            "keyword arguments, such as functools.partial(traffic_v0, level='easy')."
        ) from None
    return env_factory(**options)


def _play(actor: Any, act: Policy, env: Any, seed: int, label: str) -> EpisodeResult:
    observations, infos = env.reset(seed=seed)
    if hasattr(actor, "reset"):
        actor.reset(env, seed)
    total = 0.0
    while env.agents:
        observations, rewards, _, _, infos = env.step(act(observations))
        total += sum(rewards.values()) / max(len(rewards), 1)
    error = fault_of(env, infos)
    figures = {} if error else {key: float(value) for key, value in env.metrics().items()}
    return EpisodeResult(label, bool(getattr(actor, "own_program", False)), seed, figures, total, error)


def summary(results: Sequence[EpisodeResult]) -> dict[str, dict[str, Interval]]:
    """Mean and interval of each figure by controller, in order of appearance; failed episodes are left out."""
    by_name: dict[str, list[EpisodeResult]] = {}
    for result in results:
        by_name.setdefault(result.controller, []).append(result)
    return {
        name: {figure: interval(r.metrics[figure] for r in own if not r.error) for figure in _figures(own)}
        for name, own in by_name.items()
    }


def _figures(results: Sequence[EpisodeResult]) -> list[str]:
    return next((list(result.metrics) for result in results if not result.error), [])


TABLE_COLUMNS = ("mean_delay_s", "mean_waiting_time_s", "mean_queue_veh", "worst_decile_delay_s")


def table(results: Sequence[EpisodeResult], columns: Sequence[str] = TABLE_COLUMNS) -> Table:
    """Controllers by mean delay (the first column), the best at the bottom, as a table for a terminal.

    Raises:
        UnknownNameError: the environment has no such figure.
    """
    from rich.table import Table

    figures = summary(results)
    valid = list(dict.fromkeys(figure for own in figures.values() for figure in own))
    for column in columns:
        if valid and column not in valid:
            raise unknown("figure", column, valid)
    programs = {result.controller for result in results if result.own_program}
    shown = Table(caption="mean ± half of the 95% interval over episodes; * own signal program")
    shown.add_column("controller", no_wrap=True)
    for column in columns:
        shown.add_column(column.replace("_", " "), justify="right", no_wrap=False, min_width=12)
    missing = Interval(math.nan, math.nan, 0)
    order = sorted(figures, key=lambda name: -figures[name].get(columns[0], missing).mean)
    for name in order:
        own = figures[name]
        shown.add_row(name + ("*" if name in programs else ""), *(str(own.get(c, missing)) for c in columns))
    return shown


def save(results: Sequence[EpisodeResult], path: str | Path, **about: Any) -> None:
    """Write episodes and summary as JSON; ``about`` says how they came to be (level, seeds, versions)."""
    content = {
        "about": about,
        "summary": {
            name: {figure: asdict(one) for figure, one in own.items()} for name, own in summary(results).items()
        },
        "episodes": [asdict(result) for result in results],
    }
    Path(path).write_text(json.dumps(without_nan(content), indent=1) + "\n", encoding="utf-8")


def load(path: str | Path) -> list[EpisodeResult]:
    """Read the episodes that :func:`save` wrote."""
    episodes = json.loads(Path(path).read_text(encoding="utf-8"))["episodes"]
    for episode in episodes:
        episode["metrics"] = {k: math.nan if v is None else v for k, v in episode["metrics"].items()}
    return [EpisodeResult(**episode) for episode in episodes]


def without_nan(value: Any) -> Any:
    """JSON has no nan: null stands for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    return [without_nan(one) for one in value] if isinstance(value, list) else value
