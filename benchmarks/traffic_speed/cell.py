"""One measurement in this process: ``python -m traffic_speed.cell NAME ARGUMENTS_AS_JSON RESULT_FILE``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import contenders
from .course import Course
from .maps import Map

_ON_A_COURSE: dict[str, Callable[..., dict[str, Any]]] = {
    "ours": contenders.ours,
    "bare": contenders.bare,
    "sumo_rl": contenders.sumo_rl,
}


def measure(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run the measurement ``name``."""
    if name in _ON_A_COURSE:
        course = Course.from_dict(arguments["course"])
        return _ON_A_COURSE[name](Map(**arguments["map"]), course, arguments.get("options", {}))
    from . import own

    return own.MEASUREMENTS[name](**arguments)


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]))), encoding="utf-8")
