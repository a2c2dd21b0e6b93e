"""The README's way to a baseline of one's own, followed step by step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.configs.loader import load_experiment
from remalis_agents.networks import make_network

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
HERE = ROOT / "examples/own_baseline"


def rllib(*arguments, cwd):
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "remalis_agents.cli", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**os.environ, "PYTHONPATH": path}, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_it_is_forty_lines_and_shown_in_the_readme():
    code = (HERE / "loudest.py").read_text()
    assert len(code.splitlines()) <= 40
    shown = re.findall(r"```(?:python|yaml)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert code in shown and (HERE / "loudest.yaml").read_text() in shown


def test_it_hears_the_loudest(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    torch.manual_seed(0)
    network = make_network("loudest:loudest", SIZE, COUNT, {"layout": LAYOUT, "message": 5})
    team = inputs(edges="line")
    hidden = torch.randn(3, 4, network.width)
    said = torch.relu(network.speak(hidden))
    heard = network.communicate(hidden, team).content
    torch.testing.assert_close(heard[:, 1], torch.maximum(said[:, 0], said[:, 2]))
    assert (network.communicate(hidden, inputs(edges="none")).content == 0).all()
    experiment = load_experiment(HERE / "loudest.yaml")[1]
    assert experiment.config.rl_module.network == "loudest:loudest"


def test_it_trains_resumes_evaluates_and_exports(tmp_path):
    small = ["--set", "environment.env_config.horizon_s=60", "--set", "env_runners.num_env_runners=0"]
    small += ["--set", "training.train_batch_size_per_learner=24", "--set", "training.minibatch_size=12"]
    train = ["train", "file", HERE / "loudest.yaml", *small, "--storage", tmp_path / "runs"]
    rllib(*train, "--stop", '{"training_iteration": 2}', cwd=tmp_path)
    again = rllib(*train, "--stop", '{"training_iteration": 3}', "--resume", cwd=tmp_path)
    run = re.search(r"run +(\S+)", again).group(1)
    assert "mean_delay_s" in rllib("evaluate", run, "--episodes", 1, "--set", "horizon_s=60", cwd=tmp_path)
    rllib("export", run, tmp_path / "team", cwd=tmp_path)
    assert "mean_delay_s" in rllib(
        "evaluate", tmp_path / "team", "--episodes", 1, "--set", "horizon_s=60", cwd=tmp_path
    )
