"""The body as a Transformer: it attends to what there is, and to nothing else, and is trained as any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from loops import RING, Loop, config_for
from ray.rllib.core.columns import Columns
from toys import ring_team

from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.remalis.body import TransformerBody
from remalis_agents.networks.remalis.thought import Thought
from remalis_agents.networks.remalis.tokens import PIECE, TokenLayer
from remalis_agents.rllib import TeamCategorical
from remalis_agents.rllib.team_module import DRAWN_LOGP
from remalis_agents.synthetic import ARMS, PHASES, team_inputs, traffic_spec
from remalis_envs.diagnostics import partners_v0
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.team import TeamEnv

SMALL = {"body": "transformer", "body_layers": 2, "body_heads": 4}
AT = TeamModel(traffic_spec("ippo")).layout
ARMS_AT = slice(AT.entity_start, AT.entity_start + AT.entity_count * AT.entity_features)


def model(sharing: str = "full", **options: object) -> TeamModel:
    """A small network for traffic; initial heads are small and would hide differences."""
    torch.manual_seed(0)
    made = TeamModel(replace(traffic_spec("remalis", {**SMALL, **options}), sharing=sharing))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return made


def phases(observations: torch.Tensor) -> torch.Tensor:
    """``[*, phases, features]``, a view."""
    return observations[..., AT.start : AT.stop].unflatten(-1, (AT.count, AT.features))


def arms(observations: torch.Tensor) -> torch.Tensor:
    """``[*, arms, features]``, a view."""
    return observations[..., ARMS_AT].unflatten(-1, (AT.entity_count, AT.entity_features))


def with_gaps(made: TeamModel, agents: int = 3):
    """A team whose second arm and third phase do not exist, for the first agent; no phase serves what is not there."""
    given = team_inputs(made, agents)
    served = slice(AT.option_entities, AT.option_entities + AT.entity_count)
    phases(given.observations)[..., served] *= arms(given.observations)[..., None, :, AT.entity_exists]
    phases(given.observations)[:, :, 0, :, served][..., 1] = 0.0
    arms(given.observations)[:, :, 0, 1] = 0.0
    phases(given.observations)[:, :, 0, 2] = 0.0
    given.action_mask[:, :, 0, 2] = 0.0
    return given


def seen(made: TeamModel, given, observations: torch.Tensor | None = None) -> torch.Tensor:
    """The body's states ``[B, T, N, w]``."""
    if observations is not None:
        given = given._replace(observations=observations)
    return made(given).extras["thought"].seen


def test_whatever_exists_is_seen_and_what_does_not_exist_has_no_gradient_at_all():
    made = model()
    given = with_gaps(made)
    leaf = given.observations.clone().requires_grad_()
    states = seen(made, given, leaf)
    assert isinstance(made.network.body, TransformerBody) and states.shape == (1, 1, 3, 64)
    (gradient,) = torch.autograd.grad((states[0, 0, 0] * torch.randn(64)).sum(), leaf)
    of_arms, of_phases = (part(gradient)[0, 0].abs().amax(-1) for part in (arms, phases))
    there = torch.arange(AT.entity_count) < ARMS
    there[1] = False
    assert (of_arms[0][there] > 0).all() and (of_arms[0][~there] == 0).all()
    there = torch.arange(AT.count) < PHASES
    there[2] = False
    assert (of_phases[0][there] > 0).all() and (of_phases[0][~there] == 0).all()
    assert (gradient[0, 0, 0, max(AT.stop, ARMS_AT.stop) :] != 0).any(), "the agent's own numbers"
    assert (gradient[0, 0, 1:] == 0).all(), "what others see is for them to tell"


def test_what_does_not_exist_changes_nothing_and_what_exists_does():
    made = model()
    given = with_gaps(made)
    before = seen(made, given)
    for part, gone, there in ((arms, 1, 0), (phases, 2, 0)):
        for row, same in ((gone, True), (there, False)):
            other = given.observations.clone()
            part(other)[:, :, 0, row, 3:] += 1.0
            assert torch.equal(seen(made, given, other)[:, :, 0], before[:, :, 0]) == same


