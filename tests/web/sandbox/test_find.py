"""Chromium is found where scripts/browser.sh finds it, and the program behind a start script is what is run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remalis_envs.web.sandbox import find


def program(path: Path, content: bytes = b"\x7fELF") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "ours"))
    monkeypatch.setattr(find, "PLACES", ())
    behind = (str(tmp_path / "lib/chromium-headless-shell"), str(tmp_path / "lib/chromium"))
    monkeypatch.setattr(find, "BEHIND_SCRIPTS", behind)
    return tmp_path


def test_the_order(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(find.BrowserMissingError, match="make browser"):
        find.find_chromium()
    older = program(nowhere / "ours/chromium-1000/chrome-linux/chrome")
    assert find.find_chromium() == older
    newer = program(nowhere / "ours/chromium-1200/chrome-linux64/chrome")
    assert find.find_chromium() == newer
    shell = program(nowhere / "ours/chromium_headless_shell-1000/chrome-linux/headless_shell")
    assert find.find_chromium() == shell and find.is_shell(shell) and not find.is_shell(newer)
    on_path = program(nowhere / "bin/google-chrome")
    assert find.find_chromium() == on_path
    shell_on_path = program(nowhere / "bin/chromium-headless-shell")
    assert find.find_chromium() == shell_on_path
    named = program(nowhere / "elsewhere/chrome")
    monkeypatch.setenv("CHROMIUM", named)
    assert find.find_chromium() == named
    monkeypatch.setenv("CHROMIUM", "no-such-program")
    with pytest.raises(find.BrowserMissingError, match="CHROMIUM names no-such-program"):
        find.find_chromium()


def test_the_program_behind_a_start_script(nowhere: Path):
    script = program(nowhere / "bin/chromium", b"#!/bin/sh\n")
    assert find.find_chromium() == os.path.realpath(script)
    shell = program(nowhere / "lib/chromium-headless-shell")
    assert find.find_chromium() == os.path.realpath(script)  # not the one that another script starts
    real = program(nowhere / "lib/chromium")
    assert find.find_chromium() == real
    program(nowhere / "bin/chromium-headless-shell", b"#!/bin/sh\n")
    assert find.find_chromium() == shell
