"""The speed benchmark of the trainer runs beside RLlib's own path; no time is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("beside RLlib", "overhead")


def test_both_paths_sample_and_learn(tmp_path: Path) -> None:
    out = tmp_path / "trainer.json"
    chosen = [word for name in SECTIONS for word in ("--only", name)]
    command = [sys.executable, "benchmarks/speed.py", "trainer", "--quick", "--out", str(out), *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    sections = json.loads(out.read_text(encoding="utf-8"))["sections"]
    assert tuple(sections) == SECTIONS
    for name, count in zip(SECTIONS, (6, 2), strict=True):
        assert len(sections[name]["figures"]) == count
        for figure in sections[name]["figures"]:
            assert 0 < figure["low"] <= figure["median"] <= figure["high"], figure
