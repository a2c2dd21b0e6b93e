"""The recorder: what it holds is what the team really thought and said, and what then really happened."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from explained_teams import TRAFFIC, by_hand, partners, team_for

from remalis_agents.evaluate import play
from remalis_agents.explain import TRIGGERS, Recorder, Recording, record_episode
from remalis_agents.explain.figures import beliefs, bytes_by_kind
from remalis_agents.networks.base import Played
from remalis_agents.networks.remalis import losses as terms
from remalis_agents.registration import make_team_env
from remalis_envs.errors import RemalisError


def test_messages_are_those_of_the_posts_ledger():
    env, team = partners(gate_budget=0.5, sample=True)
    recording, steps = record_episode(env, team, 3), by_hand(env, partners(gate_budget=0.5, sample=True)[1], 3)
    rows, kinds = recording.messages(), recording.meta["kinds"]
    assert len(steps) == recording.steps == 12
    for t, (thought, _, _) in enumerate(steps):
        mine = rows[rows["step"] == t]
        for kind, parcel in thought.post.ledger.items():
            of_kind = mine[mine["kind"] == kinds.index(kind)]
            assert len(of_kind) == int(parcel.delivered.sum())
            assert (of_kind["bytes"] == 4 * parcel.floats).all()
        received = np.bincount(mine["receiver"], weights=mine["bytes"], minlength=4)
        np.testing.assert_array_equal(received, thought.post.received_bytes()[0, 0].numpy())
    assert bytes_by_kind(recording).sum() == rows["bytes"].sum() > 0


def test_messages_run_between_those_who_may_talk():
    env, team = partners()
    recording = record_episode(env, team, 3)
    env.reset(seed=3)
    adjacency = env.unwrapped.parallel_env.adjacency()
    rows = recording.messages()
    assert len(rows) == 12 * 4 * len(recording.meta["kinds"]), "each tells its one partner one of each type"
    assert adjacency[rows["receiver"], rows["sender"]].all()
    assert (np.diff(rows["step"]) >= 0).all()


def test_a_closed_gate_lets_nothing_through_and_the_record_says_why():
    env, team = partners(gate_budget=0.5, sample=True, steps=40)
    recording = record_episode(env, team, 0)
    rows, kinds = recording.messages(), recording.meta["kinds"]
    assert 0 < recording.gate_open.mean() < 1
    assert recording.gate_open[rows["step"], rows["sender"]].all()
    assert len(rows) == recording.gate_open.sum() * len(kinds), "each has one partner, who gets one of each type"
    planned = (rows["kind"] == kinds.index("planning")) & rows["replanned"]
    expected = np.where(rows["kind"] == kinds.index("recursion"), "reply", np.where(planned, "replanning", "gate"))
    np.testing.assert_array_equal(np.array(TRIGGERS)[rows["trigger"]], expected)
    assert set(expected) == {"gate", "reply", "replanning"}
    np.testing.assert_array_equal(rows["gate"], recording.gate[rows["step"], rows["sender"]])
    assert np.array_equal(rows["replanned"], recording.replanned[rows["step"], rows["sender"]])


def test_in_selective_mode_sub_goals_go_to_those_who_are_assigned_their_share():
    env = make_team_env("remalis/TrafficTeam-v0", {"level": "easy", "horizon_s": 40})
    team = team_for(env, communication="selective")
    try:
        recording = record_episode(env, team, 1)
    finally:
        env.close()
    rows, kinds = recording.messages(), recording.meta["kinds"]
    assert kinds == ["goal", "subgoals"]
    chosen = rows[rows["kind"] == 1]
    assert {TRIGGERS[one] for one in chosen["trigger"]} == {"assignment"}
    assert 0 < len(chosen) < (rows["kind"] == 0).sum()
    given = (recording.assignment[:, :, :-1] * recording.next_subgoal[:, :, None]).sum(-1)
    fair = 1.0 / ((recording.neighbour >= 0).sum(-1) + 1.0)
    expected = {
        (t, i, int(recording.neighbour[t, i, k]))
        for t, i, k in zip(*((given >= fair[..., None]) & (recording.neighbour >= 0)).nonzero(), strict=True)
    }
    assert {(int(r["step"]), int(r["sender"]), int(r["receiver"])) for r in chosen} == expected


def test_beliefs_stand_beside_what_the_neighbour_then_served():
    env, team = partners(steps=30)
    recording, steps = record_episode(env, team, 5), by_hand(env, team, 5)
    env.reset(seed=5)
    partner = env.unwrapped.parallel_env.adjacency().argmax(1)
    served = np.array([info["subgoals"] for _, _, info in steps])
    slot = (recording.neighbour >= 0).argmax(-1)
    theirs = np.take_along_axis(recording.served_by_neighbour(), slot[..., None], -1)[..., 0]
    np.testing.assert_array_equal(recording.served, served)
    np.testing.assert_array_equal(theirs, served[:, partner])
    found, right = beliefs(recording), 0.0
    for thought, actions, info in steps:
        ones = torch.ones(1, 1, 4)
        labels = [torch.as_tensor(info[name]).view(1, 1, -1) for name in ("subgoals", "concepts")]
        happened = Played(torch.as_tensor(actions).view(1, 1, -1), ones, ones, *labels)
        accuracy = terms.belief_accuracy(thought.belief, thought.links, thought.announced.delivered, happened)
        right += float(accuracy.value)
    assert found.share(found.right) == pytest.approx(right / len(steps))
    assert found.counted.sum() == 30 * 4
    assert found.share(found.chance) == pytest.approx(0.25)


def test_intentions_signals_and_concepts_are_those_of_the_pass():
    env, team = partners(sample=True)
    recording, steps = record_episode(env, team, 7), by_hand(env, partners(sample=True)[1], 7)
    for t, (thought, actions, info) in enumerate(steps):
        for name, values in (
            ("next_subgoal", thought.intention.next_subgoal),
            ("assignment", thought.intention.assignment),
            ("error", thought.error),
            ("uncertainty", thought.uncertainty),
            ("replanned", thought.draws["replan"]),
            ("plan", thought.plan[..., :4]),
        ):
            np.testing.assert_array_equal(getattr(recording, name)[t], values[0, 0].numpy(), err_msg=name)
        np.testing.assert_array_equal(recording.goal[t].argmax(-1), thought.intention.goal_logits[0, 0].argmax(-1))
        np.testing.assert_array_equal(recording.actions[t], actions)
        np.testing.assert_array_equal(recording.concept_true[t], info["concepts"])
        believed = thought.grounded.concept_logits[0, 0, :, 0].argmax(-1)
        np.testing.assert_array_equal(recording.concept_believed[t].argmax(-1), believed)
    np.testing.assert_allclose(recording.goal.sum(-1), 1.0, rtol=1e-5)
    assert recording.forced[0].all() and (recording.plan_age[0] == 0).all(), "at first there is no plan"
    assert recording.replanned[recording.forced].all() and not recording.replanned.all()
    kept = ~recording.replanned[1:]
    np.testing.assert_array_equal(recording.plan[1:][kept], recording.plan[:-1][kept])


def test_recording_changes_nothing_and_leaves_nothing_behind():
    env, team = partners(sample=True)
    alone = play(env, partners(sample=True)[1], 11)["team_return"]
    recording = record_episode(env, team, 11)
    assert recording.rewards.mean(1).sum() == pytest.approx(alone)
    assert not team.model.network._forward_hooks
    assert record_episode(env, team, 11, steps=4).steps == 4


def test_a_recording_is_read_back_as_it_was_written(tmp_path):
    env, team = partners(gate_budget=0.5)
    recording = record_episode(env, team, 0, about={"checkpoint": "here"})
    found = Recording.load(recording.save(tmp_path / "one.npz"))
    assert found.meta == recording.meta and found.meta["agents"] == [f"partner_{i}" for i in range(4)]
    for name, value in vars(recording).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)
    np.testing.assert_array_equal(found.messages(), recording.messages())
    (tmp_path / "two.npz").write_text("nothing of the kind")
    with pytest.raises(RemalisError, match="is not a recording"):
        Recording.load(tmp_path / "two.npz")


def test_traffic_has_places_names_of_actions_and_times():
    env = make_team_env(TRAFFIC, {"level": "easy", "horizon_s": 60})
    try:
        recording = record_episode(env, team_for(env), 2)
        network = env.unwrapped.parallel_env.network
    finally:
        env.close()
    assert recording.agents == [one.id for one in network.intersections] and recording.meta["step_s"] == 5.0
    north = np.argmax([one.y_m for one in network.intersections])
    assert recording.places[north, 1] == 0.0, "y runs down, north is at the top"
    texts, named = recording.meta["action_texts"], recording.action_text
    assert (named >= 0).all() and all(text.startswith("phase") for text in texts)
    for t, i in np.ndindex(named.shape):
        assert texts[named[t, i]].startswith(f"phase {recording.actions[t, i]}:")
    assert not recording.exists[..., 4:6].any(), "crossings of four arms have no fifth to relieve"


def test_an_agent_that_is_offline_says_nothing_and_is_believed_nothing_of():
    env = make_team_env(TRAFFIC, {"level": "easy", "horizon_s": 60})
    try:
        recording = record_episode(env, team_for(env), 2, options={"outages": [("B1", 20.0, 40.0)]})
    finally:
        env.close()
    agent, rows = recording.agents.index("B1"), recording.messages()
    away = ~recording.alive[:, agent]
    assert 3 <= away.sum() <= 5 and recording.alive[:, :agent].all()
    assert (recording.served[away, agent] == -1).all()
    silent = np.flatnonzero(away)[1:]  # it is noticed one step later that somebody went
    assert not np.isin(rows["step"][(rows["sender"] == agent) | (rows["receiver"] == agent)], silent).any()
    found = beliefs(recording)
    assert not found.counted[away, agent].any()
    assert not (found.counted & (recording.neighbour == agent))[away].any()


@pytest.mark.parametrize("communication", ["none", "basic"])
def test_less_communication_leaves_less_to_record(communication):
    env, team = partners(communication=communication, feedback=False, losses={"belief": 0.0})
    recording = record_episode(env, team, 0)
    assert recording.belief is None and recording.error is None and recording.replanned is None
    assert recording.assignment is None and beliefs(recording) is None
    assert recording.meta["kinds"] == ([] if communication == "none" else ["goal"])
    assert len(recording.messages()) == (0 if communication == "none" else 12 * 4)
    if communication == "none":
        with pytest.raises(RemalisError, match="does not talk"):
            recording.served_by_neighbour()


def test_another_method_has_nothing_to_record():
    _, team = partners("ippo")
    with pytest.raises(RemalisError, match="network 'ippo', which has no intentions"):
        Recorder(team)


def test_a_note_follows_a_step_of_the_team():
    _, team = partners()
    with Recorder(team) as recorder, pytest.raises(RuntimeError, match="has not acted"):
        recorder.note(np.zeros(4, np.int64), {})
    with pytest.raises(RemalisError, match="Nothing was recorded"):
        recorder.recording(np.zeros((4, 2)))
