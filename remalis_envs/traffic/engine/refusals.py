"""Why SUMO refuses to begin, in words: of much that is wrong libsumo only says that there was an error."""

from __future__ import annotations

import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from remalis_envs.errors import SumoError, unknown
from remalis_envs.traffic.sumo import run_tool

_REFUSED = re.compile(r"option '(?:--)?([^']+)':\s*([^.]*\.)")
_TIMEOUT_S = 60.0
_SILENT = ("Process Error", "Could not parse commandline options.")
"""What libsumo says where it has told the reason to the terminal alone."""


def why_refused(command: Sequence[str], options: Sequence[str], said: str) -> str:
    """A sentence on what stopped SUMO at its beginning.

    Args:
        command: all of its arguments.
        options: those among them that the user chose; see :func:`refused_option`.
        said: what libsumo gave as its reason.
    """
    if reason := refused_option(options, said):
        return reason
    if said not in _SILENT:
        return said
    try:
        begin = command[list(command).index("--begin") + 1]
        run_tool("sumo", *command, "--end", begin, timeout_s=_TIMEOUT_S)
    except SumoError as error:
        return str(error).removeprefix("SUMO's sumo failed: ")
    return said


def refused_option(options: Sequence[str], said: str) -> str:
    """A sentence on the option that stopped SUMO, or nothing where it was not an option.

    Args:
        options: names (with ``--``) and values in turn, as they were given to SUMO.
        said: what libsumo gave as its reason.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:  # it reads its options, and ends there
            out = str(Path(folder) / "x.sumocfg")
            # In a worker, whose children nobody waits for, a failure looks like an end with errors on its lips.
            answer = " ".join(run_tool("sumo", *options, "--save-configuration", out, timeout_s=_TIMEOUT_S))
    except SumoError as error:
        answer = str(error)
    if found := _REFUSED.search(answer):
        name, reason = found.groups()
        known = _known_options() if "No option" in reason else []
        if known:
            return re.sub(r" Valid are: .*", "", str(unknown("option of SUMO", name, known)))
        return f"Option {name!r}: {reason}"
    # Times are read later than everything else, and then without their option's name.
    number = re.search(r"Invalid Number Format.*?([^\s.]+)\.?$", said)
    for name, value in zip(options[::2], options[1::2], strict=False):
        if number and value == number[1]:
            return f"Option {name[2:]!r}: {value!r} is not a number."
    return ""


def _known_options() -> list[str]:
    """Names of all of SUMO's options."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template.xml"
        try:
            run_tool("sumo", "--save-template", str(template), timeout_s=_TIMEOUT_S)
            return [item.tag for item in ET.parse(template).iter() if "value" in item.attrib]
        except (SumoError, OSError, ET.ParseError):
            return []
