"""Execution and the losses around it: actions as a graph, imitation, switches that change what they say."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from remalis_teams import ACTION_FEATURES, ACTIONS, LAYOUT, SIZE, begin, line, network, team, think

from remalis_agents.networks import Played
from remalis_agents.networks.agent_parts import Read
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.remalis import PRESETS, Losses, Options, losses
from remalis_agents.networks.remalis.execution import ActionGraph
from remalis_agents.networks.remalis.gate import Gate
from remalis_envs.errors import RemalisError, UnknownNameError

NO_LOSS = dict.fromkeys((f.name for f in dataclasses.fields(Losses)), 0.0)


def played(given, **labels):
    zeros = torch.zeros_like(given.alive)
    whole = {
        "actions": torch.randint(ACTIONS, given.alive.shape),
        "rewards": zeros,
        "weights": zeros + 1.0,
        "subgoals": torch.randint(4, given.alive.shape),
        "concepts": torch.randint(5, given.alive.shape),
        "misaligned": torch.rand(given.alive.shape),
        "carried": torch.rand(given.alive.shape),
    }
    return Played(**{**whole, **labels})


NOTHING = torch.zeros(0)
"""Entities where actions have to do with none."""


def test_permuting_actions_permutes_their_scores():
    graph, order = ActionGraph(6, 7, 3), torch.tensor([3, 0, 4, 1, 2])
    options, exists, context = torch.randn(2, 4, 5, 3), torch.tensor([1.0, 1.0, 1.0, 0.0, 1.0]), torch.randn(2, 4, 6)
    scores = graph(Read(options, context, exists.expand(2, 4, 5)), NOTHING, context)
    moved = graph(Read(options[..., order, :], context, exists[order].expand(2, 4, 5)), NOTHING, context)
    torch.testing.assert_close(moved[..., :5], scores[..., order])
    assert scores.shape == (2, 4, 7) and (scores[..., 5:] == 0).all()


def test_an_action_that_does_not_exist_is_nobodys_relation():
    graph, context = ActionGraph(6, 5, 3), torch.randn(1, 1, 6)
    options, exists = torch.randn(1, 1, 5, 3), torch.tensor([1.0, 1.0, 1.0, 0.0, 1.0]).expand(1, 1, 5)
    other = options.clone()
    other[..., 3, :] += 1.0
    kept = [0, 1, 2, 4]

    def scores(of):
        return graph(Read(of, context, exists), NOTHING, context)

    assert torch.equal(scores(options)[..., kept], scores(other)[..., kept])
    other[..., 2, :] += 1.0
    assert not torch.allclose(scores(options)[..., 0], scores(other)[..., 0])


def test_an_action_is_scored_by_the_entities_that_it_has_to_do_with():
    graph, context, exists = ActionGraph(6, 5, 3, entity=4), torch.randn(1, 1, 6), torch.ones(1, 1, 1)
    shares = torch.tensor([[[[0.5, 0.5, 0.0]]]])
    read = Read(torch.randn(1, 1, 1, 3), context, exists, shares=shares)
    entities = torch.randn(1, 1, 3, 4, requires_grad=True)
    graph(read, entities, context)[..., 0].sum().backward()
    reached = entities.grad.abs().sum(-1)[0, 0]
    assert (reached[:2] > 0).all() and reached[2] == 0


def test_imitation_lowers_the_loss_on_held_out_demonstrations():
    """The demonstrator takes the action with the largest second feature."""
    net = network(spread=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)

    def loss_of(seed):
        given = team(line(4, batch=16), seed=seed)
        rows = given.observations[..., : ACTIONS * ACTION_FEATURES].unflatten(-1, (ACTIONS, -1))
        output = think(net, given)
        return losses.imitation_loss(output.logits, given.action_mask, rows[..., 1].argmax(-1), given.alive)

    before = float(loss_of(1000))
    for step in range(60):
        loss = loss_of(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss_of(1000) < 0.5 * before


def test_all_losses_are_there_and_are_numbers():
    net, given = network(gate_budget=0.5), team(line(4, steps=2))
    output = think(net, given)
    found = net.losses(given, output, played(given))
    names = {"subgoal", "belief", "concept", "confusion", "modules", "error", "uncertainty", "auxiliary"}
    names |= {"replanning", "gate", "feedback_policy", "intention"}
    assert set(found) == {f"{name}_loss" for name in names}
    assert all(loss.isfinite() and loss.dim() == 0 for loss in found.values())


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Losses)])
def test_each_loss_has_a_switch_of_its_own(name):
    given = team(line(4, steps=2))
    found = []
    for weights in (NO_LOSS, {**NO_LOSS, name: 0.5}, {**NO_LOSS, name: 1.0}):
        net = network(gate_budget=0.5, losses=weights)
        net.confusion.strength = 0.0
        torch.manual_seed(5)
        outcome = played(given)
        found.append(net.losses(given, think(net, given), outcome))
    assert found[0] == {} and set(found[1]) - {"feedback_policy_loss"} == {f"{name}_loss"}
    torch.testing.assert_close(2.0 * found[1][f"{name}_loss"], found[2][f"{name}_loss"])


def test_without_losses_it_is_the_same_network_bit_for_bit():
    """Parts that only a loss uses are not built, and take nothing from the others' random numbers."""
    given, outputs = team(line(4, steps=3)), []
    for weights in ({}, NO_LOSS):
        net = network(spread=0.0, losses=weights)
        torch.manual_seed(7)
        outputs.append(think(net, given))
        assert (net.belief is None) == (net.feedback_policy is None) == bool(weights)
    assert torch.equal(outputs[0].logits, outputs[1].logits) and torch.equal(outputs[0].values, outputs[1].values)
    assert torch.equal(outputs[0].log_probs, outputs[1].log_probs)


