"""A run that goes on: with the configuration of its own folder, and with what may be changed in it."""

from __future__ import annotations

import csv

import pytest
import yaml

from remalis_agents.cli import main
from remalis_agents.configs.loader import check_body, read_body
from remalis_agents.configs.schema import ConfigError
from remalis_agents.resuming import find_run, followed, resume_from_file
from remalis_agents.runs import WRITTEN_FILE, TrainingError, new_run

BODY = {
    "env": "toys:remalis-test/RingTeam-v0",
    "stop": {"time_total_s": 60},
    "config": {
        "environment": {"env_config": {"agents": 4, "horizon": 5}},
        "training": {"lr": "3e-3", "gamma": 0.5, "train_batch_size_per_learner": 200, "minibatch_size": 100},
    },
}
STARTED_WITH = ["training.gamma=0.7", "environment.env_config.mask_first=true", "stop.training_iteration=1"]
"""What was said on the command line when the run was started, and is not said again."""


def write(tmp_path, **config):
    """The experiment's file, with sections of ``config`` changed; None removes a key."""
    sections = {name: {**section} for name, section in BODY["config"].items()}
    for name, section in config.items():
        sections[name] = {k: v for k, v in {**sections.get(name, {}), **section}.items() if v is not None}
    file = tmp_path / "ring.yaml"
    file.write_text(yaml.safe_dump({"ring": {**BODY, "config": sections}}))
    return file


def start(tmp_path):
    """A run's folder as a training makes it, and its experiment."""
    name, written = read_body(write(tmp_path))
    experiment = check_body(name, written, STARTED_WITH)
    return new_run(name, experiment, tmp_path / "runs", written), experiment


def resume(tmp_path, *changes):
    return resume_from_file(tmp_path / "ring.yaml", changes, tmp_path / "runs")


def test_what_was_said_at_the_start_need_not_be_said_again(tmp_path):
    run_dir, experiment = start(tmp_path)
    resumed = resume(tmp_path)
    assert (resumed.run_dir, resumed.experiment, resumed.changes) == (run_dir, experiment, [])
    assert resumed.experiment.config.training.gamma == 0.7, "and not 0.5, as the file has it"


def test_what_does_no_harm_may_change_by_file_and_by_command(tmp_path):
    start(tmp_path)
    write(tmp_path, env_runners={"num_env_runners": 2, "num_envs_per_env_runner": 8})
    resumed = resume(tmp_path, "stop.training_iteration=9", "checkpoint.frequency=3", "stop.time_s=null")
    assert resumed.experiment.config.env_runners.num_env_runners == 2
    assert resumed.experiment.stop.training_iteration == 9 and resumed.experiment.stop.time_s is None
    assert resumed.experiment.config.training.gamma == 0.7
    assert len(resumed.changes) == 5
    assert "stop.training_iteration was 1 and is now 9" in resumed.changes


def test_everything_that_may_not_change_is_named_in_one_sentence(tmp_path):
    start(tmp_path)
    write(tmp_path, training={"lr": 0.1}, environment={"env_config": {"agents": 4}})
    with pytest.raises(TrainingError) as caught:
        resume(tmp_path, "rl_module.options={hidden: [8, 8]}", "training.kl_stop=0.1", "env_runners.num_env_runners=3")
    said = str(caught.value)
    assert "\n" not in said
    for part in (
        "config.training.lr was 0.003 and is now 0.1",
        "config.environment.env_config.horizon was 5 and is now None",
        "config.rl_module.options.hidden was None and is now [8, 8]",
        "config.training.kl_stop was None and is now 0.1",
    ):
        assert part in said
    assert "gamma" not in said and "mask_first" not in said, "said at the start, and not otherwise now"
    assert "num_env_runners was" not in said


def test_the_same_value_said_again_is_no_change(tmp_path):
    start(tmp_path)
    assert resume(tmp_path, *STARTED_WITH, "training.lr=0.003").changes == []
    with pytest.raises(ConfigError, match="Did you mean 'gamma'"):
        resume(tmp_path, "training.gama=0.7")


def test_a_run_that_does_not_keep_its_file_is_compared_with_all_of_it(tmp_path):
    run_dir, experiment = start(tmp_path)
    (run_dir / WRITTEN_FILE).unlink()
    with pytest.raises(TrainingError, match=r"gamma was 0\.7 and is now 0\.5"):
        resume(tmp_path)
    assert resume(tmp_path, *STARTED_WITH).experiment == experiment


@pytest.mark.parametrize(
    ("stored", "before", "now", "result"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {"a": 1}, {"a": 1, "b": 2}),
        ({"a": 9}, {"a": 1}, {"a": 1}, {"a": 9}),
        ({"a": 9}, {"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 9}, {"a": 1}, {}, {}),
        ({"s": {"a": 1, "b": 9}}, {}, {"s": {"a": 2}}, {"s": {"a": 2, "b": 9}}),
        ({"s": {"a": 1, "b": 9}}, {"s": {"a": 1}}, {}, {"s": {"b": 9}}),
        ({"s": {"a": 1}}, {"s": {"a": 1}}, {}, {}),
        ({"s": {"a": 1}}, {"s": {"a": 1}}, {"s": None}, {"s": None}),
        ({"s": None}, {"s": None}, {"s": {"a": 1}}, {"s": {"a": 1}}),
    ],
)
def test_only_what_differs_in_the_file_is_followed(stored, before, now, result):
    assert followed(stored, before, now) == result


def test_a_run_is_found_by_its_own_name(tmp_path):
    mine, experiment = start(tmp_path)
    new_run("ring_long", experiment, tmp_path / "runs")
    assert find_run("ring", tmp_path / "runs") == mine
    with pytest.raises(TrainingError, match="no run of 'rin'"):
        find_run("rin", tmp_path / "runs")


@pytest.mark.ray
def test_a_training_is_resumed_by_what_changes_alone(ray_session, tmp_path, capsys):
    command = ["train", "file", str(write(tmp_path)), "--storage", str(tmp_path / "runs")]
    assert main([*command, *(word for change in STARTED_WITH for word in ("--set", change))]) == 0
    (run_dir,) = (tmp_path / "runs").iterdir()
    assert (
        main([*command, "--resume", "--set", "env_runners.num_env_runners=1", "--stop", "{training_iteration: 2}"]) == 0
    )
    shown = capsys.readouterr().out
    assert f"resumed     {run_dir}" in shown and "stop.training_iteration was 1 and is now 2" in shown
    rows = list(csv.DictReader((run_dir / "trial_01/progress.csv").open()))
    assert [int(row["training_iteration"]) for row in rows] == [2]
    assert resume(tmp_path).experiment.config.env_runners.num_env_runners == 1, "the folder knows what holds now"
    assert main([*command, "--resume", "--set", "training.gamma=0.1"]) == 2
    assert "config.training.gamma was 0.7 and is now 0.1" in capsys.readouterr().err
