"""A run that goes on: with the configuration of its own folder, and with what may be changed in it."""

from __future__ import annotations

import csv

import pytest
import yaml

from remalis_agents.cli import main
from remalis_agents.configs.loader import check_body, read_body
from remalis_agents.configs.schema import ConfigError
from remalis_agents.evaluate import find_checkpoint
from remalis_agents.resuming import find_run, followed, resume_from_file
from remalis_agents.rllib.checkpoints import MANIFEST, write_manifest
from remalis_agents.runs import EXPERIMENT_FILE, WRITTEN_FILE, TrainingError, latest_checkpoint, new_run
from remalis_envs.errors import RemalisError

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


def checkpoint(run_dir, trial, number):
    """A whole checkpoint as far as its manifest goes."""
    folder = run_dir / f"trial_{trial:02d}" / f"checkpoint_{number:06d}"
    folder.mkdir(parents=True)
    (folder / "algorithm_state.pkl").write_bytes(b"state")
    write_manifest(folder, {"training_iteration": number + 1, "time_total_s": 1.0})
    return folder


def cut(folder):
    (folder / "algorithm_state.pkl").unlink()


def emptied(folder):
    (folder / MANIFEST).write_text("{}")


def without_files(folder):
    (folder / MANIFEST).write_text('{"files": [], "training_iteration": 1, "time_total_s": 1}')


@pytest.mark.parametrize("damage", [cut, emptied, without_files])
def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_anew(tmp_path, capsys, damage):
    run_dir, _ = start(tmp_path)
    damage(checkpoint(run_dir, 0, 0))
    (run_dir / "trial_00" / "progress.csv").write_text("training_iteration\n1\n2\n")
    before = sorted(run_dir.rglob("*"))
    assert main(["train", "file", str(tmp_path / "ring.yaml"), "--resume", str(run_dir)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(run_dir) in said and "trial_00/checkpoint_000000 is damaged" in said
    assert sorted(run_dir.rglob("*")) == before
    with pytest.raises(RemalisError, match=r"checkpoint in .* is damaged"):
        find_checkpoint(run_dir)


def test_a_run_that_was_killed_while_it_wrote_its_first_checkpoint_begins_anew_and_it_is_said(tmp_path, caplog):
    run_dir, _ = start(tmp_path)
    cut(checkpoint(run_dir, 0, 0))
    (run_dir / "trial_00" / "progress.csv").write_text("training_iteration\n1\n")
    assert latest_checkpoint(run_dir) is None
    assert "ended while it wrote its first checkpoint: it begins anew" in caplog.text


def test_an_earlier_whole_checkpoint_takes_the_place_of_a_damaged_one_and_it_is_said(tmp_path, caplog):
    run_dir, _ = start(tmp_path)
    assert latest_checkpoint(run_dir) is None and not caplog.text
    cut(checkpoint(run_dir, 0, 1))
    whole = checkpoint(run_dir, 0, 2)
    assert latest_checkpoint(run_dir) == whole and not caplog.text, "an older one is of no interest"
    cut(checkpoint(run_dir, 1, 3))
    assert latest_checkpoint(run_dir) == whole
    assert "trial_01/checkpoint_000003 is damaged" in caplog.text and str(whole) in caplog.text


@pytest.mark.parametrize("file", [EXPERIMENT_FILE, WRITTEN_FILE])
@pytest.mark.parametrize("content", [b"", b"a: [1", b"\xff\x00\x80", b"[1, 2]", b"ring: 3", b"ring: {config: 3}"])
def test_a_run_that_has_lost_its_own_files_is_a_sentence(tmp_path, file, content):
    run_dir, _ = start(tmp_path)
    (run_dir / file).write_bytes(content)
    with pytest.raises(RemalisError, match=r"damaged|does not fit|mapping") as caught:
        resume(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("run", ["", " ", "a\0b", "x" * 300])
def test_what_cannot_be_a_folder_is_no_run(tmp_path, capsys, run):
    start(tmp_path)
    assert main(["train", "file", str(tmp_path / "ring.yaml"), "--resume", run]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
