"""Slots: everyone hears whom it may, what it is sent, and finds its own slots again."""

from __future__ import annotations

import pytest
import torch
from remalis_teams import line, network, post_of, team, think

from remalis_agents.networks.remalis.links import Links, place


def test_what_is_heard_is_what_the_adjacency_says():
    edges = (torch.rand(2, 3, 6, 6) < 0.4).float() * (1 - torch.eye(6))
    links = Links(torch.zeros(2, 6, 5), edges)
    sent = torch.randn(2, 3, 6, 4)
    heard = (links.hear(sent) * links.heard.unsqueeze(-1)).sum(-2)
    torch.testing.assert_close(heard, edges @ sent)


def test_letters_reach_the_one_they_are_for():
    """Each sender writes (sender, receiver) into its slots; each receiver must find itself there."""
    edges = (torch.rand(2, 1, 6, 6) < 0.5).float() * (1 - torch.eye(6))
    links = Links(torch.zeros(2, 6, 5), edges)
    letters = torch.stack([torch.arange(6).view(1, 1, 6, 1).expand(links.index.shape), links.index], -1).float()
    got = links.hear_own(letters)
    mutual = links.mutual > 0
    me = torch.arange(6).view(1, 1, 6, 1).expand(links.index.shape)
    assert (got[..., 0] == links.index)[mutual].all() and (got[..., 1] == me)[mutual].all()
    both = (edges * edges.transpose(-1, -2)).sum()
    assert mutual.sum() == both and both > 0


def test_one_who_comes_back_finds_its_slot():
    edges = line(5, steps=4)
    edges[:, 1:3, 2, :] = edges[:, 1:3, :, 2] = 0.0
    links = Links(torch.zeros(1, 5, 2), edges)
    for agent in (1, 3):
        before, after = links.index[0, 0, agent], links.index[0, 3, agent]
        assert torch.equal(before, after) and links.heard[0, 3, agent].sum() == 2
        assert links.heard[0, 1, agent].sum() == 1


def test_one_after_the_other_is_all_at_once():
    edges = (torch.rand(2, 5, 6, 6) < 0.3).float() * (1 - torch.eye(6))
    whole, slots = Links(torch.zeros(2, 6, 6), edges), torch.zeros(2, 6, 6)
    for t in range(5):
        step = Links(slots, edges[:, t : t + 1])
        slots = step.slots
        assert torch.equal(step.index[:, 0], whole.index[:, t]) and torch.equal(step.heard[:, 0], whole.heard[:, t])
        assert torch.equal(step.mutual[:, 0], whole.mutual[:, t])
    assert torch.equal(slots, whole.slots)


def test_newcomers_take_empty_slots_then_those_of_the_absent():
    edges = torch.zeros(1, 4, 4)
    edges[0, 0, 1] = edges[0, 0, 2] = 1.0
    slots = place(torch.zeros(1, 4, 2), edges)
    assert slots[0, 0].tolist() == [2, 3]
    edges[0, 0] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    assert place(slots, edges)[0, 0].tolist() == [4, 3]
    edges[0, 0] = 1.0 - torch.eye(4)[0]
    with pytest.warns(RuntimeWarning, match="Set rl_module.options.neighbours to 3"):
        placed = place(slots, edges)
    assert placed[0, 0].tolist() == [2, 3], "there is no room for a third"


def test_bytes_are_counted_for_what_was_delivered():
    post = post_of(line(3))
    post.tell_all("goal", torch.zeros(1, 1, 3, 5))
    assert post.received_bytes().tolist() == [[[20.0, 40.0, 20.0]]]
    chosen = torch.zeros(1, 1, 3, 3)
    chosen[0, 0, 1] = 1.0
    post.tell_each("more", torch.zeros(1, 1, 3, 3, 2), chosen)
    assert post.received_bytes().tolist() == [[[28.0, 40.0, 28.0]]], "only the one in the middle chose anybody"


def test_what_is_sent_twice_is_counted_twice():
    post = post_of(line(2))
    for _ in range(3):
        post.tell_all("planning", torch.zeros(1, 1, 2, 5))
    assert post.received_bytes().tolist() == [[[60.0, 60.0]]] and post.ledger["planning"].floats == 15


def test_the_network_says_no_more_than_it_promises():
    for options in ({"rounds": 3, "planning_layers": 2}, {"communication": "basic"}, {"communication": "selective"}):
        net = network(**options)
        t = think(net, team(line(3))).extras["thought"]
        at_most = 4 * net.message_floats * t.links.heard.sum(-1)
        assert (t.post.received_bytes() <= at_most).all()
        if options.get("communication") != "selective":
            assert torch.equal(t.post.received_bytes(), at_most)
