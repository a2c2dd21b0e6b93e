"""The registry of networks: a method is a name in a config and a class here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from remalis_agents.networks.base import TeamNetwork
from remalis_envs.errors import unknown

_NETWORKS: dict[str, type[TeamNetwork]] = {}
_BUILT_IN = ("ippo",)
"""Modules of this package that register a network when imported."""


def register_network(name: str) -> Callable[[type[TeamNetwork]], type[TeamNetwork]]:
    """Class decorator: makes a network available as ``rl_module: {network: name}``."""

    def add(cls: type[TeamNetwork]) -> type[TeamNetwork]:
        _NETWORKS[name] = cls
        return cls

    return add


def network_names() -> list[str]:
    """The names of all registered networks."""
    for module in _BUILT_IN:
        import_module(f"remalis_agents.networks.{module}")
    return sorted(_NETWORKS)


def make_network(name: str, observation_size: int, action_count: int, options: dict[str, Any]) -> TeamNetwork:
    """Builds a network by name.

    Args:
        name: a registered name.
        observation_size: D, length of one agent's vector.
        action_count: A, number of actions of one agent.
        options: the network's own keyword arguments.

    Raises:
        UnknownNameError: no network has this name.
        TypeError: an option that the network does not have.
    """
    names = network_names()
    if name not in _NETWORKS:
        raise unknown("network", name, names)
    return _NETWORKS[name](observation_size, action_count, **options)
