"""SUMO from its wheel: where it lies, its version, and its command-line tools."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from remalis_envs.errors import SumoError


@cache
def _wheel_folder() -> Path:
    spec = importlib.util.find_spec("sumo")
    if spec is None or spec.origin is None:
        raise SumoError("SUMO was not found: install it with `pip install eclipse-sumo libsumo`.")
    return Path(spec.origin).parent


def sumo_home() -> str:
    """Folder of SUMO's wheel; sets ``SUMO_HOME`` where the user has not."""
    home = str(_wheel_folder())
    os.environ.setdefault("SUMO_HOME", home)
    return home


@cache
def sumo_version() -> str:
    """Version of SUMO's wheel, such as ``"1.28.0"``."""
    try:
        return importlib.metadata.version("eclipse-sumo")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def run_tool(name: str, *args: str, timeout_s: float = 300.0) -> list[str]:
    """Run one of SUMO's tools, such as ``netconvert``.

    Args:
        name: The tool's name.
        args: Its arguments.
        timeout_s: Longest time it may take.

    Returns:
        What it warned of, a line each.

    Raises:
        SumoError: The tool is not there, failed, or took too long; the message quotes its first error.
    """
    home = sumo_home()
    program = Path(home) / "bin" / (f"{name}.exe" if sys.platform == "win32" else name)
    if not program.is_file():
        raise SumoError(f"SUMO's tool {name!r} is not in {program.parent}: reinstall the eclipse-sumo wheel.")
    try:
        done = subprocess.run(
            [str(program), *args],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env={**os.environ, "SUMO_HOME": home},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SumoError(f"SUMO's {name} did not end within {timeout_s:.0f} s and was stopped.") from error
    except OSError as error:
        raise SumoError(f"SUMO's {name} could not be started: {error}.") from error
    if done.returncode != 0:
        raise SumoError(f"SUMO's {name} failed: {_first_error(done.stderr + done.stdout, done.returncode)}")
    return [line.strip() for line in done.stderr.splitlines() if line.strip()]


def _first_error(output: str, code: int) -> str:
    # SUMO breaks long messages; what goes on begins with a space.
    lines = [line.strip() for line in output.replace("\n ", " ").splitlines() if line.strip()]
    errors = [line.removeprefix("Error:").strip() for line in lines if line.startswith("Error")]
    chosen = errors[:2] or [line for line in lines if not line.startswith("Quitting")][-2:]
    return " ".join(chosen) if chosen else f"it ended with code {code} and said nothing."
