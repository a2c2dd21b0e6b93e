"""What a reader needs to judge a result or to make it again."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PACKAGES = ("eclipse-sumo", "libsumo", "sumo-rl", "pettingzoo", "gymnasium", "numpy", "ray", "torch")
_ROOT = Path(__file__).resolve().parents[1]


def circumstances(script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Command, commit, date, versions and machine."""
    return {
        "command": " ".join([f"python benchmarks/{script}", *arguments]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": _git("rev-parse", "HEAD"),
        # What benchmarks write themselves changes no figure.
        "git_changes": bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "system": platform.system(),
            "load_average_at_start": os.getloadavg() if hasattr(os, "getloadavg") else None,
        },
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
