"""Do a team's messages matter? The command writes what it found, and says what it cannot find out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from explained_teams import partners
from leaderboard.process import learning_curve

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["--episodes", "4", "--moments", "3", "--set", "horizon=6", "--seed", "7"]


def run(*arguments):
    command = [sys.executable, "benchmarks/messages.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_it_writes_figures_of_every_episode_and_a_picture(tmp_path):
    _, team = partners(spread=0.1)
    team.trained_on["env_config"] = {"agents": 4, "symbols": 4}
    out = tmp_path / "found.json"
    done = run(team.save_pretrained(tmp_path / "team"), *SHORT, "--out", out)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "right_share, silenced" in done.stdout
    assert out.with_suffix(".png").stat().st_size > 20_000
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["about"]["command"].startswith("python benchmarks/messages.py") and found["about"]["versions"]["torch"]
    assert found["team"]["seeds"] == [7, 8, 9, 10] and found["team"]["env_config"]["horizon"] == 6
    score, one = found["score"], found["overwritten"]
    assert (score["figure"], score["higher_is_better"]) == ("right_share", True)
    assert all(len(way["episodes"]) == way["count"] == 4 for way in score["played"].values())
    silent = score["differences"]["silenced"]
    played = score["played"]
    assert silent["mean"] == pytest.approx(played["silenced"]["mean"] - played["as played"]["mean"])
    assert silent["low"] < silent["mean"] < silent["high"]
    assert 4 < len(one["moments"]) <= 12 and one["largest_control"] == one["largest_beyond_reach"] == 0
    assert one["agents_beyond_reach"] == 2 * len(one["moments"]) and one["distance"]["mean"] > 0
    assert found["beliefs"]["training"] == [], "an exported team knows nothing of its training"
    assert found["beliefs"]["chance_uniform"] == 0.25 <= found["beliefs"]["chance_commonest"]


@pytest.mark.full
@pytest.mark.ray
def test_beliefs_over_training_are_read_from_the_run(tmp_path):
    code = (
        "from remalis_agents.configs.loader import load_experiment as load\n"
        "from remalis_agents.train import train\n"
        "name, experiment = load('partners_remalis', ['stop.env_steps=null', 'stop.training_iteration=3'])\n"
        f"print(train(name, experiment, storage=__import__('pathlib').Path({str(tmp_path)!r}), callbacks=[]).run_dir)\n"
    )
    trained = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stderr[-3000:]
    out = tmp_path / "found.json"
    done = run(trained.stdout.split()[-1], *SHORT, "--out", out)
    assert done.returncode == 0, done.stderr[-3000:]
    points = json.loads(out.read_text(encoding="utf-8"))["beliefs"]["training"]
    assert [one["env_steps"] for one in points] == [800, 1600, 2400]
    assert all(0.2 < one["belief_accuracy"] <= 1 for one in points)


def test_a_learning_curve_holds_the_accuracy_of_beliefs(tmp_path):
    steps, accuracy = "env_runners/num_env_steps_sampled_lifetime", "learners/default_policy/belief_accuracy"
    for part, rows in (("trial_00", "100,0.25\n200,\n300,0.5\n"), ("trial_01", "300,0.75\n")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "progress.csv").write_text(f"{steps},{accuracy}\n{rows}", encoding="utf-8")
    points = [(one["env_steps"], one.get("belief_accuracy")) for one in learning_curve(tmp_path)]
    assert points == [(100, 0.25), (200, None), (300, 0.75)]


@pytest.mark.parametrize(
    ("network", "arguments", "says"),
    [
        ("ippo", [], "whose messages cannot be replaced"),
        ("remalis", ["--figure", "right_shar"], "Did you mean 'right_share'?"),
        ("remalis", ["--moments", "1", "--episodes", "2", "--seed", "3"], "ask for more --moments"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, network, arguments, says):
    _, team = partners(network)
    team.trained_on["env_config"] = {"agents": 4, "symbols": 4, "horizon": 3}
    out = tmp_path / "found.json"
    done = run(team.save_pretrained(tmp_path / "team"), "--episodes", "2", *arguments, "--out", out)
    assert done.returncode == 2 and says in done.stderr
    assert "\n" not in done.stderr.strip() and not out.exists()
