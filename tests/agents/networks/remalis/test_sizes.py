"""The presets' sizes, on the parameters of networks as they are built for traffic."""

from __future__ import annotations

import pytest
import torch

from remalis_agents.networks.model import TeamModel
from remalis_agents.networks.remalis import RemalisNetwork
from remalis_agents.networks.remalis.body import NumericBody, TransformerBody
from remalis_agents.synthetic import traffic_spec


def built(preset: str) -> RemalisNetwork:
    """Without numbers in it: tens of millions of weights take a minute to draw."""
    with torch.device("meta"):
        made = TeamModel(traffic_spec("remalis", {"preset": preset})).network
    assert isinstance(made, RemalisNetwork)
    return made


@pytest.fixture(scope="module")
def paper() -> RemalisNetwork:
    return built("paper")


def shapes(part: torch.nn.Module, ending: str = "weight") -> list[tuple[int, ...]]:
    return [tuple(weights.shape) for name, weights in part.named_parameters() if name.endswith(ending)]


def test_tiny_is_below_a_million_parameters_and_presets_grow():
    sizes = [sum(p.numel() for p in built(preset).parameters()) for preset in ("tiny", "small", "paper")]
    assert sizes[0] < 1_000_000 and sizes[0] < sizes[1] < sizes[2]


def test_built_without_numbers_it_has_the_shapes_of_the_real_one():
    real = TeamModel(traffic_spec("remalis")).network
    assert {k: v.shape for k, v in real.named_parameters()} == {k: v.shape for k, v in built("tiny").named_parameters()}


def test_the_papers_body_is_a_transformer_of_twelve_layers_of_768_with_twelve_heads(paper):
    assert isinstance(paper.body, TransformerBody) and len(paper.body.layers) == 12
    for layer in paper.body.layers:
        assert layer.heads == 12 and 768 % layer.heads == 0
        assert layer.project.weight.shape == (3 * 768, 768) and layer.out.weight.shape == (768, 768)
        assert shapes(layer.own) == [(4 * 768, 768), (768, 4 * 768)]
        assert layer.before.weight.shape == layer.between.weight.shape == (768,)
    assert paper.body.norm.weight.shape == (768,)
    assert {shape[0] for shape in shapes(paper.body.tokens)} == {768}
    blocks = sum(p.numel() for p in paper.body.layers.parameters())
    assert blocks == 12 * (12 * 768**2 + 13 * 768), "matrices, biases and norms of twelve layers, and nothing else"


def test_the_smaller_presets_have_plain_layers(paper):
    for preset, widths in (("tiny", [64, 64]), ("small", [256, 256])):
        body = built(preset).body
        assert isinstance(body, NumericBody) and [out for out, _ in shapes(body)] == widths
    assert shapes(paper.value)[:-1] == [(768, shapes(paper.value)[0][1]), (768, 768)], "the value has layers of its own"


def test_the_papers_planning_is_a_graph_network_of_four_layers_of_512(paper):
    assert [shapes(part) for part in (paper.planning.own, paper.planning.heard)] == [[(512, 512)] * 4] * 2
    assert paper.planning.talks and paper.planning.head.weight.shape == (paper.subgoal_count, 512)


def test_the_papers_grounding_is_a_transformer_of_six_layers_of_768_with_twelve_heads(paper):
    assert len(paper.grounding.encoder) == 6
    for layer in paper.grounding.encoder:
        assert layer.heads == 12 and 768 % layer.heads == 0
        assert layer.project.weight.shape == (3 * 768, 768) and layer.out.weight.shape == (768, 768)
    assert paper.grounding.vocabulary.weight.shape == (paper.concept_count, 768)


def test_the_papers_channel_is_a_gated_unit_of_four_layers_of_256(paper):
    (unit,) = paper.channel.unit.parts
    assert [tuple(getattr(unit, f"weight_hh_l{k}").shape) for k in range(4)] == [(3 * 256, 256)] * 4
    assert unit.num_layers == 4
    assert paper.initial_state()["channel"].shape == (paper.options.neighbours, 4 * 256)


def test_the_papers_feedback_is_graph_attention_with_two_heads_and_slope_a_fifth(paper):
    width = paper.options.coordination
    assert paper.feedback.heads == 2 and width % 2 == 0
    assert paper.feedback.score.weight.shape == (2 * 2, width)


def test_the_slope_of_feedbacks_scores_is_a_fifth():
    """Two agents of whom one asks for nothing: weights are those of the formula, negative scores a fifth as large."""
    from remalis_teams import line, post_of

    from remalis_agents.networks.remalis.feedback import CoordinationFeedback

    part = CoordinationFeedback(1, 2, heads=2)
    with torch.no_grad():
        part.encode.weight.fill_(1.0)
        part.score.weight.copy_(torch.tensor([[0.0, 0.0], [0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]))
        context = torch.tensor([1.0, 3.0]).view(1, 1, 2, 1)
        found = part(context, post_of(line(2)))[0, 0, 0]
    outcomes = torch.tensor([1.0, 3.0])
    expected = [(torch.softmax(scores, 0) * outcomes).sum() for scores in (-0.2 * outcomes, outcomes)]
    torch.testing.assert_close(found, torch.stack(expected))
