"""What several commands read off their command lines in the same way."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remalis_envs.errors import RemalisError

PLAIN_INTERVAL_S = 10.0
"""How often progress is said where there is no terminal to show it on."""


def at_least(least: int) -> Callable[[str], int]:
    """A type for ``add_argument``: whole numbers of at least ``least``."""

    def whole_number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return value

    return whole_number


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Lets SIGTERM end what is inside as Ctrl-C does, with a KeyboardInterrupt: so blocks clean up on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def writable(name: str) -> Path:
    """The path of a file to be; found out before hours are spent on what goes into it."""
    path, new = Path(name), not os.path.exists(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8"):
            pass
    except (OSError, ValueError) as error:  # a ValueError for names that no system has
        said = getattr(error, "strerror", None) or error
        raise RemalisError(f"{name!r} cannot be written: {said}.") from None
    if new:
        path.unlink()
    return path


def add_world(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what a trained team plays; :func:`env_changes` reads all but the first."""
    add = parser.add_argument
    add("--env", help="an environment's name (default: what it was trained on)")
    add("--level", help="the level to play")
    add("--scenario", help="the scenario to play")
    add("--split", help="train, validation or test (default: test)")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes", help="other options of the env")


def env_changes(args: argparse.Namespace) -> dict[str, Any]:
    """What ``--set``, ``--level``, ``--scenario`` and ``--split`` change of an environment's options."""
    from remalis_agents.configs.reading import read_yaml
    from remalis_agents.configs.schema import ConfigError

    changes: dict[str, Any] = {}
    for change in args.changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise ConfigError(f"--set takes key=value, such as horizon_s=600, but it got {change!r}.")
        try:
            changes[key] = read_yaml(text)
        except ConfigError as error:
            raise ConfigError(f"--set {change}: the value is not YAML: {error}") from None
    named = {"level": args.level, "scenario": args.scenario, "split": args.split}
    return changes | {key: value for key, value in named.items() if value is not None}
