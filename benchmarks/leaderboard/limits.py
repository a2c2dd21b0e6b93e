"""How long a cell may take, in the words of the command line, and the end of one that takes longer."""

from __future__ import annotations

import argparse
import contextlib
import re

_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0}
_GONE_S = 10.0


def seconds(text: str) -> float:
    """``6h``, ``90m`` or ``45s`` in seconds.

    Raises:
        argparse.ArgumentTypeError: it is no such time, or none at all.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hms])", text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above 0 such as 6h, 90m or 45s")
    return float(found[1]) * _UNITS_S[found[2]]


def said(time_s: float) -> str:
    """Such as ``6 h``, ``1.5 min`` or ``45 s``: in the largest unit of which there is one."""
    unit = next((name for name, size in _UNITS_S.items() if time_s >= size), "s")
    return f"{time_s / _UNITS_S[unit]:g} {'min' if unit == 'm' else unit}"


def end_tree(pid: int) -> None:
    """Ends a process at once with all that it has started, and what that has started; returns when they are gone."""
    import psutil  # Ray brings it

    try:
        root = psutil.Process(pid)
        doomed = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, timeout=_GONE_S)
