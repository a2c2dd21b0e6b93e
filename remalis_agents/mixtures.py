"""Several scenarios in one training: each environment plays its own, padded to one size so that they stack.

A training's figures of episodes are means over all scenarios; each scenario's own stand beside them under its name, as
``env_runners/scenarios/<name>/<figure>``, see :func:`scenario_names`.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from remalis_envs.errors import RemalisError

SCENARIOS = "scenarios"
"""Key of ``env_config`` with the scenarios: a list of mappings, each with an environment's own options."""
ENVIRONMENTS_PER_RUNNER = "environments_per_runner"
"""Key of ``env_config`` that the trainer fills in: an environment is not told how many it stands among."""
SCENARIO = "scenario"
"""Key of ``info`` at the end of an episode: the name of the scenario that was played."""
WORLD_KEYS = ("level", "scenario", "protocol", SCENARIOS)
"""Options that say which world is played; one of them given anew replaces them all."""

Make = Callable[[dict[str, Any]], gymnasium.Env[Any, Any]]
"""Makes an environment from its options."""


class Place(NamedTuple):
    """Which of a training's environments this is: ``number``, counted from 0, of ``total``."""

    number: int
    total: int


def place_of(config: Any, per_runner: int) -> Place:
    """The place of an environment that is being made.

    Args:
        config: Ray's ``EnvContext``, or anything else for an environment that stands alone.
        per_runner: environments of each runner.
    """
    runner = max(int(getattr(config, "worker_index", 0) or 0) - 1, 0)
    runners = max(int(getattr(config, "num_workers", 0) or 0), 1)
    return Place(runner * per_runner + _within_runner(config), runners * per_runner)


def _within_runner(config: Any) -> int:
    """Number of an environment in its runner. Ray 2.60 gives all of them one context, with ``vector_index`` 0."""
    if getattr(config, "vector_index", 0):
        return int(config.vector_index)
    named = re.fullmatch(r"Worker<.+>-(\d+)", multiprocessing.current_process().name)
    if named:  # Gymnasium's asynchronous environments: a process each, numbered in its name
        return int(named.group(1))
    if not hasattr(config, "worker_index"):
        return 0
    made = int(getattr(config, "environments_made", 0))
    config.environments_made = made + 1
    return made


class Mixture(gymnasium.Wrapper):  # type: ignore[type-arg]
    """One environment of a training on several scenarios.

    Environment ``i`` of ``E`` plays scenario ``i mod S``. With fewer environments than scenarios it goes on at each
    reset to scenario ``i + E``, ``i + 2E``, ... (mod S), so that together they play all of them.

    Args:
        make: makes an environment from its options.
        scenarios: the options of each scenario; the environments must have the same spaces, see :func:`padded`.
        place: which environment this is.
        names: of the scenarios; what their options say by default.
    """

    def __init__(
        self, make: Make, scenarios: Sequence[dict[str, Any]], place: Place, names: Sequence[str] | None = None
    ) -> None:
        self._make, self._scenarios = make, list(scenarios)
        self._names = list(names) if names else scenario_names(self._scenarios)
        self.playing = place.number % len(self._scenarios)
        self._stride = place.total if place.total < len(self._scenarios) else 0
        self._rng = np.random.default_rng()
        self._played = False
        super().__init__(make(self._scenarios[self.playing]))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self._rng = np.random.default_rng([seed, len(self._scenarios)])
        if self._played and self._stride:
            self._go_on()
            # A new environment has a generator of its own, which nobody has seeded.
            seed = int(self._rng.integers(2**31 - 1)) if seed is None else seed
        self._played = True
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        if terminated or truncated:
            info = {**info, SCENARIO: self._names[self.playing]}
        return observation, reward, terminated, truncated, info

    def _go_on(self) -> None:
        # Not kept: a simulation that waits for its turn takes memory, and in traffic the process's one free place.
        self.env.close()
        self.playing = (self.playing + self._stride) % len(self._scenarios)
        self.env = self._make(self._scenarios[self.playing])


def scenario_options(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options of each scenario of an ``env_config``: the common ones and its own, which come first.

    Raises:
        RemalisError: ``scenarios`` is not a list of mappings.
    """
    given = config[SCENARIOS]
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise RemalisError(
            f"scenarios must be a list such as [{{level: easy}}, {{level: medium}}], but it is {given!r}."
        )
    for one in given:
        if not isinstance(one, Mapping):
            raise RemalisError(f"Each of scenarios is a mapping such as {{level: easy}}, but one is {one!r}.")
    common = {key: value for key, value in config.items() if key not in (SCENARIOS, ENVIRONMENTS_PER_RUNNER)}
    return [with_world(common, one) for one in given]


def padded(make: Make, options: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The options of several scenarios with ``max_agents`` set to the largest team, where it is not given.

    Each scenario is made once to see how large it is.

    Raises:
        RemalisError: the agents of two scenarios see or do something of another size.
    """
    if all("max_agents" in one for one in options):
        return list(options)
    shapes = []
    for one in options:
        env = make(one)
        agents, size = env.observation_space["obs"].shape  # type: ignore[index]
        shapes.append((agents, size, int(env.action_space.nvec[0])))  # type: ignore[attr-defined]
        env.close()
    for one, (_, size, actions) in zip(options, shapes, strict=True):
        if (size, actions) != shapes[0][1:]:
            raise RemalisError(
                f"Scenarios of one training need the same agents, but those of {one} have vectors of length {size} "
                f"and {actions} actions, where the first scenario's have {shapes[0][1]} and {shapes[0][2]}."
            )
    largest = max(agents for agents, _, _ in shapes)
    return [{**one, "max_agents": largest} for one in options]


def make_mixture(make: Make, config: Mapping[str, Any], context: Any = None) -> Mixture:
    """The environment of an ``env_config`` with ``scenarios``.

    Args:
        make: makes one scenario's environment from its options.
        config: the options, ``scenarios`` among them.
        context: Ray's ``EnvContext``.
    """
    per_runner = int(config.get(ENVIRONMENTS_PER_RUNNER, 1))
    scenarios = padded(make, scenario_options(config))
    return Mixture(make, scenarios, place_of(context, per_runner), scenario_names(config[SCENARIOS]))


def world_name(own: Mapping[str, Any]) -> str:
    """What people call a world: its level or its scenario, or else all that its options say."""
    named = [str(own[key]) for key in WORLD_KEYS[:2] if own.get(key) is not None]
    return named[0] if named else _said(own)


def scenario_names(scenarios: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each scenario, unlike the others', of characters that every logger takes.

    The level or the scenario, such as ``easy`` or ``resco_cologne3``; all of a scenario's own options where two would
    be called alike, such as ``level_easy_horizon_s_600``; with a number behind it where even those are the same.

    Args:
        scenarios: their own options, without the common ones.
    """
    short = [_plain(world_name(one)) for one in scenarios]
    names = [_plain(_said(o)) if short.count(name) > 1 else name for o, name in zip(scenarios, short, strict=True)]
    return [
        f"{name}_{names[:number].count(name) + 1}" if names.count(name) > 1 else name
        for number, name in enumerate(names)
    ]


def _said(own: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in own.items())


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_") or "scenario"


def with_world(options: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` changed by ``own``; where that names a world, the one that ``options`` named is forgotten."""
    dropped = WORLD_KEYS if own.keys() & set(WORLD_KEYS) else ()
    return {key: value for key, value in options.items() if key not in dropped} | dict(own)


def first_world(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one environment: the first scenario's, where there are several."""
    return scenario_options(options)[0] if SCENARIOS in options else dict(options)
