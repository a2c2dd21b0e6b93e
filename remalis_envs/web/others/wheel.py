"""The MiniWoB++ pages: a wheel fetched once, checked by its hash, read as an archive and never imported or run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

from remalis_envs.errors import RemalisError
from remalis_envs.traffic.cache import CACHE_VARIABLE, cache_root

VERSION = "1.1.0"
SHA256 = "297006e84219d56ad037e843527ed773a4a82509dc43b6031ec4a3ad3e3e61d9"
NAME = f"miniwob-{VERSION}-py3-none-any.whl"
ROOT = "miniwob/html/"
"""Where the pages stand in the wheel."""
FETCH_S = 120.0


def wheel() -> Path:
    """The wheel in the cache, fetched if it is not there or not whole.

    Raises:
        RemalisError: it is not in the cache and cannot be fetched.
    """
    kept = cache_root() / "miniwob" / NAME
    if kept.is_file() and _digest(kept) == SHA256:
        return kept
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kept.parent) as folder:
            _fetch(Path(folder))
            os.replace(Path(folder) / NAME, kept)
    except OSError as error:
        raise RemalisError(
            f"the MiniWoB++ pages cannot be kept in {kept.parent} ({error}): set {CACHE_VARIABLE} to a folder that can "
            "be written"
        ) from error
    return kept


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fetch(folder: Path) -> None:
    """Has pip put the wheel into a folder; pip itself refuses one of another hash."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"miniwob=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--retries", "1", "--timeout", "10"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), "--requirement", str(wanted)],
            capture_output=True,
            text=True,
            timeout=FETCH_S,
            check=False,
        )
        said = done.stderr.strip().splitlines()
    except subprocess.TimeoutExpired:
        said = [f"pip took longer than {FETCH_S:g} s"]
    whole = (folder / NAME).is_file() and _digest(folder / NAME) == SHA256
    if not whole:
        reason = said[-1] if said else "pip gave another file"
        raise RemalisError(
            f"the MiniWoB++ pages are not in the cache and could not be fetched ({reason}): connect to a package "
            f"index once, or put {NAME} into {cache_root() / 'miniwob'}"
        )


@lru_cache(maxsize=1)
def pages() -> dict[str, bytes]:
    """Path, ``/miniwob/click-test.html``, -> content of every file of the pages.

    Raises:
        RemalisError: see :func:`wheel`.
    """
    with zipfile.ZipFile(wheel()) as archive:
        names = [name for name in archive.namelist() if name.startswith(ROOT) and not name.endswith("/")]
        return {"/" + name.removeprefix(ROOT): archive.read(name) for name in names}
