"""What every test shares: a cache of the run's own, the search for Chromium, and which tests may run side by side."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

# Before torch, Ray or matplotlib are imported, and inherited by the workers and by every process that a test starts.
# One thread a process: the workers share the cores, and sums then have one order.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

from remalis_envs.web.sandbox.find import BrowserMissingError, find_chromium  # noqa: E402 - after the threads' limits

RUN_CACHE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Gives the run a cache of its own, so that no network of an earlier version can make a test pass."""
    if "REMALIS_CACHE" not in os.environ:
        config.stash[RUN_CACHE] = os.environ["REMALIS_CACHE"] = tempfile.mkdtemp(prefix="remalis-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the run's cache; only the process that made it has it in its stash."""
    if RUN_CACHE in config.stash:
        shutil.rmtree(config.stash[RUN_CACHE], ignore_errors=True)
        os.environ.pop("REMALIS_CACHE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests that need a browser where there is none."""
    wanting = [item for item in items if item.get_closest_marker("browser")]
    if wanting and chromium() is None:
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="Chromium was not found: `make browser` finds or installs it"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file in one worker, and all files of a folder that start Ray in the same one.

    `--dist loadgroup` is meant for this, but xdist 3.8 loses the groups on pytest 9.2 (pytest-xdist issue 1386).
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    @functools.cache
    def group(file: str) -> str:
        return f"ray {Path(file).parts[1]}" if "mark.ray" in (config.rootpath / file).read_text() else file

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid.split("::", 1)[0])

    return ByFile(config, log)


def chromium() -> str | None:
    """Returns the path of the Chromium that the environments use, or None."""
    try:
        return find_chromium()
    except BrowserMissingError:
        return None


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium that the browser tests use."""
    path = chromium()
    assert path is not None, "tests that ask for chromium_path carry the marker `browser`"
    return path
