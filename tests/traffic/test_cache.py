"""The cache: whole folders or none, also with two builders, and a way out where nothing can be written."""

from __future__ import annotations

import errno
import multiprocessing
import os
import time
import warnings
from pathlib import Path

import pytest

import remalis_envs
from remalis_envs.errors import RemalisError
from remalis_envs.traffic import cache
from remalis_envs.traffic.cache import cached, content_key
from remalis_envs.traffic.manifest import MANIFEST


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


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _swap(file: Path) -> None:
    file.write_text(file.read_text().swapcase())


@pytest.mark.parametrize("damage", [_cut, _swap, Path.unlink], ids=["cut", "same size", "lost"])
@pytest.mark.parametrize("name", ["a.txt", MANIFEST])
def test_a_broken_folder_is_built_again(damage, name):
    folder = cached(["x"], _write)
    damage(folder / name)
    assert cached(["x"], _write) == folder
    assert (folder / "a.txt").read_text() == "whole"
    assert cached(["x"], _fail) == folder
    assert list(cache.cache_root().iterdir()) == [folder]


def _fail(folder: Path) -> None:
    raise AssertionError("built again without need")


def _slow_and_different(folder: Path) -> None:
    """As netconvert's files, which hold the time they were made at."""
    time.sleep(0.2)
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"whole {os.getpid()}")


def _healer(queue) -> None:
    folder = cached(["torn"], _slow_and_different)
    queue.put((folder / "a.txt").read_text() == (folder / "b.txt").read_text())


def test_several_that_heal_at_once_agree_and_no_file_is_ever_missing():
    folder = cached(["torn"], _slow_and_different)
    (folder / "a.txt").write_text("")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_healer, args=(queue,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    seen = set()
    while any(worker.is_alive() for worker in workers):
        seen.add((folder / "a.txt").read_text()[:5])
    assert [queue.get(timeout=20) for _ in workers] == [True] * 4
    assert seen <= {"", "whole"}
    assert cached(["torn"], _fail) == folder
    assert list(cache.cache_root().iterdir()) == [folder]


@pytest.mark.parametrize("name", ["map.net.xml", "network.json", "routes.npz"])
def test_a_level_survives_a_file_that_was_cut_short(name):
    before = remalis_envs.traffic_v0("easy").network
    first = remalis_envs.traffic_v0("easy", horizon_s=10)
    first.reset(seed=1)
    first.close()
    for file in cache.cache_root().glob(f"*/{name}"):
        os.truncate(file, file.stat().st_size // 2)
    env = remalis_envs.traffic_v0("easy", horizon_s=10)
    assert env.network.intersections == before.intersections
    env.reset(seed=1)
    env.close()


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


@pytest.mark.parametrize("place", ["file", "/dev/full", "/proc/nothing/here", "x" * 300, "~nobody-of-this-name/x"])
def test_a_cache_that_cannot_be_is_replaced_by_a_private_folder(place, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.chdir(tmp_path)
    inside = place == "file" or len(place) == 300
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / place) if inside else place)

    def build(folder):
        (folder / "a.txt").write_text("a")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = cached(["a test of places", place], build)
    assert (folder / "a.txt").read_text() == "a"
