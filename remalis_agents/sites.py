"""The command `remalis sites`: serves a drawn site, for a person to click through its task in an own browser."""

from __future__ import annotations

import argparse
import re
import signal
import socket
from collections.abc import Callable

from remalis_envs.errors import RemalisError
from remalis_envs.web.sandbox.loop import Loop
from remalis_envs.web.sandbox.server import SiteServer
from remalis_envs.web.sites.loading import domain_names, load_domain
from remalis_envs.web.tasks.generate import Drawn, draw_task
from remalis_envs.web.tasks.model import LEVELS, judge

_HOST = re.compile(r"([a-z0-9][a-z0-9_-]*)\.localhost(?::\d+)?")
_LOOK_S = 0.5


class PersonServer(SiteServer):
    """The environment's own server for one tab, under hosts that every browser finds on its own machine.

    Args:
        loop: that watches its connections.
        listener: bound and listening, on the loopback interface.
    """

    def __init__(self, loop: Loop, listener: socket.socket) -> None:
        super().__init__(loop, listener)
        self.port: int = listener.getsockname()[1]

    def suffix(self, tab: int) -> str:
        return f".localhost:{self.port}"

    def place_of(self, host: str) -> tuple[str, int] | None:
        match = _HOST.fullmatch(host)
        return (match[1], 0) if match else None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--domain", default="library", help="a domain's name, or a file of your own (default: library)")
    add("--level", default="medium", choices=LEVELS, help="of the task (default: medium)")
    add("--seed", type=int, default=0, help="of task and site (default: 0)")
    add("--port", type=int, default=8000, help="on this machine; 0 for any that is free (default: 8000)")
    add("--show-answer", action="store_true", help="print the reference plan, too")
    add("--list", action="store_true", help="show the domains and their services, and serve nothing")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: there is no such domain, or the port is taken.
    """
    if args.list:
        for name in domain_names():
            print(f"{name}: {', '.join(load_domain(name).services)}")
        return 0
    if args.seed < 0:
        raise RemalisError(f"--seed is a whole number of at least 0, not {args.seed}.")
    drawn = draw_task(args.domain, args.level, args.seed)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
    try:
        serve(drawn, args.port, lambda server: _introduce(drawn, server, args.show_answer))
    except KeyboardInterrupt:
        print("\nClosed.")
    return 0


def serve(drawn: Drawn, port: int, ready: Callable[[PersonServer], None]) -> None:
    """Serves a task's sites until it is interrupted, and says what the judge says once the task is made final.

    Args:
        drawn: the task with its world.
        port: to listen on; 0 for any.
        ready: called once the sites can be visited.

    Raises:
        RemalisError: the port cannot be had.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        raise RemalisError(f"Port {port} cannot be had ({error}): name another with --port, or 0 for any.") from None
    loop = Loop()
    server = PersonServer(loop, listener)
    told = False
    try:
        server.begin(drawn.world, 0)
        ready(server)
        while True:
            loop.once(_LOOK_S)
            if drawn.world.ended and not told:
                told = True
                print(verdict(drawn), flush=True)
            if server.failure is not None:
                raise RemalisError(f"The site failed: {server.failure!r}") from server.failure
    finally:
        server.close()
        loop.close()
        listener.close()


def verdict(drawn: Drawn) -> str:
    """What the judge says of the sites as they are, in words."""
    db = drawn.world.db
    share, solved, harm = judge(drawn.task, db)
    lines = ["Solved." if solved else f"Not solved: {share:.0%} of what was asked for is right."]
    lines += [f"  lacking: {check.text}" for check in drawn.task.rubric if not check.holds(db)]
    return "\n".join(lines + ([f"  harm done that nobody asked for: {harm}"] if harm else []))


def _introduce(drawn: Drawn, server: PersonServer, answer: bool) -> None:
    host, _, path = drawn.world.start.partition("/")
    print(f"{drawn.task.domain}, {drawn.task.level}: {drawn.task.instruction}")
    if answer:
        print(f"One way: {drawn.task.plans[0]}")
    print(f"Open http://{host}{server.suffix(0)}/{path} in a browser; Ctrl-C ends it.", flush=True)
