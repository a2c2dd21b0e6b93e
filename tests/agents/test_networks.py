"""Networks: shapes on any team, no dependence on its size, scoring that does not care for the options' order."""

from __future__ import annotations

import pytest
import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import Layout, make_network
from remalis_agents.networks.agent_parts import AgentReader
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.scale import ReturnScale, RunningScale
from remalis_envs.errors import RemalisError, UnknownNameError


@pytest.fixture(params=[None, LAYOUT], ids=["plain", "layout"])
def network(request):
    torch.manual_seed(0)
    return make_network("ippo", SIZE, COUNT, {"layout": request.param})


def test_agents_of_ippo_cannot_influence_each_other(network):
    team = inputs()
    team.observations.requires_grad_()
    output = network(team)
    (gradient,) = torch.autograd.grad(output.logits[:, 0].sum() + output.values[:, 0].sum(), team.observations)
    assert gradient[:, 0].abs().sum() > 0
    assert gradient[:, 1:].abs().max() == 0


def test_permuting_options_permutes_logits():
    network = make_network("ippo", SIZE, COUNT, {"layout": LAYOUT})
    team = inputs(options=COUNT)
    order = torch.randperm(COUNT, generator=torch.manual_seed(3))
    shuffled = team.observations.clone()
    block = team.observations[..., 2 : LAYOUT["types"]].unflatten(-1, (COUNT, -1))
    shuffled[..., 2 : LAYOUT["types"]] = block[..., order, :].flatten(-2)
    straight, other = network(team), network(team._replace(observations=shuffled))
    torch.testing.assert_close(other.logits, straight.logits[..., order])
    torch.testing.assert_close(other.values, straight.values)


def test_leaving_out_unused_options_changes_nothing():
    """A map with five phases computes five scores; with a bigger map in the batch they must come out the same."""
    network = make_network("ippo", SIZE, COUNT, {"layout": LAYOUT})
    network.observe(*inputs()[:2])  # and so with a scale that has moved
    small, large = inputs(batch=1, options=5), inputs(batch=1, options=COUNT, seed=1)
    both = small._replace(**{k: torch.cat([getattr(small, k), getattr(large, k)]) for k in small._fields[:4]})
    together, alone = network(both), network(small)
    torch.testing.assert_close(together.logits[:1, :, :5], alone.logits[:, :, :5])
    torch.testing.assert_close(together.values[:1], alone.values)


def test_what_an_agent_reads_does_not_depend_on_how_many_options_others_have():
    reader = AgentReader(SIZE, COUNT, LAYOUT)
    few, many = inputs(options=3), inputs(options=7)
    alone = reader(few.observations)[1]
    together = reader(torch.cat([few.observations, many.observations]))[1]
    assert torch.equal(alone, together[:3])


def test_a_sequence_equals_its_steps_one_by_one():
    network = make_network("ippo", SIZE, COUNT, {"layout": LAYOUT, "recurrent": 6})
    steps = [inputs(seed=k) for k in range(4)]
    state = {"memory": torch.randn(3, 4, 6, generator=torch.manual_seed(0))}
    stacked = {k: torch.stack([getattr(s, k) for s in steps], 1) for k in steps[0]._fields[:4]}
    whole = network(steps[0]._replace(**stacked, state=state))
    for t, step in enumerate(steps):
        one = {k: getattr(step, k).unsqueeze(1) for k in step._fields[:4]}
        output = network(step._replace(**one, state=state))
        torch.testing.assert_close(output.logits[:, 0], whole.logits[:, t])
        torch.testing.assert_close(output.values[:, 0], whole.values[:, t])
        state = output.state
    torch.testing.assert_close(state, whole.state)


def model(sharing, agents=4, **options):
    torch.manual_seed(0)
    return TeamModel(ModelSpec("ippo", SIZE, COUNT, agents, options, LAYOUT, sharing))


