"""Anyone's SUMO files as a scenario: a ``.sumocfg``, or a ``.net.xml`` with route files or drawn demand."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from remalis_envs.errors import RemalisError, SumoError, unknown
from remalis_envs.traffic.demand import PROFILES, DemandProfile, types_file
from remalis_envs.traffic.engine.simulation import LONGEST_S, SimulationFiles
from remalis_envs.traffic.network import read_network
from remalis_envs.traffic.network.read import PhaseSource
from remalis_envs.traffic.scenarios import Scenario

DEFAULT_HORIZON_S = 3600.0
Routes = str | Path | Sequence[str | Path] | None

_SYNONYMS = {
    "n": "net-file",
    "net": "net-file",
    "r": "route-files",
    "routes": "route-files",
    "a": "additional-files",
    "additional": "additional-files",
    "b": "begin",
    "e": "end",
}
_FILE_OPTIONS = ("weight-files", "load-state")
_OURS = frozenset(
    {"net-file", "route-files", "additional-files", "begin", "end", "step-length", "collision.check-junctions"}
)
# What a simulation without a window, driven from outside and many times over, decides for itself.
_DROPPED_OPTIONS = frozenset(
    {
        "seed", "random", "verbose", "print-options", "no-step-log", "no-warnings", "start", "quit-on-end", "game",
        "remote-port", "num-clients", "log", "message-log", "error-log", "human-readable-time", "xml-validation",
        "device.tripinfo.probability", "step-log.period", "delay", "breakpoints", "window-size", "window-pos",
    }
)  # fmt: skip
_TRUE = ("true", "1", "on", "yes", "x", "t")
_DROPPED_WORDS = (
    *("output", "gui-", "duration-log", "save-state", "netstate", "report", "tripinfo", "emission-"),
    "device.ssm",  # writes a file for each car
)


@dataclass(frozen=True)
class OwnFiles:
    """What a SUMO configuration says, paths made absolute."""

    net_file: Path
    route_files: tuple[Path, ...] = ()
    additional_files: tuple[Path, ...] = ()
    begin_s: float = 0.0
    end_s: float | None = None
    step_length_s: float = 1.0
    check_junctions: bool = True
    options: dict[str, str] = field(default_factory=dict)
    """SUMO's other options by name; what would write files or open windows is left out."""


def find_files(scenario: str | Path, routes: Routes = None) -> OwnFiles:
    """The files that ``scenario`` and ``routes`` name; none is opened but a configuration.

    Args:
        scenario: path of a ``.sumocfg``, a ``.net.xml`` or a ``.net.xml.gz``.
        routes: route files that take the place of those in the configuration.

    Raises:
        RemalisError: the name does not look like either kind of file, or the configuration is broken.
        SumoError: a file does not exist.
    """
    path = Path(os.path.expanduser(scenario)).absolute()
    named = _named_routes(routes)
    if path.name.endswith((".net.xml", ".net.xml.gz")):
        files = OwnFiles(path)
    elif path.suffix == ".sumocfg" or path.name.endswith(".sumocfg.xml"):
        files = read_sumocfg(path)
    else:
        raise RemalisError(
            f"Scenario {str(scenario)!r} is neither 'resco/<map>' nor a path that ends in .sumocfg or .net.xml."
        )
    files = replace(files, route_files=named or files.route_files)
    for kind, group in (
        ("network", (files.net_file,)),
        ("route", files.route_files),
        ("additional", files.additional_files),
    ):
        for file in group:
            if not file.is_file():
                wrong = "is a folder" if file.is_dir() else "does not exist"
                raise SumoError(f"The {kind} file {file} {wrong}.")
            if kind == "route" and file.name.endswith((".net.xml", ".net.xml.gz", ".sumocfg")):
                raise RemalisError(f"{file} holds no routes by its name: routes are in a .rou.xml or .trips.xml.")
    return files


def _named_routes(routes: Routes) -> tuple[Path, ...]:
    if routes is None:
        return ()
    if not isinstance(routes, str | Path | list | tuple):
        raise RemalisError(f"routes is a path of a route file, or a list of paths, not {routes!r}")
    several = routes.split(",") if isinstance(routes, str) else [routes] if isinstance(routes, Path) else list(routes)
    return tuple(Path(os.path.expanduser(str(one).strip())).absolute() for one in several)


