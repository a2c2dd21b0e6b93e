"""Recordings in which the team that learns plays: what stands there is what the demonstrator would have done."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from demonstrations import Oracle, columns_of, experiment, recorded

from remalis_agents.evaluate import load_team
from remalis_agents.imitation.correcting import Corrected
from remalis_agents.train import train

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def untrained(ring_file, tmp_path_factory):
    """A team after hardly any learning: it is wrong often, and right by chance."""
    little = experiment(ring_file, "imitation.epochs=1", "imitation.lr=1e-6")
    return load_team(train("ring", little, storage=tmp_path_factory.mktemp("runs"), callbacks=[]).run_dir, sample=True)


def test_the_team_plays_and_the_demonstrator_answers(untrained, tmp_path):
    found = columns_of(pq.read_table(recorded(tmp_path / "d.parquet", player=Corrected(untrained, Oracle(), 0.0))))
    right = found["obs"].reshape(len(found["obs"]), 4, -1)[..., :3].argmax(-1)
    assert (found["action"] == right).all(), "whatever was played"
    played_right = found["subgoal"] >= 0
    assert 0.1 < played_right.mean() < 0.9, "chance is a third"
    # The game pays an agent for its own right answer: what was earned is of what was played.
    assert (found["reward"][played_right] > found["reward"][~played_right].max()).all()
    again = columns_of(pq.read_table(recorded(tmp_path / "e.parquet", player=Corrected(untrained, Oracle(), 0.0))))
    assert all(np.array_equal(found[name], again[name]) for name in found), "the same seeds, the same recording"


def test_with_all_help_it_is_an_ordinary_recording(untrained, tmp_path):
    corrected = recorded(tmp_path / "d.parquet", player=Corrected(untrained, Oracle(), 1.0))
    plain = columns_of(pq.read_table(recorded(tmp_path / "e.parquet")))
    for name, column in columns_of(pq.read_table(corrected)).items():
        assert np.array_equal(column, plain[name]), name


def test_rounds_are_recorded_where_the_team_went_and_all_are_learnt_from(ring_file, tmp_path):
    teacher = train("ring", experiment(ring_file), storage=tmp_path, callbacks=[])
    asked = f"imitation.demonstrations={{checkpoint: {teacher.run_dir}, episodes: 10, rounds: 3}}"
    result = train("ring", experiment("", asked, "imitation.epochs=4"), storage=tmp_path, callbacks=[])
    files = sorted(file.name for file in result.run_dir.glob("*.parquet"))
    assert files == ["demonstrations.parquet", "demonstrations_2.parquet", "demonstrations_3.parquet"]
    seeds = [set(pq.read_table(result.run_dir / name)["seed"].to_pylist()) for name in files]
    assert seeds == [set(range(10)), set(range(10, 20)), set(range(20, 30))]
    rows = [line.split(",") for line in (result.trial_dir / "progress.csv").read_text().splitlines()]
    rounds = [int(row[rows[0].index("round")]) for row in rows[1:]]
    assert rounds == sorted(rounds) and set(rounds) == {1, 2, 3}
    said = json.loads((result.trial_dir / "imitation.json").read_text())
    assert said["demonstrations"]["team_steps"] == 300 and said["epochs"] == len(rounds)
    kept = sorted(folder.name for folder in result.checkpoint.parent.glob("checkpoint_*"))
    assert kept == [f"checkpoint_{number:06d}" for number in range(3)], "a round that breaks off costs no other"
    assert result.checkpoint.name == kept[-1]
    assert said["after"]["test"]["action_accuracy"] > said["before"]["test"]["action_accuracy"] + 0.3


def test_only_the_newest_recordings_are_kept_where_that_is_asked(ring_file, tmp_path):
    teacher = train("ring", experiment(ring_file), storage=tmp_path, callbacks=[])
    asked = f"imitation.demonstrations={{checkpoint: {teacher.run_dir}, episodes: 10, rounds: 4, keep: 2}}"
    result = train("ring", experiment("", asked, "imitation.epochs=2"), storage=tmp_path, callbacks=[])
    files = sorted(file.name for file in result.run_dir.glob("*.parquet"))
    assert files == ["demonstrations_3.parquet", "demonstrations_4.parquet"]
    assert pq.read_table(result.run_dir / files[-1])["seed"].to_pylist()[-1] == 39
    said = json.loads((result.trial_dir / "imitation.json").read_text())
    assert said["demonstrations"]["team_steps"] == 200, "what was learnt from last"
    assert len(list(result.checkpoint.parent.glob("checkpoint_*"))) == 4


@pytest.mark.parametrize("least_help", [0.0, 1.0])
def test_the_demonstrator_helps_at_least_as_much_as_is_asked(ring_file, tmp_path, least_help):
    teacher = train("ring", experiment(ring_file), storage=tmp_path, callbacks=[])
    given = f"checkpoint: {teacher.run_dir}, episodes: 10, rounds: 2, least_help: {least_help}"
    asked = [f"imitation.demonstrations={{{given}}}", "imitation.epochs=1", "imitation.lr=1e-6"]
    result = train("ring", experiment("", *asked), storage=tmp_path, callbacks=[])
    subgoals = columns_of(pq.read_table(result.run_dir / "demonstrations_2.parquet"))["subgoal"]
    assert (subgoals >= 0).all() == (least_help == 1.0), (
        "what became of it is known where the demonstrator's was played"
    )
