"""The road network as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from .model import Arm, Intersection, Lane, Movement, Phase, RoadNetwork


def save(network: RoadNetwork, path: Path) -> None:
    """Write a network as JSON: records as plain lists, in the order of their fields."""
    data = {
        "net_file": network.net_file,
        "intersections": [_pack_intersection(i) for i in network.intersections],
        "lanes": [_pack(lane) for lane in network.lanes],
        "lane_links": network.lane_links,
        "junction_lanes": network.junction_lanes,
        "entries": network.entries,
        "exits": network.exits,
        "bounds_m": network.bounds_m,
        "limits": network.limits,
    }
    path.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")


def load(path: Path, net_file: str) -> RoadNetwork:
    """Read a network that :func:`save` wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return RoadNetwork(
        net_file=net_file,
        intersections=tuple(_unpack_intersection(row) for row in data["intersections"]),
        lanes=tuple(Lane(*row) for row in data["lanes"]),
        lane_links={k: tuple(v) for k, v in data["lane_links"].items()},
        junction_lanes={k: (v[0], v[1]) for k, v in data["junction_lanes"].items()},
        entries=tuple(data["entries"]),
        exits=tuple(data["exits"]),
        bounds_m=tuple(data["bounds_m"]),
        limits=tuple(data["limits"]),
    )


def _pack(record: Any) -> list[Any]:
    return [getattr(record, f.name) for f in fields(record)]


def _pack_intersection(one: Intersection) -> list[Any]:
    row = _pack(one)
    names = [f.name for f in fields(one)]
    for name in ("arms", "movements", "phases"):
        i = names.index(name)
        row[i] = [_pack(record) for record in row[i]]
    return row


def _unpack_intersection(row: list[Any]) -> Intersection:
    values = dict(zip((f.name for f in fields(Intersection)), row, strict=True))
    values["arms"] = tuple(Arm(a, b, tuple(c), tuple(d), e, f) for a, b, c, d, e, f in values["arms"])
    values["movements"] = tuple(
        Movement(a, b, c, d, e, tuple(f), tuple(g), tuple(h), i) for a, b, c, d, e, f, g, h, i in values["movements"]
    )
    values["phases"] = tuple(Phase(a, b, tuple(c), tuple(d)) for a, b, c, d in values["phases"])
    values["yields_to"] = tuple(tuple(p) for p in values["yields_to"])
    values["turn_clearance_s"] = tuple(values["turn_clearance_s"])
    values["crossing_clearance_s"] = tuple(values["crossing_clearance_s"])
    return Intersection(**values)
