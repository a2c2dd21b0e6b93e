"""RESCO's eight maps, read from the user's own installed ``sumo-rl`` package.

The maps carry non-commercial and GPL terms, so none is shipped here. The package is only located, never imported: its
import demands ``SUMO_HOME`` and pulls in TraCI. It holds one route file a map, so that what differs between episodes is
how SUMO's drivers behave, not who drives.
"""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path

from remalis_envs.errors import RemalisError, unknown

RESCO_PREFIX = "resco/"
RESCO_MAPS = (
    "grid4x4",
    "arterial4x4",
    "cologne1",
    "cologne3",
    "cologne8",
    "ingolstadt1",
    "ingolstadt7",
    "ingolstadt21",
)


def is_resco(scenario: str) -> bool:
    """Whether ``scenario`` names one of the maps, rightly or wrongly spelled: it is no file, and looks like one."""
    name = scenario.lower()
    if name.startswith(RESCO_PREFIX) or name in RESCO_MAPS:
        return True
    return bool(difflib.get_close_matches(name, [RESCO_PREFIX + one for one in RESCO_MAPS], n=1, cutoff=0.85))


def resco_sumocfg(scenario: str) -> Path:
    """The ``.sumocfg`` of ``resco/<map>``.

    Raises:
        UnknownNameError: RESCO has no such map.
        RemalisError: ``sumo-rl`` is not installed, or this release of it lacks the map.
    """
    names = [RESCO_PREFIX + name for name in RESCO_MAPS]
    if scenario not in names:
        raise unknown("RESCO map", scenario, names)
    name = scenario.removeprefix(RESCO_PREFIX)
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or spec.origin is None:
        raise RemalisError(
            f"Scenario {scenario!r} is read from the package sumo-rl, which is not installed and whose maps may not be "
            "shipped here: run `pip install sumo-rl`."
        )
    config = Path(spec.origin).parent / "nets" / "RESCO" / name / f"{name}.sumocfg"
    if not config.is_file():
        raise RemalisError(
            f"The installed sumo-rl has no map {name!r} ({config} is missing): run `pip install sumo-rl==1.4.5`."
        )
    return config
