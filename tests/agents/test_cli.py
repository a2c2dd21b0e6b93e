"""The commands: what they print and the exit codes; training itself is tested in test_train."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from remalis_agents.cli import main, remalis_main
from remalis_agents.configs import shipped_configs

RING = {"ring": {"env": "toys:remalis-test/RingTeam-v0", "stop": {"training_iteration": 1}, "config": {}}}


def written(tmp_path, **body):
    file = tmp_path / "ring.yaml"
    file.write_text(yaml.safe_dump({"ring": {**RING["ring"], **body}}))
    return str(file)


def test_list_shows_every_shipped_experiment(capsys):
    assert main(["train", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in shipped_configs())


@pytest.mark.parametrize(
    ("body", "arguments", "says"),
    [
        ({"confg": {}}, [], "Did you mean 'config'?"),
        ({}, ["--set", "training.gama=1"], "Did you mean 'gamma'?"),
        ({}, ["--stop", "soon"], "--stop must be JSON"),
        ({"env": None}, [], "ring.env must be text"),
        ({"env": "remalis/TraficTeam-v0"}, [], "Did you mean 'remalis/TrafficTeam-v0'?"),
        ({}, ["--set", "environment.env_config.agents=0"], "no agents"),
        ({}, ["--set", "environment.env_config={agent: 3}"], "unexpected keyword argument 'agent'"),
        (
            {"env": "remalis/TrafficTeam-v0"},
            ["--set", "environment.env_config={levl: easy}"],
            "Did you mean 'level'?",
        ),
        (
            {"env": "remalis/TrafficTeam-v0"},
            ["--set", "environment.env_config={level: eazy}"],
            "Did you mean 'easy'?",
        ),
        ({}, ["--set", "rl_module.network=ipo"], "Did you mean 'ippo'?"),
        ({}, ["--set", "rl_module.options={hiden: [3]}"], "'hiden'"),
        ({}, ["--set", "training.minibatch_size=100000"], "minibatch_size"),
        ({}, ["--resume"], "no run of 'ring'"),
        ({}, ["--resume", "/nowhere"], "'/nowhere' is not the folder of a run"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(tmp_path, capsys, body, arguments, says):
    code = main(["train", "file", written(tmp_path, **body), "--storage", str(tmp_path / "runs"), *arguments])
    captured = capsys.readouterr()
    assert code == 2
    assert says in captured.err
    assert captured.err.count("\n") == 1 and captured.err.startswith("rllib: ")
    assert not (tmp_path / "runs").exists(), "nothing is left behind"


def test_evaluating_what_is_no_checkpoint(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path / "none")]) == 2
    assert "no checkpoint at" in capsys.readouterr().err
    assert remalis_main(["evaluate", str(tmp_path)]) == 2
    assert "holds no checkpoint" in capsys.readouterr().err


def test_without_arguments_it_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "remalis_agents.cli"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "train" in done.stdout and "evaluate" in done.stdout


@pytest.mark.ray
def test_train_then_evaluate(ray_session, tmp_path, capsys):
    changes = ["--set", "training.train_batch_size_per_learner=200", "--set", "training.minibatch_size=100"]
    code = main(["train", "file", written(tmp_path), "--storage", str(tmp_path / "runs"), "--seed", "3", *changes])
    shown = capsys.readouterr().out
    assert code == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert f"rllib evaluate {run}" in shown
    assert yaml.safe_load((run / "experiment.yaml").read_text())["ring"]["config"]["debugging"]["seed"] == 3
    out = tmp_path / "figures.json"
    assert main(["evaluate", str(run), "--episodes", "3", "--set", "agents=2", "--out", str(out)]) == 0
    assert "right_share" in capsys.readouterr().out
    stored = json.loads(out.read_text())
    assert len(stored["episodes"]) == 3 and stored["env_config"] == {"agents": 2}
