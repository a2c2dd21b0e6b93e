"""The commands: what they print and the exit codes; training itself is tested in test_train."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

from remalis_agents.cli import main, remalis_main
from remalis_agents.configs import load_experiment, shipped_configs
from remalis_agents.listing import show_experiments

RING = {"ring": {"env": "toys:remalis-test/RingTeam-v0", "stop": {"training_iteration": 1}, "config": {}}}


def written(tmp_path, **body):
    file = tmp_path / "ring.yaml"
    file.write_text(yaml.safe_dump({"ring": {**RING["ring"], **body}}))
    return str(file)


def test_list_shows_every_shipped_experiment_a_line_each_where_it_is_piped(capsys):
    assert main(["train", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_configs())
    shown = {line.split()[0]: line for line in lines}
    assert "remalis/TrafficTeam-v0 easy + resco/cologne3 " in shown["traffic_mixed_ippo"]
    assert "remalis/TrafficTeam-v0 easy > medium > hard > hell " in shown["traffic_curriculum_ippo"]
    assert "None" not in "".join(lines)


@pytest.mark.parametrize("width", [80, 140])
def test_a_terminal_gets_a_table_in_which_names_and_words_are_whole(width):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    show_experiments(stream, width)
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()]
    assert max(map(len, lines)) <= width
    for name, path in shipped_configs().items():
        first = next(n for n, line in enumerate(lines) if line.startswith(f"{name} "))
        told = " ".join(" ".join(lines[first : first + 3]).split())
        assert load_experiment(path)[1].description in told
    assert "remalis/TrafficTeam-v0 easy + resco/cologne3" in lines
    assert lines[-1].endswith("its name and _gpu.")


@pytest.mark.parametrize(
    ("body", "arguments", "says"),
    [
        ({"confg": {}}, [], "Did you mean 'config'?"),
        ({}, ["--set", "training.gama=1"], "Did you mean 'gamma'?"),
        ({}, ["--stop", "soon"], "--stop must be JSON"),
        ({"env": None}, [], "ring.env must be text"),
        ({"env": "remalis/TraficTeam-v0"}, [], "Did you mean 'remalis/TrafficTeam-v0'?"),
        ({}, ["--set", "environment.env_config.agents=0"], "no agents"),
        ({}, ["--set", "environment.env_config={agent: 3}"], "Did you mean 'agents'?"),
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
        (
            {"env": "remalis/PartnersTeam-v0"},
            ["--set", "rl_module.sharing=by_type"],
            "Set rl_module.sharing to full (one set of weights for all agents) or none",
        ),
        ({}, ["--set", "rl_module.network=ipo"], "Did you mean 'ippo'?"),
        ({}, ["--set", "rl_module.options={hiden: [3]}"], "'hiden'"),
        ({}, ["--set", "training.minibatch_size=100000"], "minibatch_size"),
        ({"env": "CartPole-v1"}, [], "CartPole-v1 is not an environment of a team"),
        ({}, ["--set", "rl_module.layout={a: 1}"], "Unknown key of a layout 'a'"),
        ({}, ["--set", "rl_module.layout={start: 0, count: 3}"], "A layout needs features"),
        ({}, ["--set", "rl_module.layout={start: -5, count: 3, features: 2}"], "A layout's start is"),
        ({}, ["--stop", "{time_s: 2020-01-01}"], "stop.time_s must be a number"),
        ({}, ["--resume", ""], "'' is not the folder of a run"),
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
def test_a_controller_plays_the_episodes_that_a_team_plays(tmp_path, capsys):
    out = tmp_path / "figures.json"
    given = ["evaluate", "max_pressure", "--set", "horizon_s=100", "--episodes", "2", "--out", str(out)]
    assert main(given) == 0
    assert "mean_delay_s" in capsys.readouterr().out
    played = json.loads(out.read_text())
    assert played["seeds"] == [1000, 1001] and played["env_config"]["split"] == "test"
    assert main(["evaluate", "max_pressure", "--env", "remalis/PartnersTeam-v0"]) == 2
    assert "cannot play remalis/PartnersTeam-v0" in capsys.readouterr().err


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
    assert main(["evaluate", str(run), "--level", "easy"]) == 2
    said = capsys.readouterr().err
    assert "Unknown option of toys:remalis-test/RingTeam-v0: 'level'. Valid are: 'agents', 'horizon'" in said
    assert said.count("\n") == 1 and "creator" not in said, "nothing of Gymnasium's own"
    for arguments, says in (
        (["--env", "CartPole-v1"], "is not an environment of a team"),
        (["--set", "max_agents=1"], "give max_agents="),
        (["--seed", "18446744073709551616"], "seed is a whole number from 0 to 4294967295"),
    ):
        assert main(["evaluate", str(run), *arguments]) == 2
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1


@pytest.mark.ray
def test_a_run_that_is_interrupted_before_its_first_iteration_says_so(tmp_path):
    command = [sys.executable, "-m", "remalis_agents.cli", "train", "file", "partners_ippo", "--storage", str(tmp_path)]
    training = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        shown = training.stdout.readline()
        assert "starting" in shown
        while not list(tmp_path.glob("*/trial_00")):
            assert training.poll() is None
            time.sleep(0.1)
        training.send_signal(signal.SIGINT)
        shown += training.communicate(timeout=60)[0]
    finally:
        training.kill()
    assert training.returncode == 130
    assert "checkpoint  none was written: the training was stopped before" in shown and "at_end" not in shown


@pytest.mark.ray
def test_a_run_without_a_checkpoint_says_why(ray_session, tmp_path, capsys):
    file = written(tmp_path, checkpoint={"at_end": False, "frequency": 0})
    changes = ["--set", "training.train_batch_size_per_learner=100", "--set", "training.minibatch_size=50"]
    assert main(["train", "file", file, "--storage", str(tmp_path / "runs"), *changes]) == 0
    shown = capsys.readouterr().out
    assert "checkpoint  none was written: checkpoint.at_end is false" in shown
    assert "None" not in shown and "rllib evaluate" not in shown
