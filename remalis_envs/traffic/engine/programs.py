"""Signal programs that SUMO runs by itself: read from a network, and handed to SUMO as an additional file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.traffic.cache import cached
from remalis_envs.traffic.engine.simulation import SimulationFiles
from remalis_envs.traffic.network.model import RoadNetwork
from remalis_envs.traffic.network.netfile import opened

KINDS = ("static", "actuated", "delay_based")
PROGRAM_ID = "remalis"
"""Differs from the ids in network files ("0", mostly), so that SUMO takes it for a new program and starts it."""


@dataclass(frozen=True)
class ProgramPhase:
    """A step of a signal program."""

    duration_s: float
    state: str
    min_s: float | None = None
    """Least and most duration; only actuated programs look at them."""
    max_s: float | None = None

    @property
    def is_green(self) -> bool:
        """Whether something is green and nothing is about to turn red."""
        return bool(set(self.state) & set("Gg")) and not set(self.state) & set("yY")


@dataclass(frozen=True)
class SignalProgram:
    """A signal program that SUMO runs: a fixed cycle, or one that detectors stretch and shorten."""

    kind: Literal["static", "actuated", "delay_based"]
    phases: tuple[ProgramPhase, ...]
    offset_s: float = 0.0
    parameters: tuple[tuple[str, str], ...] = ()
    """Of SUMO's own logic, such as ``(("max-gap", "3.0"),)``."""

    @property
    def cycle_s(self) -> float:
        """Sum of the durations."""
        return sum(phase.duration_s for phase in self.phases)


Control = Literal["agents", "own"] | Mapping[str, SignalProgram]
"""Who runs the signals: the agents, the programs of the network, or those given (and agents elsewhere)."""


def check_control(control: object, network: RoadNetwork) -> None:
    """Raise where ``control`` is not a :data:`Control` that fits ``network``.

    Raises:
        UnknownNameError: an unknown word, a signal that the network does not have, or an unknown kind of program.
        RemalisError: a program without phases, of no duration, or whose states do not fit the signal.
    """
    if isinstance(control, str):
        if control not in ("agents", "own"):
            raise unknown("control", control, ("agents", "own"))
        return
    if not isinstance(control, Mapping):
        raise RemalisError(
            f"control is 'agents', 'own' or a mapping from signals to SignalProgram, not {type(control).__name__}."
        )
    links = {inter.id: len(inter.phases[0].state) for inter in network.intersections}
    for signal, program in control.items():
        if signal not in links:
            raise unknown("signal", signal, links)
        if not isinstance(program, SignalProgram):
            raise RemalisError(f"control[{signal!r}] must be a SignalProgram, not {type(program).__name__}.")
        if program.kind not in KINDS:
            raise unknown("kind of signal program", program.kind, KINDS)
        if not program.phases or min(phase.duration_s for phase in program.phases) <= 0:
            raise RemalisError(f"The program of signal {signal!r} needs phases, each longer than 0 s.")
        for phase in program.phases:
            if len(phase.state) != links[signal]:
                raise RemalisError(
                    f"State {phase.state!r} of signal {signal!r} has {len(phase.state)} letters, but the signal has "
                    f"{links[signal]} links."
                )


@lru_cache(maxsize=8)
def _programs_of_file(net_file: str) -> dict[str, SignalProgram]:
    with opened(net_file) as stream:
        logics = [element for _, element in ElementTree.iterparse(stream) if element.tag == "tlLogic"]
    return {element.get("id", ""): _program(element) for element in logics}


def _program(element: ElementTree.Element) -> SignalProgram:
    phases = tuple(
        ProgramPhase(
            float(phase.get("duration", "0")),
            phase.get("state", ""),
            float(phase.attrib["minDur"]) if "minDur" in phase.attrib else None,
            float(phase.attrib["maxDur"]) if "maxDur" in phase.attrib else None,
        )
        for phase in element.iter("phase")
    )
    kind = element.get("type", "static")
    return SignalProgram(
        kind if kind in KINDS else "static",  # type: ignore[arg-type]
        phases,
        _seconds(element.get("offset", "0")),
        tuple((one.get("key", ""), one.get("value", "")) for one in element.iter("param")),
    )


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"-?\d+(\.\d*)?", text) else 0.0


def network_programs(network: RoadNetwork) -> dict[str, SignalProgram]:
    """The signal programs in the network's file, by signal; the last one where a signal has several."""
    programs = _programs_of_file(network.net_file)
    return {agent: programs[agent] for agent in network.agents if agent in programs}


def with_programs(files: SimulationFiles, programs: Mapping[str, SignalProgram]) -> SimulationFiles:
    """The files of a simulation in which SUMO runs ``programs``; the file that holds them lies in the cache."""
    xml = programs_xml(programs)
    folder = cached(["programs", xml], lambda folder: _write(folder / "programs.add.xml", xml))
    return replace(files, additional_files=(*files.additional_files, str(folder / "programs.add.xml")))


def programs_xml(programs: Mapping[str, SignalProgram]) -> str:
    """``programs`` as a SUMO additional file."""
    lines = ["<additional>"]
    for signal, program in programs.items():
        lines.append(
            f'  <tlLogic id={quoteattr(signal)} type="{program.kind}" programID="{PROGRAM_ID}"'
            f' offset="{program.offset_s:g}">'
        )
        for phase in program.phases:
            limits = (("minDur", phase.min_s), ("maxDur", phase.max_s))
            extra = "".join(f' {name}="{value:g}"' for name, value in limits if value is not None)
            lines.append(f'    <phase duration="{phase.duration_s:g}" state="{phase.state}"{extra}/>')
        lines += [f"    <param key={quoteattr(key)} value={quoteattr(value)}/>" for key, value in program.parameters]
        lines.append("  </tlLogic>")
    return "\n".join([*lines, "</additional>", ""])


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
