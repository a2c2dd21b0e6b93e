"""Incidents: what can happen on the roads, where, when it is drawn to happen, and what it does to SUMO."""

from __future__ import annotations

from .draw import draw_incidents
from .effects import ActiveIncident
from .model import HELL_INCIDENTS, KINDS, NO_INCIDENTS, Incident, IncidentKind, IncidentProfile
from .places import Places, find_places, load_places, roads_between_signals
from .runtime import IncidentRuntime

__all__ = [
    "HELL_INCIDENTS",
    "KINDS",
    "NO_INCIDENTS",
    "ActiveIncident",
    "Incident",
    "IncidentKind",
    "IncidentProfile",
    "IncidentRuntime",
    "Places",
    "draw_incidents",
    "find_places",
    "load_places",
    "roads_between_signals",
]
