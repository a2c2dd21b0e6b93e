"""The speed benchmark runs and measures the same simulation on every side; no time is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
OTHERS = {
    "bare libsumo",
    "sumo-rl parallel",
    "sumo-rl parallel, sockets",
    "sumo-rl class",
    "sumo-rl class, no info",
    "ours, sumo-rl's numbers",
}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("speed") / "speed.json"
    command = [sys.executable, "benchmarks/speed.py", "traffic", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "in its own process only" in done.stdout.replace("\n", " "), "the mended import is not mentioned"
    assert out.with_name("speed_scaling.png").stat().st_size > 5000
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_every_part_is_there_with_positive_figures(result: dict[str, Any]) -> None:
    assert set(result["sections"]) == {"16 signals", "meso", "reset", "several at once", "growth"}
    for section in result["sections"].values():
        assert section["figures"]
        for figure in section["figures"]:
            assert 0 < figure["low"] <= figure["high"], figure
            assert figure["met"] is None, "a quick run judges no target"


def test_circumstances_are_recorded(result: dict[str, Any]) -> None:
    assert result["command"].startswith("python benchmarks/speed.py traffic --quick")
    assert result["quick"] is True
    assert result["versions"]["libsumo"] == "1.28.0"
    assert result["versions"]["sumo-rl"] == "1.4.5"
    assert result["machine"]["cores"] >= 1
    assert result["sections"]["16 signals"]["course"]["seed"] == 7


def test_all_contenders_simulated_the_same(result: dict[str, Any]) -> None:
    raw = result["sections"]["16 signals"]["raw"]
    assert set(raw) > OTHERS
    hashes = {lap["hash"] for runs in raw.values() for run in runs for lap in run["laps"]}
    assert len(hashes) == 1
    totals = {
        (lap["arrived"], lap["mean_time_loss_s"]) for lap in (raw[k][0]["laps"][0] for k in ("ours", "bare libsumo"))
    }
    assert len(totals) == 1
    assert all(run["agents"] == 16 for runs in raw.values() for run in runs)


def test_whoever_is_compared_took_the_same_turns(result: dict[str, Any]) -> None:
    for name, turns in (("16 signals", [8, 8, 4]), ("meso", [10, 10]), ("growth", [5, 5])):
        section = result["sections"][name]
        short = {"ours, short", "sumo-rl parallel, sockets"}
        for label, runs in section["raw"].items():
            expected = [4] * 5 if label in short else turns
            assert [[turn["decisions"] for turn in run["turns"]] for run in runs] == [expected], label
        assert all("sums" in figure for figure in section["figures"])
    clocks = {figure["what"]: figure["clock"] for figure in result["sections"]["16 signals"]["figures"]}
    assert [what for what, clock in clocks.items() if clock == "wall_s"] == [
        "sumo-rl parallel, sockets (as it comes), 16 signals"
    ], "only the simulator of the sockets is a second process"


def test_growth_says_whose_it_is(result: dict[str, Any]) -> None:
    growth = result["sections"]["growth"]
    assert growth["remark"].startswith("Between 9 and 16 signals, CPU time a decision and signal goes from ")
    assert [figure["what"].split(" per signal")[0] for figure in growth["figures"]] == [
        "CPU time", "SUMO's own stepping", "our share of it"
    ]  # fmt: skip
    for row in growth["rows"]:
        assert 0 < row["own_cpu_us_per_signal"] < row["cpu_us_per_signal"]
    for runs in growth["raw"].values():
        assert all(0 < turn["physics_cpu_s"] < turn["cpu_s"] for run in runs for turn in run["turns"])


def test_sumo_rl_ran_on_what_its_label_says(result: dict[str, Any]) -> None:
    raw = result["sections"]["16 signals"]["raw"]
    assert raw["sumo-rl parallel"][0]["libsumo"] is True
    assert raw["sumo-rl parallel, sockets"][0]["libsumo"] is False


def test_the_check_notices_a_different_simulation() -> None:
    code = (
        "from traffic_speed.ratios import same_simulation as same\n"
        "lap = {'time_s': 1.0, 'cars': 2, 'inserted': 2, 'hash': 'a'}\n"
        "assert same([{'laps': [lap]}] * 2) == 'a'\n"
        "same([{'laps': [lap]}, {'laps': [{**lap, 'hash': 'b'}]}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True, check=False
    )
    assert "did not simulate the same" in done.stderr
