"""The speed benchmark of the ReMALIS network runs and says what it measured; no time is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("speed") / "remalis.json"
    command = [sys.executable, "benchmarks/speed.py", "remalis", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    if not torch.cuda.is_available():
        assert "finds no CUDA GPU" in done.stdout.replace("\n", " ")
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_every_part_is_there_with_positive_figures(result: dict[str, Any]) -> None:
    assert list(result["sections"]) == ["acting", "training", "paper"]
    figures = [one for section in result["sections"].values() for one in section["figures"]]
    assert len(figures) > 20
    for figure in figures:
        assert 0 < figure["low"] <= figure["median"] <= figure["high"], figure
        assert figure["met"] is None, "a quick run judges no target"
    targets = {figure["what"]: figure["target"] for figure in figures if figure["unit"] == "ms"}
    assert targets["9 agents: a joint step of ReMALIS tiny"] == 4.0
    assert targets["64 agents: a joint step of ReMALIS tiny"] == 12.0
    assert result["sections"]["acting"]["cpu_share_of_wall_time"] > 0


def test_ratios_are_those_of_the_times(result: dict[str, Any]) -> None:
    section = result["sections"]["acting"]
    medians = {figure["what"]: figure["median"] for figure in section["figures"]}
    rows = {(row["agents"], row["phases"]): row for row in section["ms"]}
    pairs = [a / b for a, b in zip(rows[9, 8]["remalis"], rows[9, 8]["ippo"], strict=True)]
    assert medians["9 agents: ReMALIS tiny over IPPO"] == pytest.approx(sum(pairs) / len(pairs)), "of two rounds"
    assert section["edges"] == {"9": 24, "64": 224, "174": 642, "400": 1520}
    grown = medians["ReMALIS tiny: time of 400 agents over 9"]
    assert medians["the same, over the growth of edges from 9 agents (63.3x)"] == pytest.approx(grown * 24 / 1520)


def test_the_others_are_as_wide_and_smaller(result: dict[str, Any]) -> None:
    sizes = result["sections"]["acting"]["parameters"]
    assert sizes["ippo"] < sizes["commnet"] < sizes["remalis"] < 1_000_000


def test_a_pass_to_learn_from_reaches_every_weight_and_the_large_one_can_be_tried_without_a_gpu() -> None:
    code = (
        "from remalis_speed.paper import measure\n"
        "from remalis_speed.learning import Batch\n"
        "from remalis_speed.sections import _models\n"
        "model = _models()['remalis']\n"
        "Batch(model, 4, 2, 3).learn()\n"
        "assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())\n"
        "import remalis_speed.paper as paper\n"
        "paper.AGENTS, paper.TEAMS, paper.SEQUENCES, paper.STEPS = 4, 2, 2, 2\n"
        "found = measure('cpu', 'tiny', runs=1, compiled=False)\n"
        "assert found['2 teams']['agent_steps_per_s'] > 0 < found['training']['ms']['low']\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
