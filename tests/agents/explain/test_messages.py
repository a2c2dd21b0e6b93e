"""The log of messages: every one that was to be sent, what made it so, and what became of it."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from explained_teams import TRAFFIC, by_hand, partners, team_for

from remalis_agents.cli import remalis_main
from remalis_agents.explain import MESSAGE, OUTCOMES, TRIGGERS, Recording, messages, record_episode
from remalis_agents.explain.figures import bytes_by_kind
from remalis_agents.explain.page import page
from remalis_agents.registration import make_team_env
from remalis_envs.errors import RemalisError

LIMITS = {"delay": 2, "drop_rate": 0.3, "byte_budget": 330, "gate_budget": 0.5, "rounds": 3}
"""Feedback, goal, sub-goals and assignments take 256 bytes and a round of reasoning 128: there is room for none."""


def limited(**changes):
    return partners(sample=True, steps=30, **{**LIMITS, **changes})


@pytest.fixture(scope="module")
def played():
    """A recording, and the passes of the same episode."""
    return record_episode(*limited(), 3), [thought for thought, _, _ in by_hand(*limited(), 3)]


def outcomes(rows):
    return np.array(OUTCOMES)[rows["outcome"]]


def test_what_arrived_is_the_posts_ledger(played):
    recording, thoughts = played
    rows, kinds = recording.messages(), recording.meta["kinds"]
    assert (outcomes(rows) == "arrived").all() and len(rows) > 50
    for t, thought in enumerate(thoughts):
        mine = rows[rows["arrival"] == t]
        assert (mine["step"] == t - 2).all()
        for kind, parcel in thought.post.ledger.items():
            assert (mine["kind"] == kinds.index(kind)).sum() == int(parcel.delivered.sum())
        received = np.bincount(mine["receiver"], weights=mine["bytes"], minlength=4)
        np.testing.assert_array_equal(received, thought.post.received_bytes()[0, 0].numpy())
    np.testing.assert_array_equal(
        bytes_by_kind(recording).sum(0), [float(one.post.received_bytes().sum()) for one in thoughts]
    )


def test_what_did_not_arrive_is_listed_with_its_reason(played):
    recording, thoughts = played
    rows, kinds = recording.messages(everything=True), recording.meta["kinds"]
    assert set(outcomes(rows)) == {"arrived", "lost", "withheld", "under way"}
    for t, thought in enumerate(thoughts):
        mine = rows[rows["step"] == t]
        for kind, posted in thought.post.limits.posted.items():
            of_kind = outcomes(mine[mine["kind"] == kinds.index(kind)])
            lost = (posted.sent * thought.draws["lost"]).sum()
            assert len(of_kind) == int((posted.meant > 0).sum())
            assert (of_kind == "withheld").sum() == int(((posted.meant > 0) & (posted.sent == 0)).sum())
            assert (of_kind == "lost").sum() == int(lost)
            assert ("under way" in of_kind) <= (t >= 28) and ("arrived" in of_kind) <= (t < 28)
    kept_back = {kinds[kind] for kind in rows["kind"][outcomes(rows) == "withheld"]}
    assert kept_back == {"recursion", "grounding", "planning"}
    size = rows["bytes"][(outcomes(rows) == "withheld") & (rows["kind"] == kinds.index("recursion"))]
    assert (size == 3 * 128).all(), "the bytes that three rounds would have taken"
    assert (rows["arrival"] == np.where(outcomes(rows) == "arrived", rows["step"] + 2, -1)).all()


def test_gates_and_triggers_are_those_of_the_step_in_which_it_was_sent(played):
    recording, thoughts = played
    rows = recording.messages(everything=True)
    gates = np.stack([thought.gate_logits.sigmoid()[0, 0].numpy() for thought in thoughts])
    opened = np.stack([thought.draws["gate"][0, 0].numpy() for thought in thoughts])
    replanned = np.stack([thought.draws["replan"][0, 0].numpy() for thought in thoughts])
    np.testing.assert_array_equal(rows["gate"], gates[rows["step"], rows["sender"]])
    assert opened[rows["step"], rows["sender"]].all() and not opened.all()
    planning = rows["kind"] == recording.meta["kinds"].index("planning")
    anew = replanned[rows["step"], rows["sender"]] > 0
    np.testing.assert_array_equal(rows["trigger"] == TRIGGERS.index("replanning"), planning & anew)
    recursion = rows["kind"] == recording.meta["kinds"].index("recursion")
    np.testing.assert_array_equal(rows["trigger"] == TRIGGERS.index("reply"), recursion)
    rest = ~recursion & ~(planning & anew)
    assert set(rows["trigger"][rest]) == {TRIGGERS.index("gate")}


def test_rounds_of_which_only_the_first_fits_arrive_with_its_bytes():
    recording = record_episode(*limited(byte_budget=256 + 128, drop_rate=0.0), 3)
    rows, recursion = recording.messages(), recording.meta["kinds"].index("recursion")
    assert (rows["bytes"][rows["kind"] == recursion] == 128).all() and (rows["kind"] == recursion).any()
    assert recording.lost is None


def test_who_goes_offline_misses_what_was_under_way():
    env = make_team_env(TRAFFIC, {"level": "easy", "horizon_s": 60})
    try:
        recording = record_episode(env, team_for(env, delay=1), 2, options={"outages": [("B1", 20.0, 40.0)]})
    finally:
        env.close()
    agent, rows = recording.agents.index("B1"), recording.messages(everything=True)
    missed = rows[outcomes(rows) == "missed"]
    assert len(missed) and (missed["step"] == missed["step"][0]).all(), "those of the last step before it went"
    assert ((missed["sender"] == agent) != (missed["receiver"] == agent)).all()
    silent = np.flatnonzero(~recording.alive[:, agent])[1:]
    about = rows[(rows["sender"] == agent) | (rows["receiver"] == agent)]
    assert not np.isin(about["arrival"], silent).any()


def test_without_limits_everything_arrives_at_once():
    recording = record_episode(*partners(), 3)
    rows = recording.messages(everything=True)
    assert recording.meant is None and (rows["arrival"] == rows["step"]).all()
    assert rows.tobytes() == recording.messages().tobytes()  # bytes, since nan is nothing's equal
    assert np.isnan(rows["gate"]).all() and {TRIGGERS[one] for one in rows["trigger"]} == {
        "step",
        "reply",
        "replanning",
    }


def as_text(rows, recording):
    """Rows as the file names them."""
    words = {"sender": recording.agents, "receiver": recording.agents, "kind": recording.meta["kinds"]}
    words |= {"trigger": TRIGGERS, "outcome": OUTCOMES}
    return [{name: words[name][row[name]] if name in words else row[name] for name in MESSAGE.names} for row in rows]


def test_as_csv_it_says_the_same(played, tmp_path):
    recording, _ = played
    path = messages.write(recording, tmp_path / "messages")
    assert path.name == "messages.csv"
    with open(path, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    expected = as_text(recording.messages(everything=True), recording)
    assert len(found) == len(expected) > 100
    for row, other in zip(found, expected, strict=True):
        for name in ("sender", "receiver", "kind", "trigger", "outcome"):
            assert row[name] == other[name]
        assert (int(row["step"]), int(row["bytes"])) == (other["step"], other["bytes"])
        assert float(row["gate"]) == pytest.approx(other["gate"], rel=1e-5)
        assert int(row["replanned"]) == other["replanned"]
        assert row["arrival"] == ("" if other["arrival"] < 0 else str(other["arrival"]))


def test_a_large_log_is_parquet_and_takes_the_place_of_an_earlier_one(played, tmp_path, monkeypatch):
    recording, _ = played
    earlier = messages.write(recording, tmp_path / "messages")
    monkeypatch.setattr(messages, "LARGE", 100)
    path = messages.write(recording, tmp_path / "messages")
    assert path.name == "messages.parquet" and not earlier.exists()
    expected = as_text(recording.messages(everything=True), recording)
    for row, other in zip(pq.read_table(path).to_pylist(), expected, strict=True):
        other["arrival"] = None if other["arrival"] < 0 else other["arrival"]
        assert row == other


def test_a_silent_team_has_an_empty_log(tmp_path):
    recording = record_episode(*partners(communication="none", feedback=False, losses={"belief": 0.0}), 0)
    text = messages.write(recording, tmp_path / "messages").read_text(encoding="utf-8")
    assert text.strip() == ",".join(MESSAGE.names)


def test_what_cannot_be_written_is_said_in_a_sentence(played, tmp_path):
    with pytest.raises(RemalisError, match="cannot be written: No such file"):
        messages.write(played[0], tmp_path / "nowhere" / "messages")


def test_the_page_says_what_the_channel_does_and_what_became_of_messages(played):
    recording, _ = played
    text, rows = page(recording), recording.messages(everything=True)
    assert "Messages take 2 steps to arrive. Of those sent, 30% get lost. A link carries 330 B a step at most." in text
    for name, says in (("lost", "got lost"), ("withheld", "did not fit into the byte budget")):
        assert f"{(outcomes(rows) == name).sum():,} {says}" in text
    assert "Messages take" not in page(record_episode(*partners(steps=3), 0))


def test_a_recording_with_limits_is_read_back(played, tmp_path):
    recording, _ = played
    found = Recording.load(recording.save(tmp_path / "one.npz"))
    assert found.messages(everything=True).tobytes() == recording.messages(everything=True).tobytes()


@pytest.mark.parametrize(("out", "name"), [("folder", "messages.csv"), ("one.html", "one_messages.csv")])
def test_explain_writes_it_beside_the_page_and_names_it_there(tmp_path, capsys, out, name):
    _, team = partners()
    team.trained_on["env_config"] = {"agents": 4, "symbols": 4, "horizon": 12}
    exported = str(team.save_pretrained(tmp_path / "team"))
    assert remalis_main(["explain", exported, "--steps", "5", "--out", str(tmp_path / out)]) == 0
    where = tmp_path / out if out == "folder" else tmp_path
    assert f"messages    {where / name}" in capsys.readouterr().out
    with open(where / name, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    recording = Recording.load(next(where.glob("*.npz")))
    assert len(rows) == len(recording.messages()) and {row["step"] for row in rows} == set("01234")
    assert sum(int(row["bytes"]) for row in rows) == bytes_by_kind(recording).sum()
    assert f"<code>{name}</code>" in next(where.glob("*.html")).read_text(encoding="utf-8")