def test_where_it_looks_matters():
    """With neither queries nor keys everything that exists is looked at alike."""
    made = model()
    given = with_gaps(made)
    before = seen(made, given)
    with torch.no_grad():
        for layer in made.network.body.layers:
            layer.project.weight.unflatten(0, (layer.heads, 3, -1))[:, :2] = 0.0
            layer.project.bias.unflatten(0, (layer.heads, 3, -1))[:, :2] = 0.0
    assert (seen(made, given) - before).abs().max() > 0.1


def test_the_last_layer_says_of_the_first_token_what_it_would_say_of_all():
    layer, tokens, exists = TokenLayer(8, 2, inner=4), torch.randn(2, 3, 5, 8), torch.ones(2, 3, 5)
    exists[..., 3] = 0.0
    torch.testing.assert_close(layer(tokens, exists, asking=1), layer(tokens, exists)[..., :1, :])


def test_the_order_of_phases_does_not_matter():
    made = model()
    given = with_gaps(made)
    order = torch.cat([torch.randperm(PHASES), torch.arange(PHASES, AT.count)])
    turned = given.observations.clone()
    turned[..., AT.start : AT.stop] = phases(given.observations)[..., order, :].flatten(-2)
    torch.testing.assert_close(seen(made, given, turned), seen(made, given), atol=1e-5, rtol=1e-5)


def test_the_order_of_arms_is_told_by_their_names_alone():
    """Sub-goals name arms by their places. With names that move along, arms in another order make no difference."""
    made = model()
    given, tokens = with_gaps(made), made.network.body.tokens
    order = torch.randperm(AT.entity_count)
    served = slice(AT.option_entities, AT.option_entities + AT.entity_count)
    turned = given.observations.clone()
    turned[..., ARMS_AT] = arms(given.observations)[..., order, :].flatten(-2)
    phases(turned)[..., served] = phases(given.observations)[..., served][..., order]
    before = seen(made, given)
    assert (seen(made, given, turned) - before).abs().max() > 1e-2
    with torch.no_grad():
        tokens.places.copy_(tokens.places[order])
        tokens.option.weight[:, served] = tokens.option.weight[:, served][:, order]
    torch.testing.assert_close(seen(made, given, turned), before, atol=1e-5, rtol=1e-5)


