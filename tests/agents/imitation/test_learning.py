"""Learning from demonstrations: what is held out is done right, and nothing of it was learnt from."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from demonstrations import Oracle, recorded

from remalis_agents.imitation.learning import Imitator
from remalis_agents.imitation.read import read
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.scale import RunningScale

SMALL = {"goal": 8, "message": 8, "channel": 8, "summary": 8, "coordination": 8, "grounding": 8, "planning": 8}
NETWORKS = {
    "ippo": ("ippo", {}),
    "recurrent": ("ippo", {"recurrent": 16}),
    "remalis": ("remalis", {**SMALL, "hidden": [16]}),
}


def model_of(kind, **spec):
    torch.manual_seed(0)
    name, options = NETWORKS[kind]
    return TeamModel(ModelSpec(name, 4, 3, 4, options, subgoals=3, concepts=1, **spec))


def imitator(model, data, **changes):
    made = Imitator(model, data, **{"length": 4, "batch_size": 4, "lr": 0.01, **changes})
    made.fit_scales()
    return made


@pytest.mark.parametrize("kind", NETWORKS)
def test_held_out_demonstrations_are_imitated(ring_file, kind):
    made = imitator(model_of(kind), read(ring_file))
    before = made.judge()["test"]
    for _ in range(15):
        made.epoch()
    after = made.judge()["test"]
    assert before["imitation_loss"] > 0.9 and before["decisions"] == after["decisions"] > 60
    assert after["imitation_loss"] < 0.2 * before["imitation_loss"]
    assert after["action_accuracy"] > 0.97 > before["action_accuracy"]


def test_what_needs_a_memory_is_learnt_across_sequences(tmp_path):
    """The demonstrator says what it saw a step before: without carried states each sequence's first step is a guess."""
    data = read(recorded(tmp_path / "d.parquet", episodes=30, player=Oracle(delay=1)))
    found = {}
    for kind in ("ippo", "recurrent"):
        made = imitator(model_of(kind), data, length=2)
        for _ in range(40):
            made.epoch()
        found[kind] = made.judge()["test"]["action_accuracy"]
    assert found["ippo"] < 0.6
    assert found["recurrent"] > 0.95


@pytest.mark.parametrize("kind", ["recurrent", "remalis"])
def test_sequences_begin_as_if_the_network_had_played_the_episode_so_far(ring_file, kind):
    model, data = model_of(kind), read(ring_file)
    made = imitator(model, data)
    made.judge()
    state = {n: v.unsqueeze(0) for n, v in model.initial_state(4).items()}
    third = int(((made.windows.episode == 3) & (made.windows.number == 2)).nonzero())
    with torch.no_grad():
        for step in range(30, 38):
            team, _ = data.of(torch.tensor([[step]]), torch.ones(1, 1), state)
            state = model(team._replace(sample=False)).state
    assert made._states.keys() == state.keys()
    for name, value in state.items():
        torch.testing.assert_close(made._states[name][third], value[0], atol=1e-5, rtol=1e-5)


def test_sequences_are_learnt_with_what_was_drawn_when_they_were_played(ring_file, monkeypatch):
    """As in PPO: a pass over a sequence gives the logits of the steps that were played, draws and all."""
    model, data = model_of("remalis"), read(ring_file)
    made, played = imitator(model, data), {}
    act = model.act

    def noted(team):
        output = act(team)
        played.setdefault(len(played), (team.observations[:, 0], output.logits[:, 0]))
        return output

    monkeypatch.setattr(model, "act", noted)
    made._play_through(draws=True)
    assert 0.2 < float(made._drawn["replan"].mean()) < 0.9 and float(made._drawn["noise"].std()) > 0.5
    episode, number = 7, 1
    window = ((made.windows.episode == episode) & (made.windows.number == number)).nonzero()[0]
    team, _ = made._inputs(window, 0)
    with torch.no_grad():
        logits = model(team).logits[0]
    for t in range(4):
        seen, then = played[number * 4 + t]
        assert torch.equal(seen[episode], team.observations[0, t])
        torch.testing.assert_close(then[episode], logits[t], atol=1e-5, rtol=1e-5)


def test_steps_are_learnt_from_once_an_epoch_beside_those_with_as_many_options(ring_file):
    data = read(ring_file)
    mask = data.columns["action_mask"]
    few = torch.arange(len(data)) % 2 == 0
    mask[few, :, 2:] = 0
    mask[~few, :, 2:] = 1
    made = imitator(model_of("ippo"), data, batch_size=2)
    batches = list(made._minibatches())
    assert sorted(torch.cat(batches).tolist()) == sorted(made.learnt_from.tolist())
    mixed = [batch for batch in batches if len({bool(few[step]) for step in made.windows.rows[batch, 0]}) > 1]
    assert len(mixed) <= 1 + len(batches) // 32 < len(batches) // 2
    assert [batch.tolist() for batch in batches] != [batch.tolist() for batch in made._minibatches()], "mixed anew"


