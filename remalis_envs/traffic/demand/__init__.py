"""Drawn demand: rates and shares (profiles), ways through the network (routes), vehicles (trips), pedestrians."""

from __future__ import annotations

from .profiles import PROFILES, DemandProfile, Rate, draw_rate
from .routes import RouteTable, add_route, build_routes, load_routes
from .trips import Trips, add_vehicle, draw_trips, vehicle_id
from .vehicle_types import BUS, CAR, EMERGENCY, LORRY, VEHICLE_TYPES, types_file, types_xml

__all__ = [
    "BUS",
    "CAR",
    "EMERGENCY",
    "LORRY",
    "PROFILES",
    "VEHICLE_TYPES",
    "DemandProfile",
    "Rate",
    "RouteTable",
    "Trips",
    "add_route",
    "add_vehicle",
    "build_routes",
    "draw_rate",
    "draw_trips",
    "load_routes",
    "types_file",
    "types_xml",
    "vehicle_id",
]
