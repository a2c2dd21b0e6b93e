"""The registry of networks: a method is a name in a config and a class here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from remalis_agents.methods import METHODS
from remalis_agents.networks.base import TeamNetwork
from remalis_envs.errors import RemalisError, unknown

_NETWORKS: dict[str, type[TeamNetwork]] = {}
N = TypeVar("N", bound=type[TeamNetwork])


def register_network(name: str) -> Callable[[N], N]:
    """Class decorator: makes a network available as ``rl_module: {network: name}``."""

    def add(cls: N) -> N:
        _NETWORKS[name] = cls
        return cls

    return add


def _built_in() -> set[str]:
    return {method.network for method in METHODS.values()} - {""}


def network_names() -> list[str]:
    """The names of all registered networks; each built-in one stands in a module of its name."""
    for name in _built_in():
        import_module(f"remalis_agents.networks.{name}")
    return sorted(_NETWORKS)


def network_class(name: str) -> type[TeamNetwork]:
    """The class behind a name.

    Args:
        name: a registered name, or ``"module:name"`` for one that a module of yours registers when imported.

    Raises:
        UnknownNameError: no network has this name.
        RemalisError: the module cannot be imported.
    """
    module, _, own = name.rpartition(":")
    if module:
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            raise RemalisError(
                f"Network {name!r} names module {module!r}, which cannot be imported ({error}): install it, or add "
                "its folder to PYTHONPATH."
            ) from None
    elif own in _built_in():
        import_module(f"remalis_agents.networks.{own}")
    if own not in _NETWORKS:
        raise unknown("network", own, network_names())
    return _NETWORKS[own]


def accepted_options(cls: type[TeamNetwork]) -> set[str]:
    """Names of the keyword arguments that a network takes, those that it hands on to its bases among them."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(vars(base)["__init__"]).parameters
        names |= {name for name, one in parameters.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
            break
    return names - {"self"}


def make_network(name: str, observation_size: int, action_count: int, options: dict[str, Any]) -> TeamNetwork:
    """Builds a network by name.

    Args:
        name: see :func:`network_class`.
        observation_size: D, length of one agent's vector.
        action_count: A, number of actions of one agent.
        options: the network's own keyword arguments.

    Raises:
        UnknownNameError: no network has this name.
        TypeError: an option that the network does not have.
    """
    return network_class(name)(observation_size, action_count, **options)
