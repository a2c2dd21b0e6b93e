"""Networks in plain torch: a team's inputs -> logits, values and what a method needs besides; one registry."""

from __future__ import annotations

from remalis_agents.networks.base import Following, Played, TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import make_network, network_class, network_names, register_network

__all__ = [
    "Following",
    "Layout",
    "Played",
    "TeamInputs",
    "TeamNetwork",
    "TeamOutput",
    "make_network",
    "network_class",
    "network_names",
    "register_network",
]
