"""A cache of built folders keyed by content, safe when several processes build the same thing at once.

Each folder holds a manifest with the size and hash of its files. What a full disk or a power cut has left broken is
noticed by it and built again, file by file, so that whoever reads at that moment finds an old file or a new one.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from remalis_envs.errors import RemalisError
from remalis_envs.traffic.manifest import MANIFEST, is_whole, write_manifest

CACHE_VARIABLE = "REMALIS_CACHE"
"""Environment variable that moves the cache."""

_NO_ROOM = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EFBIG),
    *(errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EINVAL),
)
"""What the system answers where the cache cannot be: no room, no right, or no folder of that name."""
_MIN_FREE_BYTES = 1 << 20
_LEFT_BEHIND_S = 24 * 3600.0
_PATIENCE_S = 2.0
"""A build that takes longer says so."""
_private: dict[str, Path] = {}


def private_folders() -> dict[str, Path]:
    """Folders that this process built for itself because the cache cannot be written."""
    return dict(_private)


def adopt_private(folders: dict[str, Path]) -> None:
    """Use another process's private folders; that process removes them."""
    _private.update(folders)


def cache_root() -> Path:
    """Folder of the cache: ``$REMALIS_CACHE``, or ``~/.cache/remalis``."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen)).absolute()  # as it stands where there is no such home
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "remalis"


def content_key(key_parts: Iterable[object]) -> str:
    """Hash of the parts that decide what is built (anything JSON can write)."""
    text = json.dumps(list(key_parts), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def cached(key_parts: Iterable[object], build: Callable[[Path], None]) -> Path:
    """Folder that ``build`` filled, now or before.

    The folder appears under its name only when it is whole: ``build`` works in a temporary folder beside it, which
    is then renamed. Of two processes that build at once the first to end wins, and both get the same folder.

    Args:
        key_parts: Everything that the result depends on; the first says in words what is built.
        build: Writes the files into the empty folder it is given.

    Returns:
        The folder. Where the cache cannot be written, a private temporary one, with a warning.

    Raises:
        RemalisError: Neither the cache nor the temporary folder can be written.
    """
    parts = list(key_parts)
    key, root = content_key(parts), cache_root()
    build = _announced(str(parts[0]), build)
    final = root / key
    if key in _private and _private[key].is_dir():
        return _private[key]
    try:
        if is_whole(final):
            return final
        root.mkdir(parents=True, exist_ok=True)
        return _build_into(root, final, build)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        reason = str(error)
    except RemalisError:
        # A tool of SUMO's reports a full disk in its own words: look at the disk itself.
        if shutil.disk_usage(root).free >= _MIN_FREE_BYTES:
            raise
        reason = "the disk is full"
    return _build_privately(key, root, reason, build)


def _announced(what: str, build: Callable[[Path], None]) -> Callable[[Path], None]:
    """``build``, which says on standard error what it is at where it takes more than a moment."""

    def run(folder: Path) -> None:
        note = f"remalis: preparing this map's {what}; it is kept for the next time"
        timer = threading.Timer(_PATIENCE_S, print, (note,), {"file": sys.stderr, "flush": True})
        timer.daemon = True
        timer.start()
        try:
            build(folder)
        finally:
            timer.cancel()

    return run


def _build_into(root: Path, final: Path, build: Callable[[Path], None]) -> Path:
    for left in root.glob(f".{final.name}.*"):  # by a process that was killed while it built
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_BEHIND_S:
                shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=root))
    try:
        build(partial)
        write_manifest(partial)
        partial.chmod(0o755)
        try:
            partial.rename(final)
        except OSError:
            if not final.is_dir():
                raise
            _heal(partial, final)
        return final
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _heal(partial: Path, final: Path) -> None:
    """Put ``partial``'s files in the place of a broken folder's; one process at a time, the manifest last."""
    if is_whole(final):  # another process has been faster
        return
    claim = final.with_name(f".{final.name}.lock")
    with open(claim, "w") as lock:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_whole(final):
            for name in [*(one.name for one in partial.iterdir() if one.name != MANIFEST), MANIFEST]:
                (partial / name).replace(final / name)
        claim.unlink(missing_ok=True)


def _build_privately(key: str, root: Path, reason: str, build: Callable[[Path], None]) -> Path:
    warnings.warn(
        f"The cache {root} cannot be written ({reason}): building in a temporary folder instead, again in each "
        f"process. Set {CACHE_VARIABLE} to a folder with room to avoid this.",
        RuntimeWarning,
        stacklevel=4,
    )
    try:
        folder = Path(tempfile.mkdtemp(prefix="remalis-"))
    except OSError as error:
        raise RemalisError(
            f"Neither the cache {root} nor the temporary folder can be written ({error}): make room, or set "
            f"{CACHE_VARIABLE} and TMPDIR to folders that have some."
        ) from error
    owner = os.getpid()

    def clean() -> None:
        # A forked child that exits must not take its parent's folder along.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(clean)
    try:
        build(folder)
    except OSError as error:
        clean()
        raise RemalisError(f"Nothing could be built in {folder}: {error}. Make room on the disk.") from error
    except BaseException:
        clean()
        raise
    _private[key] = folder
    return folder
