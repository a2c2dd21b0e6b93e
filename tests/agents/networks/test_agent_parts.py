"""The ends that all networks share: what an agent's vector says, option by option."""

from __future__ import annotations

import pytest
import torch

from remalis_agents.networks.agent_parts import ActionHead, AgentReader

COUNT, FEATURES, THINGS = 4, 5, 2
# An option: exists, stands now, a number, a share of each of two things. A thing: exists, a number.
LAYOUT = {
    "start": 0, "count": COUNT, "features": FEATURES, "exists": 0, "current": 1, "option_entities": 3,
    "entity_start": 20, "entity_count": THINGS, "entity_features": 2, "entity_exists": 0,
}  # fmt: skip
SIZE = COUNT * FEATURES + 2 * THINGS + 1


def vector(options, things, rest=0.0):
    rows = torch.zeros(COUNT, FEATURES)
    rows[: len(options)] = torch.tensor(options)
    return torch.cat([rows.flatten(), torch.tensor(things).flatten(), torch.tensor([rest])]).view(1, 1, SIZE)


def read(layout=LAYOUT, **given):
    return AgentReader(SIZE, COUNT, layout).read(vector(**given))


OPTIONS = [[1.0, 0.0, 7.0, 1.0, 1.0], [1.0, 1.0, 9.0, 0.5, 0.0]]
THINGS_SEEN = [[1.0, 4.0], [1.0, -2.0]]


def test_an_option_knows_the_mean_of_what_it_has_to_do_with():
    found = read(options=OPTIONS, things=THINGS_SEEN)
    assert found.options.shape == (1, 1, 2, FEATURES + 2)
    torch.testing.assert_close(found.shares[0, 0], torch.tensor([[0.5, 0.5], [0.5, 0.0]]))
    torch.testing.assert_close(found.options[0, 0, :, -1], torch.tensor([1.0, 2.0]))
    gone = read(options=OPTIONS, things=[[1.0, 4.0], [0.0, -2.0]])
    torch.testing.assert_close(gone.options[0, 0, :, -1], torch.tensor([2.0, 2.0]))


def test_the_context_has_mean_maximum_and_the_option_that_stands_now():
    found = read(options=OPTIONS, things=THINGS_SEEN)
    rest, whole = 2 * THINGS + 1, FEATURES + 2
    assert found.context.shape[-1] == rest + 3 * whole == AgentReader(SIZE, COUNT, LAYOUT).size
    mean, most, now = found.context[0, 0, rest:].split(whole)
    torch.testing.assert_close(mean, found.options[0, 0].mean(0))
    torch.testing.assert_close(most, found.options[0, 0].amax(0))
    torch.testing.assert_close(now, found.options[0, 0, 1])
    none = [[1.0, 0.0, 7.0, 1.0, 1.0], [1.0, 0.0, 9.0, 0.5, 0.0]]
    assert not read(options=none, things=THINGS_SEEN).context[0, 0, rest + 2 * whole :].any()


@pytest.mark.parametrize("name", ["current", "option_entities"])
def test_a_layout_need_not_say_so(name):
    reader = AgentReader(SIZE, COUNT, {**LAYOUT, name: -1})
    found = reader.read(vector(options=OPTIONS, things=THINGS_SEEN))
    assert found.options.shape[-1] == reader.option_features and found.context.shape[-1] == reader.size
    assert (found.shares is None) == (name == "option_entities")


def test_scales_move_with_what_is_seen():
    reader, seen = AgentReader(SIZE, COUNT, LAYOUT), vector(options=OPTIONS, things=THINGS_SEEN)
    reader.observe(seen, torch.ones(1, 1))
    assert reader.entities.scale.mean[1] == 1.0
    torch.testing.assert_close(reader.read(seen).entities[0, 0, :, 1], torch.tensor([1.0, -1.0]), rtol=0.01, atol=0.01)


def test_an_option_is_scored_by_what_the_context_asks_for():
    """Which of two options is better depends on the context by the product alone, once the other scorer is silent."""
    torch.manual_seed(0)
    head = ActionHead(6, COUNT, FEATURES, hidden=16)
    options, contexts = torch.randn(2, FEATURES), torch.randn(2, 6)
    with torch.no_grad():
        for value in head.score[-1].parameters():
            value.zero_()
        scores = torch.stack([head(options, context)[:2] for context in contexts])
    preferred = scores[:, 0] - scores[:, 1]
    assert abs(preferred[0] - preferred[1]) > 0.01 * preferred.abs().max() > 0
    permuted = head(options.flip(0), contexts[0])[:2].flip(0)
    torch.testing.assert_close(permuted, scores[0])


def heads(blocks):
    torch.manual_seed(3)
    return ActionHead(6, COUNT, FEATURES, hidden=8, gain=1.0, blocks=blocks)


@pytest.mark.parametrize("blocks", [0, 2])
def test_permuting_options_permutes_scores(blocks):
    options, context, order = torch.randn(3, 2, COUNT, FEATURES), torch.randn(3, 2, 6), torch.tensor([2, 0, 3, 1])
    exists = torch.tensor([1.0, 1.0, 1.0, 0.0]).expand(3, 2, COUNT)
    head = heads(blocks)
    moved = head(options[..., order, :], context, exists[..., order])
    torch.testing.assert_close(moved, head(options, context, exists)[..., order])


@pytest.mark.parametrize("blocks", [0, 2])
def test_by_attention_alone_an_option_knows_of_others_and_of_those_only_that_exist(blocks):
    options = torch.randn(1, 1, COUNT, FEATURES, requires_grad=True)
    exists = torch.tensor([1.0, 1.0, 1.0, 0.0]).view(1, 1, COUNT)
    heads(blocks)(options, torch.randn(1, 1, 6), exists)[..., 0].sum().backward()
    reached = options.grad.abs().sum(-1).flatten() > 0
    assert reached.tolist() == [True, blocks > 0, blocks > 0, False]


@pytest.mark.parametrize("layout", [None, {"start": 0, "count": COUNT, "features": FEATURES, "exists": -1}])
def test_dropout_of_inputs_is_for_training_alone(layout):
    size = COUNT * FEATURES + 5
    reader, plain = AgentReader(size, COUNT, layout, dropout=0.5), AgentReader(size, COUNT, layout)
    seen = 1.0 + torch.rand(2, size)
    options, context = reader(seen)
    gone = [part for part in (options, context[:, : reader.rest]) if part is not None]
    assert all(0.1 < float((part == 0).float().mean()) < 0.9 for part in gone)
    reader.eval()
    for own, same in zip(reader(seen), plain(seen), strict=True):
        assert own is same is None or torch.equal(own, same)


def test_dropout_of_attention_is_for_training_alone():
    torch.manual_seed(3)
    head = ActionHead(6, COUNT, FEATURES, hidden=8, gain=1.0, blocks=2, dropout=0.5)
    options, context = torch.randn(1, 1, COUNT, FEATURES), torch.randn(1, 1, 6)
    assert not torch.equal(head(options, context), head(options, context))
    head.eval()
    assert torch.equal(head(options, context), head(options, context))
    assert torch.equal(head(options, context), heads(2).eval()(options, context)), "the weights are those without"


def test_attention_without_options_is_a_sentence():
    with pytest.raises(ValueError, match="no layout says where they stand"):
        ActionHead(6, COUNT, blocks=1)