def read_sumocfg(path: Path) -> OwnFiles:
    """Read a SUMO configuration.

    Raises:
        SumoError: it does not exist or is not XML.
        RemalisError: it names no network.
    """
    try:
        root = ET.parse(path).getroot()
    except FileNotFoundError:
        raise SumoError(f"The SUMO configuration {path} does not exist.") from None
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise SumoError(f"The SUMO configuration {path} is not readable as XML: {error}.") from None
    except OSError as error:
        raise SumoError(f"The SUMO configuration {path} cannot be read: {error}.") from None
    given = {}
    for item in root.iter():
        value = item.get("value", item.get("v"))
        if value is not None:
            given[_SYNONYMS.get(item.tag, item.tag)] = os.path.expandvars(value)
    if given.get("mesosim", "").lower() in _TRUE:
        raise RemalisError(
            f"The SUMO configuration {path} asks for the mesoscopic model: take mesosim out of it and pass "
            "fidelity='meso'."
        )
    if not given.get("net-file"):
        raise RemalisError(f"The SUMO configuration {path} names no network: its <input> needs a <net-file .../>.")
    end_s = _seconds(path, given, "end")
    step_s = 1.0 if "step-length" not in given else _seconds(path, given, "step-length")
    if not step_s or abs(1e3 * step_s - round(1e3 * step_s)) > 1e-9:
        raise RemalisError(
            f"The SUMO configuration {path} has step-length={given['step-length']!r}; SUMO counts whole milliseconds, "
            "and takes steps of one or more."
        )
    return OwnFiles(
        net_file=_paths(path, given["net-file"])[0],
        route_files=_paths(path, given.get("route-files", "")),
        additional_files=_paths(path, given.get("additional-files", "")),
        begin_s=_seconds(path, given, "begin") or 0.0,
        end_s=None if end_s is not None and end_s < 0 else end_s,
        step_length_s=step_s,
        check_junctions=given.get("collision.check-junctions", "true").lower() in _TRUE,
        options={
            name: ",".join(map(str, _paths(path, value))) if name in _FILE_OPTIONS else value
            for name, value in given.items()
            if name not in _OURS | _DROPPED_OPTIONS and not any(word in name for word in _DROPPED_WORDS)
        },
    )


def _paths(config: Path, value: str) -> tuple[Path, ...]:
    """Names in a configuration are relative to its folder."""
    return tuple((config.parent / name.strip()).absolute() for name in value.split(",") if name.strip())


def _seconds(config: Path, given: dict[str, str], name: str) -> float | None:
    if name not in given:
        return None
    total = 0.0
    try:
        for factor, part in zip((1.0, 60.0, 3600.0, 86400.0), reversed(given[name].split(":")), strict=False):
            total += factor * float(part)
        if not abs(total) < LONGEST_S:
            raise ValueError("nan, or more than anybody simulates")
    except ValueError:
        raise RemalisError(
            f"The SUMO configuration {config} has {name}={given[name]!r}, which is no time, or more than a year."
        ) from None
    return total


def file_scenario(
    name: str,
    files: OwnFiles,
    *,
    phases: PhaseSource,
    demand: str | DemandProfile | None = None,
    begin_s: float | None = None,
    horizon_s: float | None = None,
) -> Scenario:
    """The scenario that simulates ``files``.

    Args:
        name: what it is called.
        files: see :func:`find_files`.
        phases: our own phases, or the greens of the signal programs in the network.
        demand: a profile, or the name of a level whose profile is drawn from instead of route files.
        begin_s: first second; the configuration's by default.
        horizon_s: length of an episode; until the configuration's end by default, 3600 s where there is none.

    Raises:
        RemalisError: there is no signal, or nobody would drive; the end lies before the beginning.
        SumoError: the network is broken.
        UnknownNameError: no profile of demand has this name.
    """
    profile = profile_of(demand)
    if profile is None and not files.route_files:
        raise RemalisError(
            f"Scenario {name!r} has no traffic: pass routes='<file>.rou.xml', or demand='easy' to have trips drawn."
        )
    begin = files.begin_s if begin_s is None else float(begin_s)
    if horizon_s is None:
        horizon_s = DEFAULT_HORIZON_S if files.end_s is None else files.end_s - begin
    if begin < 0:
        raise RemalisError(f"Scenario {name!r} begins at {begin:g} s, and SUMO knows no time before 0.")
    if not horizon_s > 0:
        raise RemalisError(f"Scenario {name!r} would last {horizon_s:g} s: it ends before it begins, at {begin:g} s.")
    network = read_network(files.net_file, phases=phases)
    if profile is not None and not (network.entries and network.exits):
        raise RemalisError(
            f"Trips are drawn from roads that enter the map at its border to roads that leave it, and {files.net_file} "
            "has none: give it outer roads (netgenerate's --grid.attach-length), or pass routes= instead of demand=."
        )
    crossings = any(move.kind == "crossing" for inter in network.intersections for move in inter.movements)
    additional = [str(file) for file in files.additional_files]
    simulated = SimulationFiles(
        str(files.net_file),
        route_files=() if profile else tuple(map(str, files.route_files)),
        additional_files=(*additional, str(types_file())) if profile else tuple(additional),
        begin_s=begin,
        step_length_s=files.step_length_s,
        options=tuple(part for option, value in files.options.items() for part in ("--" + option, value)),
        check_junctions=files.check_junctions,
    )
    return Scenario(
        name=name,
        network=network,
        files=simulated,
        horizon_s=float(horizon_s),
        demand=profile,
        pedestrians=crossings and (profile is None or profile.persons_per_s > 0),
    )


def profile_of(demand: str | DemandProfile | None) -> DemandProfile | None:
    """The profile that ``demand`` is or names; None for none.

    Raises:
        UnknownNameError: no profile has this name.
        RemalisError: it is neither.
    """
    if demand is None or isinstance(demand, DemandProfile):
        return demand
    if not isinstance(demand, str):
        raise RemalisError(f"demand is a profile, or the name of a level, not {demand!r}")
    if demand not in PROFILES:
        raise unknown("demand", demand, PROFILES)
    return PROFILES[demand]
