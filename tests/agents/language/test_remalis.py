"""ReMALIS around a language model: what its parts read, what learns, and that all of it still counts."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from reading_teams import reader, readings
from remalis_teams import ACTIONS, LAYOUT, SIZE, begin, line, network, team, think

from remalis_agents.language.options import LanguageModelError
from remalis_agents.networks import Played
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.remalis import Losses
from remalis_agents.networks.remalis.alone import Agent
from remalis_agents.synthetic import team_inputs
from remalis_envs.errors import RemalisError

OWN_LOSSES = [field.name for field in dataclasses.fields(Losses)]


def probabilities(net, given) -> torch.Tensor:
    return mask_logits(think(net, given._replace(sample=False)).logits, given.action_mask).softmax(-1)


def played(given) -> Played:
    zeros, shape = torch.zeros_like(given.alive), given.alive.shape
    labels = torch.randint(4, shape), torch.randint(5, shape), torch.rand(shape), torch.rand(shape)
    return Played(torch.randint(ACTIONS - 1, shape), zeros, zeros + 1.0, *labels)


def adapters(net) -> dict[str, torch.Tensor]:
    found = {name: weights for name, weights in net.body.named_parameters() if "lora_" in name}
    assert len(found) == 8
    return found


def test_actions_are_scored_by_the_models_own_probabilities_times_a_positive_factor(llama):
    """Equation 7, where everything around the model says nothing."""
    net, given = reader(llama, spread=0.0), readings(line(3))
    output = think(net, given)
    t = output.extras["thought"]
    _, told = net.body.backbone(given.tokens.flatten(0, 2))
    own = mask_logits(told.view(1, 1, 3, ACTIONS), given.action_mask).softmax(-1)
    assert (own[..., -1] == 0).all() and t.spoken[..., -1].abs().max() == 0
    torch.testing.assert_close(t.spoken[..., :-1].exp(), own[..., :-1])
    rest = output.logits - t.spoken
    torch.testing.assert_close(
        mask_logits(output.logits, given.action_mask).softmax(-1),
        mask_logits(rest + t.spoken, given.action_mask).softmax(-1),
    )
    with torch.no_grad():
        net.body.kappa.fill_(1.0)
    torch.testing.assert_close(think(net, given).extras["thought"].spoken, torch.e * t.spoken)


@pytest.mark.parametrize("name", ["policy", *OWN_LOSSES])
def test_the_gradient_of_each_loss_reaches_the_adapters_and_nothing_frozen(llama, name):
    net, given = reader(llama, gate_budget=0.5), readings(line(4, steps=2))
    output = think(net, given)
    if name == "policy":
        chosen = mask_logits(output.logits, given.action_mask).log_softmax(-1)[..., 0] + output.log_probs
        loss = (chosen.exp() * torch.randn(given.alive.shape)).mean()
    else:
        loss = net.losses(given, output, played(given))[f"{name}_loss"]
    loss.backward()
    assert all(weights.grad.abs().sum() > 0 for weights in adapters(net).values())
    assert all(weights.grad is None for weights in net.parameters() if not weights.requires_grad)


def test_with_a_frozen_model_everything_around_it_learns(llama):
    net, given = reader(llama, language_model={"adapter": "none"}), readings(line(4))
    think(net, given).logits.square().sum().backward()
    assert not any(weights.requires_grad for weights in net.body.backbone.parameters())
    assert net.body.read.weight.grad.abs().sum() > 0 and net.body.kappa.grad.abs() > 0
    assert net.body.norm.weight.grad.abs().sum() > 0 and net.grounding.query.weight.grad.abs().sum() > 0


def silenced(value):
    """Zeros in the place of whatever a part gives."""
    if isinstance(value, torch.Tensor):
        return torch.zeros_like(value)
    if isinstance(value, tuple):
        parts = [silenced(one) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


PARTS = [
    "feedback",
    "summary",
    "intention.goal",
    "intention.heads",
    "announcement.goal",
    "channel",
    "recursion",
    "hearing",
    "grounding.query",
    "grounding.vocabulary",
    "grounding.remembered",
    "grounding.told",
    "ambiguity.add",
    "composition.layer",
    "planning.head",
    "planning.heard.0",
    "error",
    "head",
    "body.read",
    "body.norm",
]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_switched_off_changes_what_the_team_does(llama, part):
    """In the second step, so that what is remembered counts as well."""
    net, given = reader(llama), readings(line(4, steps=2))
    net.confusion.memory.fill_(3.0).fill_diagonal_(0.0)
    given = given._replace(drawn={"noise": torch.ones(1, 2, 4, 8), "replan": torch.ones(1, 2, 4)})
    before = probabilities(net, given)[0, 1]
    if part == "grounding.vocabulary":
        with torch.no_grad():
            net.grounding.vocabulary.weight.zero_()
    else:
        net.get_submodule(part).register_forward_hook(lambda module, inputs, output: silenced(output))
    assert (probabilities(net, given)[0, 1] - before).abs().max() > 1e-6


@pytest.mark.parametrize(
    "options",
    [
        {"communication": "none"},
        {"communication": "basic"},
        {"communication": "selective"},
        {"feedback": False},
        {"rounds": 0},
        {"composition": False},
        {"shared_planning": False},
        {"action_graph": False},
        {"latent": 0},
        {"confusion": "off"},
    ],
)
def test_each_switch_of_the_network_works_around_a_language_model(llama, options):
    given, found = readings(line(4)), []
    for one in ({}, options):
        net = reader(llama, spread=0.0, **one)
        net.confusion.matrix.copy_(torch.rand(5, 5, generator=torch.Generator().manual_seed(1)).softmax(-1))
        with torch.no_grad():
            for weights in net.head.score.parameters():
                weights.mul_(30.0)  # what is scored begins small
        found.append(probabilities(net, given))
        assert torch.isfinite(found[-1]).all()
    assert (found[0] - found[1]).abs().max() > 1e-6


def test_the_body_is_what_distinguishes_agents_who_see_the_same_numbers(llama):
    """And feedback reads it, too: the same vectors with other texts give other patterns."""
    net, given = reader(llama), readings(line(3))
    given = given._replace(observations=given.observations[..., :1, :].expand(1, 1, 3, SIZE).clone())
    t = think(net, given).extras["thought"]
    assert (t.seen[0, 0, 0] - t.seen[0, 0, 1]).abs().max() > 1e-3
    other = given.tokens.clone()
    other[0, 0, 2] = other[0, 0, 2].roll(1)
    changed = think(net, given._replace(tokens=other)).extras["thought"]
    assert (t.patterns - changed.patterns)[0, 0, 1].abs().max() > 1e-5, "a neighbour's text reaches c"
    assert torch.equal(t.seen[0, 0, :2], changed.seen[0, 0, :2])


def test_permuting_agents_permutes_what_they_do(llama):
    net, given, order = reader(llama), readings(line(5)), torch.tensor([3, 0, 4, 1, 2])
    zero = {"noise": torch.zeros(1, 1, 5, 8), "replan": torch.ones(1, 1, 5)}
    straight = think(net, given._replace(drawn=zero))
    moved = think(
        net,
        given._replace(
            observations=given.observations[:, :, order],
            tokens=given.tokens[:, :, order],
            adjacency=given.adjacency[:, :, order][..., order],
            drawn=zero,
        ),
    )
    torch.testing.assert_close(moved.logits, straight.logits[:, :, order], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moved.values, straight.values[:, :, order], atol=1e-5, rtol=1e-5)


def test_who_is_not_there_is_not_read(llama):
    net, given = reader(llama), readings(line(4))
    alive, tokens = given.alive.clone(), given.tokens.clone()
    alive[..., 3], tokens[..., 3, :] = 0.0, 0
    count = []
    net.body.backbone.register_forward_hook(lambda module, inputs, output: count.append(len(inputs[0])))
    fewer = think(net, given._replace(alive=alive, tokens=tokens))
    nobody = think(net, given._replace(alive=torch.zeros_like(alive), tokens=torch.zeros_like(tokens)))
    assert count == [3]
    assert torch.isfinite(fewer.logits).all() and torch.isfinite(nobody.logits).all()
    assert (fewer.extras["thought"].spoken[..., 3, :] == 0).all()


def test_a_sequence_at_once_is_what_was_acted_step_by_step(llama):
    net, given = reader(llama), readings(line(4, steps=3))
    state, logits, drawn = begin(net, given).state, [], []
    for k in range(3):
        one = {name: getattr(given, name)[:, k : k + 1] for name in (*given._fields[:4], "tokens")}
        with torch.no_grad():
            output = net.act(given._replace(**one, state=state))
        state = output.state
        logits.append(output.logits)
        drawn.append(output.drawn)
    whole = {name: torch.cat([one[name] for one in drawn], 1) for name in drawn[0]}
    again = think(net, given._replace(drawn=whole))
    # Weights as large as these give scores of tens, sums that cancel, and float32's last digits with them.
    largest = again.logits.abs().max().item()
    torch.testing.assert_close(again.logits, torch.cat(logits, 1), atol=1e-5 * max(1.0, largest), rtol=0.0)


def test_adapters_begin_alike_whatever_else_is_built(llama):
    """From their own seed: an ablation leaves them as they are."""
    torch.manual_seed(4)
    spec = ModelSpec("remalis", SIZE, ACTIONS, 4, {}, LAYOUT, subgoals=6, concepts=5)
    found = []
    for options in ({}, {"feedback": False}, {"communication": "none"}):
        own = {**options, "language_model": {"path": str(llama), "max_tokens": 128}}
        found.append(adapters(TeamModel(dataclasses.replace(spec, options=own)).network))
    assert all(torch.equal(value, other[name]) for other in found for name, value in found[0].items())
    torch.manual_seed(5)
    other = adapters(TeamModel(dataclasses.replace(spec, options=own)).network)
    assert not all(torch.equal(value, other[name]) for name, value in found[0].items())


def test_without_text_one_sentence_says_so(llama):
    net = reader(llama)
    with pytest.raises(LanguageModelError, match="was given no text: tokens are missing"):
        think(net, team(line(3)))
    assert network().text is None and net.text == {"path": str(llama.resolve()), "max_tokens": 128}


def test_weights_by_type_stand_around_one_language_model(llama):
    own = {"language_model": {"path": str(llama), "max_tokens": 128}}
    layout = {**LAYOUT, "types": SIZE - 2, "type_count": 2}
    model = TeamModel(ModelSpec("remalis", SIZE, ACTIONS, 4, own, layout, "by_type", subgoals=6, concepts=5))
    assert len(adapters(model.network)) == 8
    given = readings(line(4))
    given.observations[..., -2:] = torch.tensor([1.0, 0.0])
    model(begin(model.network, given)).logits.square().sum().backward()
    moved = {k for k, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert any("body.read.parts.0" in k for k in moved) and not any("body.read.parts.1" in k for k in moved)


def test_an_agent_by_itself_reads_for_itself(llama):
    class Nobody:
        """There are no neighbours."""

        def send(self, neighbour, numbers):
            raise AssertionError

        receive = send

    own = {"language_model": {"path": str(llama), "max_tokens": 128}}
    model = TeamModel(ModelSpec("remalis", SIZE, ACTIONS, 4, own, LAYOUT, subgoals=6, concepts=5)).eval()
    given = readings(torch.zeros(1, 1, 1, 1))
    with torch.no_grad():
        whole = model.act(begin(model.network, given)._replace(sample=False))
    view = {"observation": given.observations[0, 0, 0].numpy(), "action_mask": given.action_mask[0, 0, 0].numpy()}
    agent = Agent(model, 0, Nobody())
    decision = agent.decide({**view, "tokens": given.tokens[0, 0, 0].numpy()}, given.adjacency[0, 0].numpy())
    torch.testing.assert_close(decision.output.logits, whole.logits, atol=1e-5, rtol=0)
    with pytest.raises(RemalisError, match="given no text"):
        agent.decide(view, given.adjacency[0, 0].numpy())


def test_random_inputs_have_texts_where_they_are_read(llama):
    own = {"language_model": {"path": str(llama), "max_tokens": 128}}
    model = TeamModel(ModelSpec("remalis", SIZE, ACTIONS, 4, own, LAYOUT, subgoals=6, concepts=5))
    given = team_inputs(model, 3, steps=2)
    assert given.tokens.shape == (1, 2, 3, 128)
    assert torch.isfinite(model(given).logits).all()
