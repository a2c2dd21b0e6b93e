"""Files of demonstrations: what is written is what was played, and what is no such file is refused in a sentence."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from demonstrations import Oracle, columns_of, recorded
from toys import Ring

from remalis_agents.cli import main
from remalis_agents.imitation.read import Windows, read
from remalis_agents.imitation.schema import METADATA_KEY, SCHEMA
from remalis_agents.imitation.splitting import by_sequence, dealt
from remalis_envs.errors import RemalisError
from remalis_envs.team import TeamEnv


def test_a_row_holds_what_was_seen_and_known_then_and_what_became_of_it(tmp_path):
    file = recorded(tmp_path / "d.parquet", episodes=2, mask_first=True)
    table = pq.read_table(file)
    assert table.schema.equals(SCHEMA, check_metadata=False)
    found = columns_of(table)
    assert found["step"].tolist() == [*range(10), *range(10)]
    assert found["episode"].tolist() == [0] * 10 + [1] * 10
    assert found["seed"].tolist() == [5] * 10 + [6] * 10

    player, env = Oracle(), TeamEnv(Ring(mask_first=True))
    seen, info = env.reset(seed=6)  # the second episode, played again
    player.reset(env.parallel_env, 6)
    for row in range(10, 20):
        assert (found["obs"][row] == seen["obs"].ravel()).all()
        assert (found["action_mask"][row] == seen["action_mask"].ravel()).all()
        assert (found["adjacency"][row] == seen["adjacency"].ravel()).all()
        assert (found["online"][row] == info["online"]).all(), "whether an agent is online is known before it acts"
        action = seen["obs"][:, :3].argmax(-1)
        assert (found["action"][row] == action).all()
        seen, _, _, _, info = env.step(action)
        assert (found["reward"][row] == info["agent_rewards"]).all()
        assert (found["subgoal"][row] == info["subgoals"]).all(), "a sub-goal is the outcome of the action"


def test_what_is_read_is_what_was_written(tmp_path):
    file = recorded(tmp_path / "d.parquet", max_agents=6)
    table, data = columns_of(pq.read_table(file)), read(file)
    assert data.agents == 6 and len(data) == 120 and data.lengths == [10] * 12
    for name, column in data.columns.items():
        assert (column.flatten(1).numpy() == table[name]).all(), name
    assert data.columns["obs"].shape == (120, 6, 4)
    assert (data.columns["alive"].sum(-1) == 4).all(), "padded rows take no part"
    header = data.header
    assert (header.env_config["agents"], header.first_seed, header.demonstrator) == (4, 5, "controller:oracle")
    assert (header.observation_size, header.action_count) == (4, 3)
    assert {"python", "remalis", "torch"} <= header.versions.keys()


def test_teams_of_several_sizes_are_padded(tmp_path):
    small = pq.read_table(recorded(tmp_path / "small.parquet", agents=3))
    large = pq.read_table(recorded(tmp_path / "large.parquet", agents=5))
    shifted = large.set_column(0, "episode", pa.array(large["episode"].to_numpy() + 12, pa.int32()))
    pq.write_table(pa.concat_tables([small, shifted]), tmp_path / "both.parquet")
    data = read(tmp_path / "both.parquet")
    assert data.agents == 5
    assert data.columns["alive"].sum(-1).tolist() == [3] * 120 + [5] * 120
    assert (data.columns["subgoal"][:120, 3:] == -1).all()
    assert (data.columns["adjacency"][:120, 3:] == 0).all()


def test_many_episodes_are_split_whole_and_80_10_10(tmp_path):
    table = pq.read_table(recorded(tmp_path / "d.parquet", episodes=20))
    of = {}
    for episode, split in zip(table["episode"].to_pylist(), table["split"].to_pylist(), strict=True):
        of.setdefault(episode, set()).add(split)
    assert all(len(splits) == 1 for splits in of.values()), "an episode is in one part only"
    counts = [sum(splits == {name} for splits in of.values()) for name in ("train", "validation", "test")]
    assert counts == [16, 2, 2]
    assert json.loads(table.schema.metadata[METADATA_KEY])["split_by"] == "episode"


def test_few_episodes_are_split_by_sequences(tmp_path):
    data = read(recorded(tmp_path / "d.parquet", episodes=2, horizon=100))
    assert data.header.split_by == "sequence"
    assert data.counts() == {"train": 160, "validation": 20, "test": 20}
    held = (data.split == 2).nonzero().squeeze(1)
    assert (held[-1] - held[0]) == 19, "consecutive steps"
    assert held[0] // 100 == held[-1] // 100, "of one episode"


@pytest.mark.parametrize("count", [10, 14, 37, 100])
def test_a_tenth_each_is_held_out(count):
    names = dealt(count, np.random.default_rng(0))
    assert names.count("validation") == names.count("test") == round(count / 10)
    assert names != dealt(count, np.random.default_rng(1)), "drawn"


def test_short_recordings_have_all_parts_or_are_refused():
    assert {name for one in by_sequence([4, 3, 5], 0) for name in one} == {"train", "validation", "test"}
    with pytest.raises(RemalisError, match="2 steps cannot be split"):
        by_sequence([1, 1], 0)


def test_sequences_cover_every_step_once_in_order(tmp_path):
    data = read(recorded(tmp_path / "d.parquet"))
    windows = Windows.of(data, 4)
    rows = windows.rows.flatten()
    assert rows[rows >= 0].tolist() == list(range(120))
    assert windows.number.tolist() == [0, 1, 2] * 12
    assert (windows.rows[2] == torch.tensor([8, 9, -1, -1])).all(), "an episode's last sequence is padded"


def test_offline_agents_and_illegal_actions_do_not_count(tmp_path):
    file = recorded(tmp_path / "d.parquet", player=Oracle(delay=1), mask_first=True)
    data = read(file)
    team, played = data.of(torch.arange(len(data)), torch.ones(len(data)))
    offline = data.columns["online"] == 0
    illegal = team.action_mask.gather(-1, played.actions.unsqueeze(-1)).squeeze(-1) == 0
    assert offline.any() and illegal.any()
    assert (played.weights == (~offline & ~illegal)).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace_schema_metadata({}), "not one of demonstrations"),
        (lambda t: t.drop_columns(["online"]), "column 'online' is missing, but must be list<"),
        (lambda t: t.set_column(0, "episode", t["episode"].cast(pa.int64())), "'episode' is of type int64"),
        (lambda t: t.take([1, 0, *range(2, t.num_rows)]), "its steps in order"),
        (lambda t: t.set_column(2, "split", pa.array(["train"] * t.num_rows)), "no steps for validation and test"),
        (lambda t: t.set_column(2, "split", pa.array(["trian"] * t.num_rows)), "but is 'trian'"),
        (lambda t: t.set_column(4, "agents", pa.array([3] * t.num_rows, pa.int32())), "must have 12 values"),
    ],
)
def test_a_file_of_another_schema_is_refused_in_a_sentence(tmp_path, change, says):
    table = pq.read_table(recorded(tmp_path / "d.parquet"))
    pq.write_table(change(table), tmp_path / "other.parquet")
    with pytest.raises(RemalisError, match=says) as caught:
        read(tmp_path / "other.parquet")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_or_no_parquet_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(RemalisError, match=r"no file of demonstrations at .*`rllib demonstrate"):
        read(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("episode,step")
    with pytest.raises(RemalisError, match="cannot be read as Parquet"):
        read(tmp_path / "text.parquet")


def test_a_recording_that_breaks_off_leaves_the_old_file_as_it_was(tmp_path):
    class Quits(Oracle):
        def act(self, observations):
            raise RuntimeError("enough")

    file = recorded(tmp_path / "d.parquet")
    before = file.read_bytes()
    with pytest.raises(RuntimeError, match="enough"):
        recorded(file, player=Quits())
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_the_command_records_traffic_by_a_controller(tmp_path, capsys):
    file = tmp_path / "demos.parquet"
    arguments = ["--level", "easy", "--episodes", "1", "--set", "horizon_s=100", "--out", str(file)]
    assert main(["demonstrate", "--controller", "greedy", *arguments]) == 0
    assert "20 team steps of 1 episodes, controller:greedy; 16 / 2 / 2 team steps" in capsys.readouterr().out
    data = read(file)
    assert data.header.env_config == {"level": "easy", "horizon_s": 100, "split": "train"}
    legal = data.columns["action_mask"].gather(-1, data.columns["action"].unsqueeze(-1)).squeeze(-1)
    assert (legal == 1).all()
    assert (data.columns["subgoal"] >= 0).any() and (data.columns["concept"] >= 0).any()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--controller", "webster"], "'webster' lets SUMO run a signal program of its own"),
        (["--controller", "gredy"], "Did you mean 'greedy'?"),
        (["--controller", "greedy", "--env", "toys:Chain"], "reads what traffic signals see"),
        (["--controller", "greedy", "--set", "scenarios=[{level: easy}]"], "plays one world"),
        ([], "Give --controller or --checkpoint"),
        (["--checkpoint", "nowhere"], "no checkpoint at 'nowhere'"),
    ],
)
def test_what_cannot_be_recorded_is_said_in_a_sentence(tmp_path, capsys, arguments, says):
    assert main(["demonstrate", *arguments, "--out", str(tmp_path / "d.parquet")]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
