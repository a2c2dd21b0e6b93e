"""The MiniWoB++ wheel in the cache: only the right one is used, and without one a sentence says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from remalis_envs.errors import RemalisError
from remalis_envs.web.others import wheel
from remalis_envs.web.others.miniwob import miniwob_tasks


def test_offline_and_not_cached_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMALIS_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(RemalisError, match="not in the cache and could not be fetched"):
        wheel.wheel()
    assert not list((tmp_path / "miniwob").iterdir())


def test_a_file_of_another_hash_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMALIS_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (tmp_path / "miniwob").mkdir()
    (tmp_path / "miniwob" / wheel.NAME).write_bytes(b"something else")
    with pytest.raises(RemalisError, match="could not be fetched"):
        wheel.wheel()


def test_all_tasks_are_listed_with_what_is_out_of_reach() -> None:
    try:
        tasks = miniwob_tasks()
    except RemalisError as error:
        pytest.skip(str(error))
    assert len(tasks) == 125
    assert tasks["miniwob/click-test"] == ""
    assert "dragged" in tasks["miniwob/drag-box"]
    assert 0 < sum(bool(why) for why in tasks.values()) < 40