@pytest.mark.parametrize("epochs", [0, 4])
def test_the_learning_rate_stays_or_falls_to_nothing(ring_file, epochs):
    made, rates = imitator(model_of("ippo"), read(ring_file), warmup_epochs=1, decay_epochs=epochs), []
    for _ in range(4):
        made.epoch()
        rates.append(made.optimizer.param_groups[0]["lr"] / 0.01)
    assert rates == pytest.approx([0.854, 0.5, 0.146, 0.0] if epochs else [1.0] * 4, abs=1e-3)


def test_the_learning_rate_falls_over_all_recordings(ring_file):
    rates = []
    for begun in (0, 2):
        made = imitator(model_of("ippo"), read(ring_file), warmup_epochs=0, decay_epochs=4, begun_epochs=begun)
        for _ in range(2):
            made.epoch()
            rates.append(made.optimizer.param_groups[0]["lr"] / 0.01)
    assert rates == pytest.approx([0.854, 0.5, 0.146, 0.0], abs=1e-3), "as over one recording of four epochs"


def test_nothing_held_out_is_learnt_from(ring_file):
    """With other actions in the held-out parts, the same weights come out."""
    data = read(ring_file)
    weights = []
    for wrong in (False, True):
        columns = {name: column.clone() for name, column in data.columns.items()}
        if wrong:
            for name in ("action", "subgoal"):
                columns[name][data.split != 0] = 0
        made = imitator(model_of("remalis"), dataclasses.replace(data, columns=columns))
        torch.manual_seed(1)
        made.epoch()
        weights.append(made.weights())
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_the_loss_is_the_mean_likelihood_over_who_acted(ring_file):
    data, model = read(ring_file), model_of("ippo")
    found = imitator(model, data).judge()["test"]
    rows = (data.split == 2).nonzero().squeeze(1)
    team, _ = data.of(rows, torch.ones(len(rows)))
    likelihood = model(team).logits.log_softmax(-1).gather(-1, data.columns["action"][rows].unsqueeze(-1)).squeeze(-1)
    acted = data.columns["online"][rows] > 0
    assert math.isclose(found["imitation_loss"], -likelihood[acted].mean().item(), rel_tol=1e-4)
    assert found["decisions"] == int(acted.sum()) < acted.numel()


def test_scales_are_fitted_on_the_training_part_and_stand_still_afterwards(tmp_path):
    data = read(recorded(tmp_path / "d.parquet", agents=3, horizon=40))
    data.columns["obs"][data.split != 0] += 100.0
    model = model_of("ippo")
    imitator(model, data)
    (scale,) = (part for part in model.modules() if isinstance(part, RunningScale))
    own = data.columns["obs"][data.split == 0].flatten(0, 1)
    torch.testing.assert_close(scale.mean, own.mean(0), rtol=0.05, atol=0.02)
    before = scale.mean.clone()
    model.network.observe(torch.full((50, 3, 4), 9.0), torch.ones(50, 3))  # as PPO does
    assert torch.equal(scale.mean, before)


def test_confusions_are_counted_once_a_step(ring_file):
    model, data = model_of("remalis"), read(ring_file)
    made = imitator(model, data)
    made.epoch()
    once = model.network.confusion.matrix.clone()
    made.epoch()
    assert torch.equal(model.network.confusion.matrix, once)
    assert once.sum() > 0


def test_what_only_a_reward_pays_for_is_not_made_rarer(ring_file):
    model, data = model_of("remalis"), read(ring_file)
    before = {n: p.clone() for n, p in model.named_parameters() if ".trigger." in n}
    made = imitator(model, data)
    learnt = made.epoch()
    assert before and "replanning_loss" not in learnt and {"subgoal_loss", "belief_loss"} <= learnt.keys()
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters() if n in before)


def test_the_networks_own_losses_are_learnt_beside_it(ring_file):
    """Where what comes next can be known, plans and beliefs come to know it (equations 1 and 5)."""
    data = read(ring_file)
    data.columns["subgoal"].copy_(data.columns["action"])  # in the toy itself it is drawn after the step
    made = imitator(model_of("remalis"), data)
    before = made.judge()["test"]["belief_accuracy"]
    losses = [made.epoch() for _ in range(25)]
    assert losses[-1]["subgoal_loss"] < 0.3 * losses[0]["subgoal_loss"]
    assert losses[-1]["belief_loss"] < 0.7 * losses[0]["belief_loss"]
    assert made.judge()["test"]["belief_accuracy"] > max(0.7, before)
