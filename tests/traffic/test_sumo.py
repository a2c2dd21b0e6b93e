"""SUMO's tools run from the wheel, and their own messages reach the user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remalis_envs.errors import SumoError
from remalis_envs.traffic.sumo import run_tool, sumo_home, sumo_version


def test_home_is_set_and_kept(monkeypatch):
    monkeypatch.delenv("SUMO_HOME", raising=False)
    assert os.environ.get("SUMO_HOME") is None
    home = sumo_home()
    assert os.environ["SUMO_HOME"] == home and (Path(home) / "bin").is_dir()
    monkeypatch.setenv("SUMO_HOME", "/elsewhere")
    sumo_home()
    assert os.environ["SUMO_HOME"] == "/elsewhere"
    assert sumo_version()[0].isdigit()


def test_failure_quotes_sumo(tmp_path):
    with pytest.raises(SumoError, match=r"missing\.nod\.xml"):
        run_tool("netconvert", "--node-files", "missing.nod.xml", "--output-file", str(tmp_path / "out.net.xml"))


def test_unknown_tool_is_a_sentence():
    with pytest.raises(SumoError, match="no_such_tool"):
        run_tool("no_such_tool")