@pytest.mark.parametrize("recurrent", [0, 6])
def test_sharing_by_type_gives_each_type_weights_of_its_own(recurrent):
    shared = model("by_type", recurrent=recurrent)
    lead = (3, 1) if recurrent else (3,)
    team = inputs()
    team = team._replace(**{k: getattr(team, k).reshape(*lead, *getattr(team, k).shape[1:]) for k in team._fields[:4]})
    team = team._replace(state={k: v.expand(3, *v.shape) for k, v in shared.initial_state(4).items()})
    types = shared.types(team.observations)
    assert len(types.unique()) > 1
    output = shared(team)
    (output.logits + output.values.unsqueeze(-1))[types == 1].sum().backward()
    for name, parameter in shared.named_parameters():
        moved = parameter.grad is not None and parameter.grad.abs().max() > 0
        assert moved <= (".1." in name), name
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in shared.parameters())
    assert sum(p.numel() for p in shared.parameters()) == 3 * sum(
        p.numel() for p in model("full", recurrent=recurrent).parameters()
    )


def test_without_sharing_each_agent_has_weights_of_its_own():
    apart = model("none")
    team = inputs()
    same = team._replace(observations=team.observations[:, :1].expand(-1, 4, -1))
    logits = apart(same).logits[..., 0]
    assert not torch.allclose(logits[:, 0], logits[:, 1])
    assert model("full")(same).logits[..., 0].std(-1).max() < 1e-6
    with pytest.raises(RemalisError, match="weights for 4 agents, but this team has 5"):
        apart(inputs(agents=5))


def test_sharing_by_type_needs_types():
    with pytest.raises(RemalisError, match="which entries"):
        TeamModel(ModelSpec("ippo", SIZE, COUNT, 4, {}, None, "by_type"))
    with pytest.raises(UnknownNameError, match="by_type"):
        TeamModel(ModelSpec("ippo", SIZE, COUNT, 4, {}, None, "bytype"))


def test_unknown_network_and_misfitting_layout_are_sentences():
    with pytest.raises(UnknownNameError, match="'ippo'"):
        make_network("ipo", SIZE, COUNT, {})
    with pytest.raises(RemalisError, match="cannot be imported"):
        make_network("no_such_module:mine", SIZE, COUNT, {})
    with pytest.raises(ValueError, match="8 options up to index 42"):
        make_network("ippo", SIZE, 9, {"layout": LAYOUT})


def test_layout_is_read_from_an_environments_own():
    class Own:
        phases = slice(4, 4 + 24)

    assert Layout.of(Own(), 8) == Layout(start=4, count=8, features=3, exists=0)
    Own.types = slice(30, 33)
    assert Layout.of(Own(), 8) == Layout(4, 8, 3, 0, types=30, type_count=3)
    Own.arms, Own.arm_count = slice(40, 60), 4
    entities = {"entity_start": 40, "entity_count": 4, "entity_features": 5, "entity_exists": 0}
    assert Layout.of(Own(), 8) == Layout(4, 8, 3, 0, types=30, type_count=3, **entities)
    assert Layout.of(LAYOUT, COUNT).to_dict().items() >= LAYOUT.items()
    assert Layout.of(Layout.of(Own(), 8).to_dict(), 8) == Layout.of(Own(), 8)
    assert Layout.of(None, 8) is None


def test_running_scale_follows_the_data_and_settles():
    scale = RunningScale(2, settled=3)
    generator = torch.manual_seed(0)
    rows = torch.stack([torch.randn(400, generator=generator) * 0.1 + 3.0, torch.zeros(400)], -1)
    weights = torch.ones(400)
    weights[200:] = 0.0
    rows[200:] = 1e6  # padding
    for part in (slice(0, 100), slice(100, 200), slice(200, 400)):
        scale.observe(rows[part], weights[part])
    torch.testing.assert_close(scale.mean, rows[:200].mean(0))
    torch.testing.assert_close(scale.std[0], rows[:200, 0].std(unbiased=False))
    scaled = scale(rows[:200])
    assert scaled[:, 0].std() == pytest.approx(1.0, abs=0.01)
    assert torch.equal(scaled[:, 1], torch.zeros(200)), "what never moved is not blown up"
    assert scale.batches == 2, "a batch of padding is no batch"
    scale.observe(rows[:100], weights[:100])
    before = scale.mean.clone()
    scale.observe(rows[:100] + 5, weights[:100])
    assert torch.equal(scale.mean, before)


def test_values_stay_when_the_scale_of_returns_moves():
    torch.manual_seed(0)
    scale, head, features = ReturnScale(), torch.nn.Linear(5, 1), torch.randn(7, 5)
    scale.observe(3.0, 4.0, [head])
    before = scale.restore(head(features))
    scale.observe(30.0, 900.0, [head])
    assert scale.std > 4
    torch.testing.assert_close(scale.restore(head(features)), before)
