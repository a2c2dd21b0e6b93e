"""ReMALIS, part by part: one file for each of the paper's modules, and the network that is made of them."""

from __future__ import annotations

from remalis_agents.networks.remalis.network import RemalisNetwork
from remalis_agents.networks.remalis.options import PRESETS, Losses, Options

__all__ = ["PRESETS", "Losses", "Options", "RemalisNetwork"]