def test_the_auxiliary_loss_draws_the_policy_and_not_what_it_is_drawn_to():
    net, given = network(), team(line(4))
    output = think(net, given)
    t = output.extras["thought"]
    theirs = net.feedback_policy(t.choices, t.joined(t.past, t.patterns).detach())
    loss = losses.auxiliary_loss(t.logits, theirs, given.action_mask, given.alive)
    loss.backward()
    assert all(p.grad is None for p in net.feedback_policy.parameters())
    assert net.head.score[0].weight.grad.abs().sum() > 0
    assert losses.auxiliary_loss(theirs, theirs, given.action_mask, given.alive) == 0


def test_costs_are_what_the_weights_say():
    given = team(line(4))
    net = network(error_cost=0.5, uncertainty_cost=0.25)
    output = think(net, given)
    t = output.extras["thought"]
    torch.testing.assert_close(net.costs(output), 0.25 * t.uncertainty + 0.5 * t.error)
    assert network().costs(output) is None


def test_sharing_by_type_keeps_types_apart():
    layout = {**LAYOUT, "types": SIZE - 2, "type_count": 2}
    torch.manual_seed(0)
    spec = ModelSpec("remalis", SIZE, ACTIONS, 4, {}, layout, "by_type", subgoals=6, concepts=5)
    model, given = TeamModel(spec), team(line(4))
    given.observations[..., -2:] = torch.tensor([1.0, 0.0])
    model(begin(model.network, given)).logits.square().sum().backward()
    moved = {k for k, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert any(".parts.0." in k for k in moved) and not any(".parts.1." in k for k in moved)


def test_unknown_options_are_named_with_what_is_near():
    with pytest.raises(UnknownNameError, match="rounds"):
        Options.of(round=2)
    with pytest.raises(UnknownNameError, match="belief"):
        Options.of(losses={"beliefs": 1.0})
    with pytest.raises(UnknownNameError, match="selective"):
        Options.of(communication="selectiv")
    with pytest.raises(UnknownNameError, match="paper"):
        Options.of("papers")
    with pytest.raises(RemalisError, match="gate_budget"):
        Options.of(gate_budget=0.0)
    with pytest.raises(RemalisError, match="replan_every"):
        Options.of(replan_every=0)
    assert set(PRESETS) == {"tiny", "small", "paper"}


def test_the_gate_answers_to_its_budget():
    net, given = network(spread=0.0, gate_budget=0.3), team(line(4, batch=8))
    optimizer = torch.optim.Adam(net.gate.parameters(), 0.05)
    for _ in range(60):
        t = think(net, given).extras["thought"]
        loss = net.gate.budget_loss(t.gate_logits, given.alive)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert abs(think(net, given).drawn["gate"].mean() - 0.3) < 0.25
    assert abs(t.gate_logits.sigmoid().mean() - 0.3) < 0.05


@pytest.mark.parametrize("wish", [-1.5, 0.0, 2.0])
def test_the_best_actions_keep_to_the_budget_too(wish):
    """The likelier side of each coin would open all gates of a team that wants to talk in most steps, or none."""
    gate, draws = Gate(6, 0.5), torch.Generator().manual_seed(3)
    seen, counted = torch.randn(40, 25, 6, generator=draws), torch.ones(40, 25)
    counted[:, 20:] = 0.0
    with torch.no_grad():
        gate.look.weight.mul_(20.0)
        gate.look.bias.fill_(wish)
    _, logits = gate(seen, None, sample=False)
    strange = torch.where(counted > 0, logits, 100.0)
    gate.observe(strange.detach(), counted)
    opened = gate(seen[:, :20], None, sample=False)[0]
    drawn = gate(seen[:, :20], None, sample=True)[0]
    assert 0.1 < drawn.mean() < 0.9
    assert abs(opened.mean() - logits[:, :20].sigmoid().mean()) < 0.01
    assert abs(opened.mean() - drawn.mean()) < 0.06
    kept = gate.level.clone()
    gate.observe(logits.detach(), torch.zeros_like(counted))
    assert torch.equal(gate.level, kept), "a batch without steps says nothing"


def test_who_is_silent_is_not_heard():
    net, given = network(gate_budget=0.5), team(line(3))
    shut = torch.ones(1, 1, 3)
    shut[..., 1] = 0.0
    drawn = {"gate": shut, "noise": torch.zeros(1, 1, 3, 8), "replan": torch.ones(1, 1, 3)}
    seen = given.observations.clone().requires_grad_()
    output = net(begin(net, given._replace(observations=seen, drawn=drawn)))
    (gradient,) = torch.autograd.grad(output.logits[0, 0, 0].square().sum(), seen)
    assert gradient[0, 0, 1:].abs().sum() == 0, "neither its intention nor its feedback, nor what it would pass on"


def test_the_same_seed_draws_the_same_again():
    net, given = network(gate_budget=0.5), team(line(4))
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        net.restart_draws()
        drawn.append(think(net, given).drawn)
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in ("noise", "gate", "replan"))
    assert not torch.equal(drawn[0]["noise"], drawn[2]["noise"])
