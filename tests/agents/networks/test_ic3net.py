"""IC3Net: a closed gate silences its agent, and gates are decisions with log-probabilities."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks.model import ModelSpec, TeamModel

WIDTH, STEPS = 10, 4


def build(sharing="full", **options):
    torch.manual_seed(0)
    options = {"hidden": (16, 12), "recurrent": WIDTH, **options}
    return TeamModel(ModelSpec("ic3net", SIZE, COUNT, 4, options, LAYOUT, sharing))


def sequence(model, seed=0):
    """Four steps of three teams, from a state in the middle of an episode."""
    steps = [inputs(seed=seed + k) for k in range(STEPS)]
    stacked = {k: torch.stack([getattr(s, k) for s in steps], 1) for k in steps[0]._fields[:4]}
    # Types, which lie in the vector, do not change within an episode.
    kind = slice(LAYOUT["types"], LAYOUT["types"] + LAYOUT["type_count"])
    stacked["observations"][..., kind] = stacked["observations"][:, :1, :, kind]
    generator = torch.manual_seed(7)
    state = {k: torch.randn(3, 4, *v.shape[1:], generator=generator) for k, v in model.initial_state(4).items()}
    return steps[0]._replace(**stacked, state=state)


def influence(model, team, gates, on):
    """Which agents' first observations and memories the last logits of ``on`` depend on, ``[N]``."""
    observations = team.observations.clone().requires_grad_()
    memory = team.state["memory"].clone().requires_grad_()
    team = team._replace(observations=observations, state={**team.state, "memory": memory}, drawn={"gates": gates})
    scalar = model(team).logits[:, -1, on].square().sum()
    first, second = torch.autograd.grad(scalar, (observations, memory))
    return first[:, :-1].abs().amax((0, 1, 3)) + second.abs().amax((0, 2))


def test_a_closed_gate_removes_its_agent_exactly():
    model = build()
    team = sequence(model)
    gates = torch.ones(3, STEPS, 4, 2)
    assert (influence(model, team, gates, on=0) > 0).all()
    gates[..., 2, :] = 0.0
    reached = influence(model, team, gates, on=0)
    assert reached[2] == 0 and (reached[[0, 1, 3]] > 0).all()
    assert (influence(model, team, gates, on=2) > 0).all(), "it still hears"


def test_silence_and_absence_differ_by_the_number_that_the_sum_is_divided_by():
    """The mean is over all neighbours: two that talk weigh less beside a silent one than they would alone."""
    model = build(rounds=1)
    network, team = model.network, sequence(model)
    gates = torch.ones(3, STEPS, 4, 1)
    gates[..., 2, :] = 0.0
    encoded = torch.randn(3, 4, 12, generator=torch.manual_seed(1))
    memory, cell = team.state["memory"], team.state["cell"]
    got, _, _ = network._step(encoded, memory, cell, team.edges()[:, 0], gates[:, 0], True)
    heard = (memory[:, 1] + memory[:, 3]) / 3
    expected, _ = network.cell(encoded[:, 0] + network.hear[0](heard), memory[:, 0], cell[:, 0])
    torch.testing.assert_close(got[:, 0], expected)


def test_gate_log_probabilities_sum_over_rounds():
    model = build()
    with torch.no_grad():
        model.network.gate.weight.normal_(generator=torch.manual_seed(2))
    team = sequence(model)
    output = model(team)
    gates = output.drawn["gates"]
    assert gates.shape == (3, STEPS, 4, 2) and set(gates.unique().tolist()) == {0.0, 1.0}
    first = torch.distributions.Bernoulli(logits=model.network.gate(team.state["memory"]).squeeze(-1))
    one = build(rounds=1)
    one.network.gate.load_state_dict(model.network.gate.state_dict())
    alone = one(team._replace(drawn={"gates": gates[..., :1]}))
    torch.testing.assert_close(alone.log_probs[:, 0], first.log_prob(gates[:, 0, :, 0]))
    assert (output.log_probs[:, 0] < alone.log_probs[:, 0]).all(), "the second round's gate is a decision, too"
    # Together with all other gates of a step, a gate's probabilities sum to 1.
    total = torch.zeros(3, 4)
    for pair in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
        others = torch.ones(3, STEPS, 4, 2)
        others[:, 0, 1] = torch.tensor(pair)
        total += model(team._replace(drawn={"gates": others})).log_probs[:, 0].exp()
    torch.testing.assert_close(total[:, 1], torch.ones(3))


def test_the_most_probable_gate_is_taken_when_nothing_is_to_be_drawn():
    model = build()
    team = sequence(model)._replace(sample=False)
    for bias, expected in ((3.0, 1.0), (-3.0, 0.0)):
        torch.nn.init.constant_(model.network.gate.bias, bias)
        assert (model(team).drawn["gates"] == expected).all()


def test_gates_are_drawn_as_often_as_their_probability_says():
    model = build(gate_bias=0.5)
    torch.nn.init.zeros_(model.network.gate.weight)
    team = sequence(model)
    torch.manual_seed(0)
    share = torch.stack([model(team).drawn["gates"].mean() for _ in range(40)])
    expected = torch.tensor(0.5).sigmoid()
    deviation = (expected * (1 - expected) / (40 * 2 * team.alive.numel())) ** 0.5
    assert (share.mean() - expected).abs() < 4 * deviation


@pytest.mark.parametrize("sharing", ["full", "by_type", "none"])
def test_a_sequence_equals_its_steps_one_by_one(sharing):
    model = build(sharing)
    team = sequence(model)
    whole = model(team)
    state = team.state
    for t in range(STEPS):
        one = {k: getattr(team, k)[:, t : t + 1] for k in team._fields[:4]}
        drawn = {"gates": whole.drawn["gates"][:, t : t + 1]}
        output = model(team._replace(**one, state=state, drawn=drawn))
        torch.testing.assert_close(output.logits[:, 0], whole.logits[:, t])
        torch.testing.assert_close(output.log_probs[:, 0], whole.log_probs[:, t])
        state = output.state
    torch.testing.assert_close(state, whole.state)


def test_messages_are_counted():
    network = build(rounds=3).network
    assert (network.message_floats, network.rounds) == (3 * WIDTH, 2), "the first round carries memories only"
