"""Other suites' experimental protocols as presets, so that a figure can be set beside theirs.

``resco``: decisions every 10 s with 3 s of yellow (arterial4x4: 5 and 2), no all-red, no least green beyond the
decision, no teleports. Values are those of RESCO's ``map_config.py``.

``sumo_rl``: sumo-rl's defaults. Decisions every 5 s, 2 s of yellow, at least 5 s of green, no all-red, no teleports, no
greatest green; ``reset(seed)`` hands its seed to SUMO as it is, and the first green may not end before 7 s.

Both change signals their own plain way: links that turn red show yellow, every other link stays as it was, then the
next phase comes. A junction may need more than that to be cleared; that is why neither is the default here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from remalis_envs.errors import unknown
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.engine.simulation import SimulationFiles
from remalis_envs.traffic.scenarios import Scenario

NO_LIMIT = float("inf")


@dataclass(frozen=True)
class Protocol:
    """Timing of signals and options of SUMO that an experiment is run with."""

    timing: SignalTiming
    options: tuple[tuple[str, str], ...] = ()
    check_junctions: bool = False
    """Neither suite has SUMO look for collisions inside junctions, and a car in a collision is taken off the road."""
    plain_seed: bool = False
    """SUMO gets the seed of ``reset`` itself."""


def _plain(decision_s: float, yellow_s: float, min_green_s: float, first_green_extra_s: float = 0.0) -> SignalTiming:
    return SignalTiming(
        decision_s, yellow_s, 0.0, min_green_s, NO_LIMIT, plain=True, first_green_extra_s=first_green_extra_s
    )


_RESCO = Protocol(_plain(10.0, 3.0, 0.0), (("time-to-teleport", "-1"),))
_SUMO_RL = Protocol(
    _plain(5.0, 2.0, 5.0, first_green_extra_s=2.0),
    (("time-to-teleport", "-1"), ("waiting-time-memory", "1000"), ("max-depart-delay", "-1")),
    plain_seed=True,
)
PROTOCOLS = {"resco": _RESCO, "sumo_rl": _SUMO_RL}
_RESCO_EXCEPTIONS = {"resco/arterial4x4": replace(_RESCO, timing=_plain(5.0, 2.0, 0.0))}


def find_protocol(name: str, scenario: str = "") -> Protocol:
    """The protocol ``name``, as it is for ``scenario``.

    Raises:
        UnknownNameError: there is no such protocol.
    """
    if not isinstance(name, str) or name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return _RESCO_EXCEPTIONS.get(scenario, _RESCO) if name == "resco" else PROTOCOLS[name]


def under_protocol(scenario: Scenario, protocol: Protocol) -> Scenario:
    """``scenario`` with a protocol's timing and options; the protocol's options win over the scenario's own."""
    files = scenario.files
    for name, value in protocol.options:
        files = with_option(files, name, value)
    files = replace(files, check_junctions=protocol.check_junctions)
    return replace(scenario, files=files, timing=protocol.timing, plain_seed=protocol.plain_seed)


def with_option(files: SimulationFiles, name: str, value: str) -> SimulationFiles:
    """``files`` with one of SUMO's options set; SUMO accepts no option twice."""
    options = list(files.options)
    flag = "--" + name
    if flag in options:
        options[options.index(flag) + 1] = value
    else:
        options += [flag, value]
    return replace(files, options=tuple(options))
