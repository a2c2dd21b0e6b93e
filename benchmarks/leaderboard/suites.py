"""Which cells a call of the leaderboard asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from leaderboard.cells import Cell, controller_cell, is_learned, learned_cell
from leaderboard.tasks import LEARNED, REFERENCE, UNLEARNED, MissingConfigError, Task, task
from leaderboard.variants import TABLES, VARIANTS
from remalis_envs.errors import unknown


@dataclass(frozen=True)
class Suite:
    """Defaults of a call.

    Attributes:
        title: what it is for.
        tasks: names.
        methods: learned ones; those without a configuration for a task are told as missing.
        seeds: training seeds.
        budget: team steps of each training.
        episodes: held-out episodes of each policy.
        transfer: whether policies of ``TRANSFER_FROM`` also play ``TRANSFER_TO``.
    """

    title: str
    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int
    budget: int
    episodes: int
    transfer: bool = False


SUITES = {
    "quick": Suite(
        "policy gradients with and without messages, and Q-learning; small budgets",
        ("toy/partners", "traffic/easy"),
        ("IPPO", "CommNet", "IDQN"),
        seeds=2,
        budget=20_000,
        episodes=5,
    ),
    "full": Suite(
        "every method on every task, three seeds, and what easy teaches for other maps: hours",
        ("toy/partners", "traffic/easy", "traffic/cologne3"),
        LEARNED,
        seeds=3,
        budget=30_000,
        episodes=10,
        transfer=True,
    ),
    "ablations": Suite(
        "ReMALIS part after part, without each part, and in each way of communication: hours",
        ("traffic/easy",),
        tuple(dict.fromkeys(row for rows in TABLES.values() for row in rows)),
        seeds=3,
        budget=30_000,
        episodes=10,
    ),
}
TRANSFER_FROM = "traffic/easy"
TRANSFER_TO = ("traffic/medium", "traffic/hard", "traffic/hell", "traffic/ingolstadt21")
TRANSFERRED = ("IPPO", "CoLight")
TRANSFER_EPISODES = 5
"""At most: an hour of `hell` takes a minute or more to play."""


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        cells: in the order in which they are begun: controllers, then seed after seed.
        without: reasons of what has no cells, by ``task|method|task that it is trained on``.
    """

    cells: list[Cell]
    without: dict[str, str]


def plan(
    tasks: Sequence[str],
    methods: Sequence[str],
    seeds: int,
    budget: int,
    episodes: int,
    *,
    transfer: bool = False,
    controllers: Sequence[str] = UNLEARNED,
    runners: int = 0,
) -> Plan:
    """All cells of some methods on some tasks.

    Args:
        tasks: names of tasks, or experiment files.
        methods: learned methods.
        seeds: training seeds ``0 .. seeds-1``.
        budget: team steps of each training.
        episodes: held-out episodes of each policy.
        transfer: also play what was trained on ``TRANSFER_FROM`` elsewhere.
        controllers: to be played where they can be.
        runners: env runners of each training.

    Raises:
        UnknownNameError: a task, method or controller does not exist.
    """
    for method in methods:
        if not is_learned(method):
            raise unknown("method", method, (*LEARNED, *VARIANTS, *UNLEARNED))
    chosen, without = [task(name) for name in tasks], {}
    cells = _controllers(chosen, controllers, episodes)
    for seed, one, method in product(range(seeds), chosen, methods):
        try:
            cells.append(learned_cell(one, method, seed, budget, episodes, runners))
        except MissingConfigError as error:
            without[f"{one.name}|{method}|{one.name}"] = str(error)
    if not transfer:
        return Plan(cells, without)
    elsewhere = [task(name) for name in TRANSFER_TO]
    fewer = min(episodes, TRANSFER_EPISODES)
    cells += _controllers([one for one in elsewhere if one not in chosen], controllers, fewer)
    train = partial(learned_cell, task(TRANSFER_FROM), budget=budget, episodes=fewer, runners=runners)
    for seed, method, one in product(range(seeds), (who for who in TRANSFERRED if who in methods), elsewhere):
        try:
            cells.append(train(method, seed, played=one))
        except MissingConfigError as error:
            without[f"{one.name}|{method}|{TRANSFER_FROM}"] = str(error)
    return Plan(cells, without)


def _controllers(tasks: Sequence[Task], controllers: Sequence[str], episodes: int) -> list[Cell]:
    return [controller_cell(one, who, episodes) for one in tasks for who in controllers if who in one.controllers]


def with_reference(methods: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Learned methods and controllers out of names of both; the reference is always among the controllers.

    Raises:
        UnknownNameError: a name is neither.
    """
    for name in methods:
        if not is_learned(name) and name not in UNLEARNED:
            raise unknown("method", name, (*LEARNED, *VARIANTS, *UNLEARNED))
    learned = tuple(name for name in methods if is_learned(name))
    return learned, tuple(name for name in UNLEARNED if name in methods or name == REFERENCE)