def test_it_learns_which_of_its_arms_is_fullest():
    """A question that needs places and a comparison of all arms, and whose answer the state must hold."""
    torch.manual_seed(0)
    silent = {"communication": "none", "feedback": False, "hidden": (32,), "body_layers": 1}
    made = TeamModel(traffic_spec("remalis", {**SMALL, **silent}))
    network = made.network
    answer = torch.nn.Linear(32, ARMS)
    optimizer = torch.optim.Adam([*network.body.parameters(), *answer.parameters()], 3e-3)

    def asked(seed):
        given = team_inputs(made, 4, batch=64, seed=seed)
        thought = Thought(network.options, given)
        network.observe_states(thought)
        return answer(thought.seen).flatten(0, -2), arms(given.observations)[..., :ARMS, 1].argmax(-1).flatten()

    for step in range(150):
        loss = torch.nn.functional.cross_entropy(*asked(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits, true = asked(10_000)
    assert (logits.argmax(-1) == true).float().mean() > 0.85


@pytest.mark.parametrize("size", [5, PIECE, 2 * PIECE + 3])
def test_without_a_layout_it_attends_to_pieces_of_the_vector(size):
    torch.manual_seed(0)
    made = TeamModel(ModelSpec("remalis", size, 3, 4, dict(SMALL)))
    given = team_inputs(made, 4)
    leaf = given.observations.clone().requires_grad_()
    states = seen(made, given, leaf)
    (gradient,) = torch.autograd.grad((states[0, 0, 0] * torch.randn(64)).sum(), leaf)
    assert (gradient[0, 0, 0] != 0).all() and (gradient[0, 0, 1:] == 0).all()
    assert len(made.network.body.tokens.pieces) == -(-size // PIECE)


def test_what_neighbours_did_is_told_by_the_bodys_states():
    """Equation 6 is of what the body made of it: its width is that of the state."""
    made = model()
    given = with_gaps(made)
    assert made.network.feedback.encode.weight.shape[-1] == 64
    before = made(given).extras["thought"].patterns
    with torch.no_grad():
        made.network.body.norm.bias.add_(1.0)
    assert not torch.allclose(made(given).extras["thought"].patterns, before)


def test_a_sequence_at_once_is_what_was_acted_step_by_step_and_what_was_drawn_is_replayed():
    made = model(gate_budget=0.5)
    given = team_inputs(made, 4, batch=2, steps=5)
    outputs, state = [], given.state
    with torch.no_grad():
        for step in range(5):
            one = {name: getattr(given, name)[:, step : step + 1] for name in given._fields[:4]}
            outputs.append(made.act(given._replace(**one, state=state)))
            state = outputs[-1].state
        drawn = {name: torch.cat([output.drawn[name] for output in outputs], 1) for name in outputs[0].drawn}
        whole = made(given._replace(drawn=drawn))
    for name in ("logits", "log_probs"):
        acted = torch.cat([getattr(output, name) for output in outputs], 1)
        torch.testing.assert_close(getattr(whole, name), acted, atol=1e-5, rtol=1e-5)
    for name, value in whole.state.items():
        torch.testing.assert_close(value, state[name], atol=1e-5, rtol=1e-5)


def test_each_type_may_have_a_body_of_its_own():
    """What an agent of one type learns moves no weights of another's layers."""
    made = model(sharing="by_type")
    given = team_inputs(made, 2)
    states = seen(made, given)
    states.sum().backward()
    own = min(ARMS, AT.type_count - 1)
    for layer in made.network.body.layers:
        moved = [part.weight.grad is not None and bool((part.weight.grad != 0).any()) for part in layer.project.parts]
        assert moved == [kind == own for kind in range(AT.type_count)]


RING_LAYOUT = {"start": 0, "count": 3, "features": 1, "entity_start": 3, "entity_count": 1, "entity_features": 1}


@pytest.mark.parametrize(
    ("env", "make", "layout"),
    [
        pytest.param("remalis/PartnersTeam-v0", lambda: TeamEnv(partners_v0()), None, id="pieces"),
        pytest.param(RING, ring_team, RING_LAYOUT, id="layout"),
    ],
)
def test_it_is_trained_by_ppo_and_what_it_learns_from_is_what_acted(env, make, layout):
    torch.manual_seed(3)
    config = config_for(env, make(), "remalis")
    given = {"network": "remalis", "options": SMALL, "max_seq_len": 4, "layout": layout, "subgoals": 3, "concepts": 3}
    loop = Loop(config.rl_module(model_config=given))
    before = {name: weights.clone() for name, weights in loop.module.network.body.named_parameters()}
    for _ in range(2):  # the second batch begins in mid-episode
        episodes = loop.runner.sample(num_timesteps=46)
        batch = loop.batch(episodes)
        with torch.no_grad():
            out = loop.module.forward_train(batch)
        valid = batch[Columns.LOSS_MASK].bool()
        new = TeamCategorical(out[Columns.ACTION_DIST_INPUTS]).logp(batch[Columns.ACTIONS]) + out[DRAWN_LOGP]
        torch.testing.assert_close(new[valid], batch[Columns.ACTION_LOGP][valid], atol=1e-5, rtol=0)
        figures = loop.update(episodes)
        loop.runner.module.set_state(loop.module.get_state(inference_only=True))
        assert all(np.isfinite(value) for name, value in figures.items() if not name.startswith("num_"))
    after = dict(loop.module.network.body.named_parameters())
    assert [name for name, weights in before.items() if torch.equal(weights, after[name])] == []


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"body": "transfomer"}, UnknownNameError, "Did you mean 'transformer'"),
        ({"body_heads": 5}, RemalisError, "64 is none of body_heads, 5"),
        ({"body_layers": 0}, RemalisError, "body_layers is 0"),
    ],
)
def test_bodies_that_cannot_be_are_refused_in_a_sentence(options, error, said):
    with pytest.raises(error, match=said):
        model(**options)
