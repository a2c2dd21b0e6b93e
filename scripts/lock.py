"""Writes requirements.lock: resolves pyproject.toml with all extras in a fresh environment and freezes the result."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A range would draw another build of torch than the one tested where several are at hand, so the lock fixes it first.
TORCH = "torch==2.13.0"
HEADER = """\
# The exact set of packages that remalis is developed and tested with (Python 3.11), development tools included.
# Made by `make lock`: a fresh virtual environment, `pip install "{torch}"` with all that pyproject.toml requires
# and its extras, then `pip freeze --all` without pip itself and without local version labels (+cpu, +cu130).
# Installed by `make venv`, or by hand:
#   pip install -r requirements.lock && pip install --no-deps -e .
"""


def requirements() -> list[str]:
    """Returns every requirement of pyproject.toml, those of all extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return project["dependencies"] + [requirement for extra in extras for requirement in extra]


def pinned(frozen: str) -> list[str]:
    """Turns the output of `pip freeze --all` into pins that any machine can install, in alphabetical order."""
    pins = []
    for line in frozen.splitlines():
        name, separator, version = line.partition("==")
        if not separator:
            sys.exit(f"requirements.lock can only hold versions from a package index, and pip reports `{line}`.")
        if name.lower() != "pip":
            pins.append(f"{name}=={re.sub(r'[+].*', '', version)}")
    return sorted(pins, key=str.lower)


def main() -> None:
    """Resolves and writes the lock file."""
    with tempfile.TemporaryDirectory(prefix="remalis-lock-") as folder:
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-qq", TORCH, *requirements()], check=True)
        subprocess.run([*pip, "check"], check=True)
        frozen = subprocess.run([*pip, "freeze", "--all"], check=True, capture_output=True, text=True).stdout
    pins = pinned(frozen)
    (ROOT / "requirements.lock").write_text(HEADER.format(torch=TORCH) + "\n".join(pins) + "\n")
    print(f"requirements.lock: {len(pins)} packages")


if __name__ == "__main__":
    main()
