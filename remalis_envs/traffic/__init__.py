"""City traffic lights as a cooperative team, on real SUMO."""

from __future__ import annotations

from remalis_envs.traffic.traffic_v0 import traffic_v0

__all__ = ["traffic_v0"]
