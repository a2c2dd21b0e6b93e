"""Names of environments, made known to Ray; and the one way by which the trainer makes an environment."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import gymnasium

from remalis_agents.co_players import CO_PLAYERS, with_co_players
from remalis_agents.language.watching import TEXT, with_texts
from remalis_agents.mixtures import ENVIRONMENTS_PER_RUNNER, SCENARIOS, make_mixture
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.team import TeamEnv

PREFIX = "remalis/"
MULTI_AGENT = "remalis/TrafficMultiAgent-v0"
"""Traffic for RLlib's own multi-agent algorithms, known to Ray only; see :mod:`.rllib.multi_agent_env`."""
_RAY_REGISTRY = "ray.tune.registry"
RUNNER_STRIDE = 100_003
"""Distance between the seeds of two runners: RLlib's are one apart, as are those of one runner's environments."""


class SeedsApart(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Moves seeds by a stride for each env runner, so that no two runners play the same episodes."""

    def __init__(self, env: gymnasium.Env[Any, Any], runner: int) -> None:
        super().__init__(env)
        self.runner = runner

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        moved = None if seed is None else seed + self.runner * RUNNER_STRIDE
        return self.env.reset(seed=moved, options=options)


def team_env_names() -> list[str]:
    """The Gymnasium names of the suite's team views."""
    import remalis_envs  # noqa: F401

    return sorted(name for name in gymnasium.registry if name.startswith(PREFIX))


def make_team_env(name: str, config: Mapping[str, Any] | None = None) -> gymnasium.Env[Any, Any]:
    """Makes a team environment by name.

    Args:
        name: ``"remalis/TrafficTeam-v0"`` or another Gymnasium id, ``"module:id"`` for one that a module of yours
            registers, or ``"module:function"`` for a function that returns a team view or a parallel environment.
        config: keyword arguments of the environment; Ray's ``EnvContext`` is understood. With ``scenarios`` several
            worlds are played, see :mod:`.mixtures`; with ``co_players`` others play some agents, see
            :mod:`.co_players`; with ``agent_texts`` observations hold the agents' texts, see :mod:`.language.watching`.

    Raises:
        UnknownNameError: there is no such environment.
        RemalisError: it is not one of a team.
    """
    runner = int(getattr(config, "worker_index", 0) or 0)
    options = dict(config or {})
    co_players, text = options.pop(CO_PLAYERS, None), options.pop(TEXT, None)
    if SCENARIOS in options:
        env: gymnasium.Env[Any, Any] = make_mixture(partial(_make, name), options, config)
    else:
        options.pop(ENVIRONMENTS_PER_RUNNER, None)
        env = _make(name, options)
    if co_players is not None:
        env = with_co_players(env, co_players)
    if text is not None:  # around co-players, who read for themselves
        env = with_texts(env, text)
    _check_team_view(name, env)
    return SeedsApart(env, runner) if runner else env


def _check_team_view(name: str, env: gymnasium.Env[Any, Any]) -> None:
    spaces = getattr(env, "observation_space", None)
    obs = spaces.spaces.get("obs") if isinstance(spaces, gymnasium.spaces.Dict) else None
    if len(getattr(obs, "shape", None) or ()) == 2 and isinstance(env.action_space, gymnasium.spaces.MultiDiscrete):
        return
    env.close()
    raise RemalisError(
        f"{name} is not an environment of a team, whose observations are a Dict with obs (agents, length) and whose "
        f"actions are a MultiDiscrete. Valid are {', '.join(team_env_names())}, and your own 'module:function' that "
        "returns a PettingZoo ParallelEnv or a remalis_envs.team.TeamEnv."
    )


def _make(name: str, options: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    module_name, _, rest = name.rpartition(":")
    if module_name:
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and not module_name.startswith(error.name):
                raise
            raise RemalisError(
                f"Environment {name!r} names module {module_name!r}, which cannot be imported: install it, or add "
                "its folder to PYTHONPATH."
            ) from None
        function = getattr(module, rest, None)
        if function is not None:
            size = None if _takes(function, "max_agents") else options.pop("max_agents", None)
            made = function(**options)
            return made if isinstance(made, gymnasium.Env) else TeamEnv(made, size)
    if rest not in gymnasium.registry:
        known = team_env_names()
        if rest not in known:
            raise unknown("environment", name, known)
    try:
        # Gymnasium's checker steps through every observation, which costs more than a small environment.
        return gymnasium.make(rest, disable_env_checker=True, **options)
    except TypeError as error:
        # Gymnasium raises it anew, with words of its own around what the environment said.
        said = error.__context__ if isinstance(error.__context__, TypeError) else error
        raise _misfit(name, said) or said from None


_UNEXPECTED = re.compile(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'")


def _misfit(name: str, error: TypeError) -> RemalisError | None:
    """The sentence for an option that an environment does not have; None where the error is about something else."""
    found, trace = _UNEXPECTED.search(str(error)), error.__traceback__
    if found is None or trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    made = {**trace.tb_frame.f_globals, **trace.tb_frame.f_locals}.get(found[1])  # what could not be called there
    valid = list(inspect.signature(made).parameters) if callable(made) else []
    return unknown(f"option of {name}:", found[2], valid) if valid else RemalisError(f"{name} has no {found[2]!r}.")


def _takes(function: Any, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def _make_multi_agent(config: Mapping[str, Any]) -> Any:
    from remalis_agents.rllib.multi_agent_env import make_multi_agent_env

    return make_multi_agent_env(config)


def _creators(*names: str) -> dict[str, Callable[[Any], Any]]:
    """What Ray makes environments with: the given names, or all team views and the multi-agent environments."""
    made: dict[str, Callable[[Any], Any]] = {n: partial(make_team_env, n) for n in names or team_env_names()}
    return made if names else {**made, MULTI_AGENT: _make_multi_agent}


def register_with_ray(*names: str) -> None:
    """Registers environments with Ray: the given names, or all of the suite."""
    from ray.tune.registry import register_env

    for name, creator in _creators(*names).items():
        register_env(name, creator)


def register_when_ray_loads() -> None:
    """Registers now if Ray's registry is loaded, else as soon as it is."""
    if _RAY_REGISTRY in sys.modules:
        register_with_ray()
    elif not any(isinstance(finder, _RayFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _RayFinder())


class _RayFinder(importlib.abc.MetaPathFinder):
    """Finds one module, Ray's registry, once, and has the environments registered after its import."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _RAY_REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(importlib.abc.Loader):
    """A module's own loader, followed by the registration."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for name, creator in _creators().items():
            module.register_env(name, creator)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
