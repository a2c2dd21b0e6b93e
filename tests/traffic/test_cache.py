"""The cache: whole folders or none, also with two builders, and a way out where nothing can be written."""

from __future__ import annotations

import errno
import multiprocessing
import time
from pathlib import Path

import pytest

from remalis_envs.errors import RemalisError
from remalis_envs.traffic import cache
from remalis_envs.traffic.cache import cached, content_key


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_private", {})


def _write(folder: Path) -> None:
    (folder / "a.txt").write_text("whole")


def test_builds_once():
    calls = []

    def build(folder: Path) -> None:
        calls.append(folder)
        _write(folder)

    first, second = cached(["x", 1], build), cached(["x", 1], build)
    assert first == second and (first / "a.txt").read_text() == "whole" and len(calls) == 1
    assert cached(["x", 2], build) != first


def test_key_depends_on_every_part():
    keys = {content_key(parts) for parts in (["a", 1], ["a", "1"], ["a1"], [["a", 1]], ["a", 1, None])}
    assert len(keys) == 5


def test_failed_build_leaves_nothing():
    def build(folder: Path) -> None:
        _write(folder)
        raise RemalisError("no")

    with pytest.raises(RemalisError, match="no"):
        cached(["broken"], build)
    assert list(cache.cache_root().iterdir()) == []


def _slow(folder: Path) -> None:
    _write(folder)
    time.sleep(0.3)


def _slow_caller(queue) -> None:
    queue.put(str(cached(["both"], _slow)))


def test_two_builders_at_once_both_succeed():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_slow_caller, args=(queue,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    folders = {queue.get(timeout=20) for _ in workers}
    for worker in workers:
        worker.join(20)
        assert worker.exitcode == 0
    assert len(folders) == 1 and (Path(folders.pop()) / "a.txt").read_text() == "whole"
    assert len(list(cache.cache_root().iterdir())) == 1


def test_unwritable_cache_falls_back_with_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.warns(RuntimeWarning, match="cannot be written"):
        folder = cached(["y"], _write)
    assert (folder / "a.txt").read_text() == "whole"
    assert cached(["y"], _write) == folder


def test_full_disk_falls_back_and_leaves_no_half(tmp_path):
    calls = []

    def build(folder: Path) -> None:
        calls.append(folder)
        _write(folder)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.warns(RuntimeWarning, match="No space left"):
        folder = cached(["z"], build)
    assert (folder / "a.txt").exists() and list((tmp_path / "cache").iterdir()) == []


def test_nowhere_to_write_is_a_sentence(tmp_path):
    def build(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.warns(RuntimeWarning), pytest.raises(RemalisError, match="Make room"):
        cached(["w"], build)
