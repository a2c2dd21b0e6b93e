"""The manifest of a built folder: size and hash of each file, so that one that is cut short or changed is noticed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
_seen: dict[Path, list[tuple[str, int, int]]] = {}
"""What this process has found whole: names, sizes and times of change, so that it hashes each file once."""


def write_manifest(folder: Path) -> None:
    """Note the files that lie in ``folder``."""
    files = {one.name: [one.stat().st_size, _hash(one)] for one in sorted(folder.iterdir()) if one.is_file()}
    (folder / MANIFEST).write_text(json.dumps(files), encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Whether ``folder`` exists and every file of its manifest is as it was written."""
    try:
        files: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        states = {name: (folder / name).stat() for name in files}
        if any(state.st_size != files[name][0] for name, state in states.items()):
            return False
        marks = [(name, state.st_size, state.st_mtime_ns) for name, state in states.items()]
        if _seen.get(folder) != marks:
            if any(_hash(folder / name) != files[name][1] for name in files):
                return False
            _seen[folder] = marks
    except (OSError, ValueError, TypeError, LookupError, AttributeError):  # absent, or itself cut short
        return False
    return True


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
