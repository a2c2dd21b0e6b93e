"""A measurement in this process: ``python -m traffic_speed.cell NAME ARGUMENTS_AS_JSON SOCKET``."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from . import contenders
from .course import Course
from .maps import Map

_BESIDE_OTHERS: dict[str, Callable[..., dict[str, Any]]] = {
    "ours": contenders.ours,
    "bare": contenders.bare,
    "sumo_rl": contenders.sumo_rl,
}


class Line:
    """The gate that another process keeps, see :mod:`.process`; where that one is gone, this one ends."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # else a simulator started from here would hold the line too
        connection = socket.socket(fileno=descriptor)
        self._in, self._out = connection.makefile("r", encoding="utf-8"), connection.makefile("w", encoding="utf-8")

    def tell(self, what: str, content: Any = None) -> None:
        """Send a line."""
        self._out.write(json.dumps({what: content}) + "\n")
        self._out.flush()

    def ready(self) -> None:
        self.tell("ready")

    def wait(self) -> None:
        if not self._in.readline():
            sys.exit("whoever keeps the turns is gone")

    def done(self, turn: dict[str, Any]) -> None:
        self.tell("done", turn)


def measure(name: str, arguments: dict[str, Any], line: Line) -> dict[str, Any]:
    """Run the measurement ``name``."""
    given = dict(arguments)
    if "course" in given:
        given |= {"course": Course.from_dict(given["course"]), "gate": line}
    if name in _BESIDE_OTHERS:
        return _BESIDE_OTHERS[name](Map(**given.pop("map")), options=given.pop("options", {}), **given)
    from . import own

    return own.MEASUREMENTS[name](**given)


if __name__ == "__main__":
    line = Line(int(sys.argv[3]))
    line.tell("result", measure(sys.argv[1], json.loads(sys.argv[2]), line))
