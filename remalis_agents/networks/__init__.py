"""Networks in plain torch: (observations, alive, adjacency) -> (logits, values, extras), one registry."""

from __future__ import annotations

from remalis_agents.networks.base import TeamNetwork, TeamOutput
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import make_network, network_names, register_network

__all__ = ["Layout", "TeamNetwork", "TeamOutput", "make_network", "network_names", "register_network"]
