"""What a network says of its passes is measured over an episode, alike for every method."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from explained_teams import by_hand, partners

from remalis_agents.episode_figures import EpisodeFigures, happened, received_bytes
from remalis_agents.evaluate import play
from remalis_agents.networks import TeamInputs, make_network


def test_an_episode_s_figures_are_those_of_all_its_steps_together():
    env, team = partners(steps=20)
    figures = play(env, team, 3)
    right = counted = sent = 0.0
    for thought, actions, info in by_hand(env, partners(steps=20)[1], 3):
        played = happened(actions, info, thought.team.alive)
        believed = thought.belief.logits.argmax(-1)
        served = thought.links.hear(played.subgoals.unsqueeze(-1).float()).squeeze(-1)
        right += float(((believed == served) * thought.post.delivered).sum())
        counted += float(thought.post.delivered.sum())
        sent += float(thought.post.received_bytes().sum())
    assert figures["belief_accuracy"] == pytest.approx(right / counted)
    assert figures["received_bytes"] == pytest.approx(sent / (20 * 4))


def test_who_was_offline_does_not_count():
    env, team = partners(steps=3)
    observation, _ = env.reset(seed=0)
    figures = EpisodeFigures(team)
    actions = team(observation)
    info = dict(env.step(actions)[4])
    info["online"] = np.array([1.0, 0.0, 0.0, 0.0], np.float32)
    info["misaligned"] = np.array([0.5, 1.0, 1.0, 1.0], np.float32)
    figures.note(actions, info)
    played = happened(actions, info, team.decided[0].alive)
    assert played.weights.tolist() == [[[1.0, 0.0, 0.0, 0.0]]]
    assert played.subgoals[0, 0, 1:].eq(-1).all() and played.subgoals[0, 0, 0] >= 0
    assert figures.means()["received_bytes"] == float(team.decided[1].extras["thought"].post.received_bytes()[0, 0, 0])


def test_bytes_of_methods_with_messages_of_fixed_size():
    net = make_network("commnet", 6, 4, {"rounds": 2, "hidden": (8, 8)})
    chain = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).float().unsqueeze(0)
    team = TeamInputs(torch.zeros(1, 3, 6), torch.ones(1, 3), chain, torch.ones(1, 3, 4))
    assert received_bytes(net, team).tolist() == [[4 * 16.0, 8 * 16.0, 4 * 16.0]]
    assert received_bytes(make_network("ippo", 6, 4, {}), team).sum() == 0
