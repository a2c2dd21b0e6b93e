"""What is played: tasks with a configuration for each method, held-out episodes and a figure that is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from leaderboard.variants import VARIANTS
from remalis_agents.configs.loader import shipped_configs
from remalis_agents.methods import METHODS
from remalis_envs.errors import RemalisError, unknown

LEARNED = tuple(name for name, method in METHODS.items() if method.network)
"""Methods that learn. ``TeamPPO`` and ``TeamReplay`` are not among them: they need to be told a network."""
CONTROLLERS = ("random", "fixed_time", "webster", "actuated", "sotl", "greedy", "max_pressure")
"""Controllers of traffic, which learn nothing, in the order of their registry."""
WEB_TEAMS = ("random", "overlap", "oracle")
"""Teams of the web that learn nothing; the oracle knows the answer."""
UNLEARNED = tuple(dict.fromkeys((*CONTROLLERS, *WEB_TEAMS)))
"""Whoever plays without being trained."""
REFERENCE = "max_pressure"
_TRAFFIC = "remalis/TrafficTeam-v0"
WEB = "remalis/WebTeam-v0"


@dataclass(frozen=True)
class Task:
    """One environment at one level.

    Attributes:
        name: such as ``traffic/easy``.
        title: for people.
        env: the environment's registered name.
        env_config: keyword arguments that make it this task; those that a method is trained with stay as they are.
        prefix: shipped experiments of this task are called ``<prefix>_<method>``; "" where there are none.
        begin_as: by learner, the shipped experiment for methods that have none of their own.
        file: one experiment file for all methods, in place of shipped ones.
        figure: of an episode's figures the one that is judged, and its unit.
        higher_is_better: whether more of it is better.
        first_seed: seed of the first held-out episode, the same for everybody.
        controllers: those that can be played here.
        chance: what a policy that knows nothing reaches, where that is known.
    """

    name: str
    title: str
    env: str
    env_config: dict[str, Any] = field(default_factory=dict)
    prefix: str = ""
    begin_as: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    figure: str = "mean_delay_s"
    unit: str = "s"
    higher_is_better: bool = False
    first_seed: int = 20_000
    controllers: tuple[str, ...] = ()
    chance: float | None = None

    @property
    def environment(self) -> str:
        """The family, such as ``traffic``."""
        return self.name.partition("/")[0]

    @property
    def level(self) -> str:
        """The level or map, such as ``easy``."""
        return self.name.partition("/")[2] or self.name

    def score(self, figure: float, reference: float | None) -> float | None:
        """A figure made comparable between tasks: 0 is bad, 1 is the reference, above 1 is better than it.

        Delay: the reference's delay divided by the own (max pressure is 1). Share: how much of the way from chance to
        always right. None where there is no reference.
        """
        if self.chance is not None:
            return (figure - self.chance) / (1.0 - self.chance)
        if self.higher_is_better or reference is None or figure <= 0.0:
            return None
        return reference / figure


def _level(level: str) -> Task:
    return Task(
        f"traffic/{level}",
        f"Traffic, level {level}",
        _TRAFFIC,
        {"level": level},
        prefix=f"traffic_{level}",
        controllers=CONTROLLERS,
    )


def _web(level: str) -> Task:
    # Every policy gradient begins as IPPO on easy, which is the one experiment that is shipped. Chance is 0: a team
    # that knows nothing solves one easy task in twenty-five and no other.
    return Task(
        f"web/{level}",
        f"Web, level {level} (pages without a browser)",
        WEB,
        {"level": level, "engine": "model"},
        prefix=f"web_{level}",
        begin_as={"ppo": "web_easy_ippo"} if level == "easy" else {},
        figure="success",
        unit="",
        higher_is_better=True,
        controllers=WEB_TEAMS,
        chance=0.0,
    )


def _resco(name: str) -> Task:
    # RESCO's signals clear no junction between phases. On cologne3 three left-turners then face each other for good,
    # in one hour of ten or so, and whom it meets is chance: drivers pass whoever has stood there for 20 s.
    return Task(
        f"traffic/{name}",
        f"Traffic, RESCO's {name} (junctions unblocked after 20 s)",
        _TRAFFIC,
        {"scenario": f"resco/{name}", "protocol": "resco", "blocker_patience_s": 20.0},
        prefix=f"traffic_{name}",
        first_seed=30_000,
        controllers=tuple(name for name in CONTROLLERS if name != "webster"),  # it needs flows, and these are routes
    )


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "toy/partners",
            "Toy: name what only your partner sees",
            "remalis/PartnersTeam-v0",
            prefix="partners",
            begin_as={"ppo": "partners_ippo", "replay": "partners_idqn"},
            figure="right_share",
            unit="",
            higher_is_better=True,
            chance=1 / 3,
        ),
        *(_web(level) for level in ("easy", "medium", "hard")),
        *(_level(level) for level in ("easy", "medium", "hard", "hell")),
        *(_resco(name) for name in ("cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21")),
    )
}


def task(name: str) -> Task:
    """A named task, or an experiment file that becomes one, judged by its mean return.

    Raises:
        UnknownNameError: neither a task nor a file.
    """
    if name in TASKS:
        return TASKS[name]
    if name.endswith((".yaml", ".yml")):
        return _from_file(Path(name).resolve())
    raise unknown("task", name, TASKS)


def _from_file(file: Path) -> Task:
    from remalis_agents.configs.loader import load_experiment

    name, experiment = load_experiment(file)
    title = experiment.description or name
    if experiment.env == _TRAFFIC:
        return Task(f"file/{name}", title, experiment.env, file=str(file))
    return Task(
        f"file/{name}", title, experiment.env, file=str(file), figure="team_return", unit="", higher_is_better=True
    )


@cache
def _shipped(prefix: str) -> dict[str, str]:
    """Method -> shipped experiment, by what the files say that they run."""
    found: dict[str, str] = {}
    for name, path in shipped_configs().items():
        if name.startswith(f"{prefix}_"):
            body = next(iter((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).values()), None) or {}
            found.setdefault(body.get("run", "IPPO"), name)
    return found


class MissingConfigError(RemalisError):
    """No experiment is shipped for a method on a task."""


def experiment_of(task: Task, method: str) -> tuple[str, list[str]]:
    """The experiment's file or shipped name, and the changes that make it one of ``method``, or of a variant of one.

    Raises:
        MissingConfigError: there is none.
    """
    if method in VARIANTS:
        config, changes = experiment_of(task, VARIANTS[method].method)
        return config, [*changes, *VARIANTS[method].changes]
    if task.file:
        return task.file, [f"run={method}"]
    found = _shipped(task.prefix)
    general = task.begin_as.get(METHODS[method].learner)
    if method not in found and general in shipped_configs():
        return str(general), [f"run={method}"]
    if method not in found:
        name = f"{task.prefix}_{METHODS[method].network}.yaml"
        raise MissingConfigError(f"no configuration is shipped: {name} does not exist")
    return found[method], []
