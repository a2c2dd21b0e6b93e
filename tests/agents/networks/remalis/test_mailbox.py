"""The mailbox: what arrives when, and from whom, against a plain count of letters."""

from __future__ import annotations

import pytest
import torch

from remalis_agents.networks.remalis.limits import Limits
from remalis_agents.networks.remalis.links import Links, Reach
from remalis_agents.networks.remalis.mailbox import Mailbox, empty_mailbox
from remalis_agents.networks.remalis.post import Post

N, T = 6, 9
LETTERS = [("all", 2), ("each", 3), ("each_2", 3)]


def wandering(neighbours: int) -> torch.Tensor:
    """Each hears others in each step, ``neighbours`` at most, ``[2, T, N, N]``."""
    wanted = torch.rand(2, T, N, N) - 2.0 * torch.eye(N)
    most = wanted.topk(neighbours, -1).values[..., -1:]
    return ((wanted >= most) & (wanted > 0.4)).float()


def talk(edges, delay, slots, state=None, start=0):
    """What is heard of letters that say who wrote them, to whom and when; whom they reached; and the state."""
    state = state or {name: row.expand(2, N, *row.shape) for name, row in empty_mailbox(LETTERS, delay, slots).items()}
    links, after = Links(state.get("slots", torch.zeros(2, N, slots)), edges), {}
    post = Post(links, Reach(links.heard, links.mutual), limits=Limits(None, None, Mailbox(delay, links, state, after)))
    when = torch.arange(start, start + edges.shape[1]).float().view(1, -1, 1).expand(edges.shape[:-1]) + 1.0
    who = torch.arange(N).float().expand_as(when)
    told, reach = post.tell_all("all", torch.stack([who, when], -1))
    shape = links.index.shape
    mine = torch.stack([who.unsqueeze(-1).expand(shape), links.index.float(), when.unsqueeze(-1).expand(shape)], -1)
    each = post.tell_each("each", mine), post.tell_each("each", -mine)
    return links, (told, reach.delivered, *each), {**after, "slots": links.slots}


@pytest.mark.parametrize(("delay", "slots"), [(1, 5), (2, 5), (2, 2), (3, 2), (11, 3)])
def test_what_arrives_was_sent_so_many_steps_ago_by_one_who_is_still_heard(delay, slots):
    edges = wandering(slots)
    links, (told, reached, each, again), _ = talk(edges, delay, slots)
    assert torch.equal(each, -again), "two of a kind do not get into each other's way"
    seen = {"all": 0, "each": 0}
    for b, t, i, k in torch.ones_like(links.index).nonzero().tolist():
        j, heard = int(links.index[b, t, i, k]), links.heard[b, t, i, k] > 0
        came = bool(heard and t >= delay and edges[b, t - delay, i, j] > 0)
        assert reached[b, t, i, k] == came
        assert told[b, t, i, k].tolist() == ([j, t - delay + 1] if came else [0, 0])
        both = came and edges[b, t - delay, j, i] > 0
        assert each[b, t, i, k].tolist() == ([j, i, t - delay + 1] if both else [0, 0, 0])
        seen = {"all": seen["all"] + came, "each": seen["each"] + both}
    assert (seen["all"] > seen["each"] > 0) == (delay < T)
    if slots == 2:
        then, now = links.index[:, :-delay], links.index[:, delay:]
        assert (then != now)[links.heard[:, delay:] > 0].any(), "slots have changed hands meanwhile"


@pytest.mark.parametrize("chunks", [[1] * T, [2, 3, 4], [4, 1, 4]])
@pytest.mark.parametrize("delay", [1, 2, 3])
def test_a_sequence_in_pieces_is_the_sequence_at_once(chunks, delay):
    edges = wandering(2)
    _, whole, last = talk(edges, delay, 2)
    state, start, pieces = None, 0, []
    for length in chunks:
        _, piece, state = talk(edges[:, start : start + length], delay, 2, state, start)
        pieces.append(piece)
        start += length
    for expected, found in zip(whole, zip(*pieces, strict=True), strict=True):
        assert torch.equal(torch.cat(found, 1), expected)
    assert state.keys() == last.keys() and all(torch.equal(state[name], last[name]) for name in last)


def test_only_what_was_sent_arrives():
    """A gate that was closed then counts, and not one that is closed now."""
    edges = torch.ones(1, 2, 3, 3) - torch.eye(3)
    links, after = Links(torch.zeros(1, 3, 2), edges), {}
    state = {name: row.expand(1, 3, *row.shape) for name, row in empty_mailbox([("goal", 1)], 1, 2).items()}
    opened = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).view(1, 2, 3, 1)
    limits = Limits(None, None, Mailbox(1, links, state, after))
    post = Post(links, Reach(links.heard, links.mutual), opened, limits)
    told, reach = post.tell_all("goal", torch.arange(1.0, 7.0).view(1, 2, 3, 1))
    senders = [links.index[0, 1, i][reach.delivered[0, 1, i] > 0].tolist() for i in range(3)]
    assert senders == [[1, 2], [2], [1]] and (reach.delivered[0, 0] == 0).all()
    assert told[0, 1].sum().item() == (2 + 3) + 3 + 2
    assert post.received_bytes()[0].tolist() == [[0, 0, 0], [8, 4, 4]]
