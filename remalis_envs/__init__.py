"""Cooperative multi-agent environments: city traffic lights on real SUMO, web sites in real Chromium.

``import remalis_envs`` registers every environment with PettingZoo (``remalis/traffic-v0``, ``remalis/web-v0``) and
its team view with Gymnasium (``remalis/TrafficTeam-v0``, ``remalis/WebTeam-v0``). Beside these, ``partners_v0`` is a
small game that tells whether a team talks.
"""

from __future__ import annotations

from remalis_envs.diagnostics import partners_v0
from remalis_envs.registration import register_all
from remalis_envs.traffic import traffic_v0
from remalis_envs.web import web_v0

__version__ = "0.1.0"
__all__ = ["__version__", "partners_v0", "traffic_v0", "web_v0"]

register_all()
