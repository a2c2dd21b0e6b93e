"""The maps and route files that every contender simulates: 16, 64 and 174 signals."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from remalis_envs.traffic.cache import cached
from remalis_envs.traffic.network import RoadNetwork, grid, read_network
from remalis_envs.traffic.resco import resco_sumocfg
from remalis_envs.traffic.sumo import run_tool, sumo_version

DEMAND_SEED = 11
HORIZON_S = 7200
# Random streets of three to six arms: 174 signals and 2,235 approach lanes under SUMO 1.28.
_IRREGULAR = (
    "--rand --rand.iterations 260 --rand.max-distance 300 --rand.min-distance 150 --rand.min-angle 30 "
    "--rand.connectivity 0.97 --rand.neighbor-dist3 1 --rand.neighbor-dist4 8 --rand.neighbor-dist5 6 "
    "--rand.neighbor-dist6 3 --default.lanenumber 3 --default-junction-type traffic_light --no-turnarounds "
    "--tls.discard-simple --seed 1"
)


@dataclass(frozen=True)
class Map:
    """A network and its demand, as files that anyone's SUMO environment can read."""

    name: str
    net_file: str
    route_file: str


MAP_NAMES = ("grid4x4", "grid8x8", "irregular174")
"""RESCO's grid4x4 as ``sumo-rl`` carries it; our own 8x8 grid; random streets of three to six arms."""


def load_map(name: str) -> Map:
    """The files of a map; those that are not shipped with ``sumo-rl`` are built on first use and cached."""
    if name == "grid4x4":
        folder = resco_sumocfg("resco/grid4x4").parent
        return Map(name, str(folder / "grid4x4.net.xml"), str(folder / "grid4x4_1.rou.xml"))
    net_file, rate_veh_s = (grid(8, 8), 1.1) if name == "grid8x8" else (_irregular(), 0.85)
    return Map(name, str(net_file), str(_routes(name, net_file, rate_veh_s)))


def _irregular() -> Path:
    def build(folder: Path) -> None:
        run_tool("netgenerate", *_IRREGULAR.split(), "--output-file", str(folder / "map.net.xml"))

    return cached(["benchmark map", sumo_version(), _IRREGULAR], build) / "map.net.xml"


def _routes(name: str, net_file: Path, rate_veh_s: float) -> Path:
    """Cars that enter at random borders and times, routed beforehand so that no contender pays for routing."""

    def build(folder: Path) -> None:
        trips = folder / "trips.xml"
        trips.write_text(_trips(read_network(net_file, phases="program"), rate_veh_s), encoding="utf-8")
        run_tool(
            "duarouter", "--net-file", str(net_file), "--route-files", str(trips), "--ignore-errors", "true",
            "--no-warnings", "true", "--output-file", str(folder / "cars.rou.xml"),
        )  # fmt: skip
        if len(ET.parse(folder / "cars.rou.xml").getroot().findall("vehicle")) < rate_veh_s * HORIZON_S / 2:
            raise RuntimeError(f"most trips of {name} have no route")

    key = ["benchmark routes", sumo_version(), name, net_file.read_text(encoding="utf-8"), rate_veh_s, DEMAND_SEED]
    return cached(key, build) / "cars.rou.xml"


def _trips(network: RoadNetwork, rate_veh_s: float) -> str:
    rng = np.random.default_rng(DEMAND_SEED)
    departures = np.sort(rng.uniform(0.0, HORIZON_S, rng.poisson(rate_veh_s * HORIZON_S)))
    rows = [
        f'<trip id="{k}" depart="{time:.2f}" from="{rng.choice(network.entries)}" to="{rng.choice(network.exits)}" '
        'departLane="best" departSpeed="max"/>'
        for k, time in enumerate(departures.tolist())
    ]
    return "\n".join(["<routes>", *rows, "</routes>", ""])
