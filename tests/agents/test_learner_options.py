"""Each option of the team learner does what it says, seen in real updates."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest
import torch
from loops import RING, Loop, config_for
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from role_toys import LAYOUT, roles_team
from torch import nn
from toys import ring_team

from remalis_agents.configs import parse_experiment
from remalis_agents.configs.schema import ConfigError
from remalis_agents.rllib.gae import AGENT_PAID, AGENT_REWARDS, AGENT_WEIGHTS
from remalis_agents.rllib.guards import FIRST, LossError
from remalis_agents.rllib.learner import SKIPPED
from remalis_agents.rllib.payment import paid
from remalis_agents.train import build_config
from remalis_envs.errors import UnknownNameError

ROLES = "role_toys:remalis-test/RolesTeam-v0"


def ring_loop(network="ippo", **training):
    return Loop(config_for(RING, ring_team(), network=network, **training))


def roles_loop(like=None, sharing="none", **training):
    """A loop over the ring of two types, by default with weights of its own for each agent."""
    config = config_for(ROLES, roles_team(), **training)
    config.rl_module(model_config={"network": "ippo", "layout": LAYOUT.to_dict(), "sharing": sharing})
    return begin(Loop(config), like)


def begin(loop, like):
    """Gives a loop the weights of another."""
    if like is not None:
        loop.module.set_state(like.module.get_state())
        loop.runner.module.set_state(loop.module.get_state(inference_only=True))
    return loop


def weights(loop):
    return {name: value.clone() for name, value in loop.module.state_dict().items()}


def steps_taken(loop):
    (optimizer,) = loop.learner._named_optimizers.values()
    return {int(state["step"]) for state in optimizer.state.values()}


def scaled(episodes, rows, factor):
    """The same episodes, in which some agents were paid more."""
    episodes = copy.deepcopy(episodes)
    for episode in episodes:
        for info in episode.infos.data:
            info[AGENT_REWARDS][rows] *= factor
    return episodes


# --- advantage_normalisation


@pytest.mark.parametrize(
    ("how", "touched"),
    [("global", {0, 1, 2, 3}), ("per_role", {0, 2}), ("per_agent", {0}), ("none", {0})],
)
def test_whose_updates_one_agents_larger_rewards_change(how, touched):
    """Agent 0, of the type of agent 2, is paid a hundred times as much. Each agent has weights of its own."""
    training = {"advantage_normalisation": how, "normalise_values": False, "grad_clip": None, "lr": 1e-2}
    first = roles_loop(**training)
    second = roles_loop(like=first, **training)
    episodes = first.runner.sample(num_timesteps=60)
    for loop, given in ((first, episodes), (second, scaled(episodes, 0, 100.0))):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002 - RLlib shuffles with it
        loop.update(given, epochs=2)
    before, after = weights(first), weights(second)
    agents = {name: re.search(r"\.parts\.(\d+)\.", name) for name in before}
    changed = {int(m[1]) for name, m in agents.items() if m and not torch.equal(before[name], after[name])}
    assert changed == touched


@pytest.mark.parametrize("how", ["per_role", "per_agent", "none"])
def test_advantages_have_the_scale_that_was_asked_for(how):
    loop = roles_loop(advantage_normalisation=how)
    batch = loop.batch(scaled(loop.runner.sample(num_timesteps=200), [0, 2], 10.0))
    advantages, weight = batch[Postprocessing.ADVANTAGES].numpy(), batch[AGENT_WEIGHTS].numpy() > 0
    groups = {"per_role": [[0, 2], [1, 3]], "per_agent": [[0], [1], [2], [3]], "none": [[0, 2], [1, 3]]}[how]
    found = [advantages[:, rows][weight[:, rows]] for rows in groups]
    if how == "none":
        assert found[0].std() > 4 * found[1].std() > 0
    else:
        assert [float(a.mean()) for a in found] == pytest.approx([0.0] * len(found), abs=1e-4)
        assert [float(a.std()) for a in found] == pytest.approx([1.0] * len(found), abs=1e-3)


# --- normalise_values


def test_values_are_learnt_in_units_of_the_returns_or_not():
    plain, popart = ring_loop(normalise_values=False), ring_loop(normalise_values=True)
    episodes = plain.runner.sample(num_timesteps=60)
    for loop in (plain, popart):
        targets = loop.batch(episodes)[Postprocessing.VALUE_TARGETS]
        assert targets.mean() > 0.5
    assert (plain.module.returns.mean, plain.module.returns.std) == (0.0, 1.0)
    assert popart.module.returns.mean > 0.5
    batch = popart.batch(scaled(episodes, [0, 1, 2, 3], 50.0))
    before = popart.module.compute_values(batch)
    popart.batch(scaled(episodes, [0, 1, 2, 3], 100.0))
    assert popart.module.returns.mean > 5
    torch.testing.assert_close(popart.module.compute_values(batch), before, rtol=1e-4, atol=1e-4)


# --- schedules and warm-up


def test_warm_up_scales_the_learning_rate_and_nothing_else():
    training = {"lr": 1e-3, "grad_clip": None, "entropy_coeff": [[0, 0.1], [100, 0.0]], "normalise_values": False}
    full = ring_loop(**training)
    half = begin(ring_loop(**training, warmup_env_steps=100), full)
    episodes, start = full.runner.sample(num_timesteps=40), weights(full)
    results = [loop.update(episodes, env_steps=50, minibatch_size=None) for loop in (full, half)]
    for name, value in full.module.named_parameters():
        # Adam's first step is the learning rate, whatever the gradient.
        moved, half_moved = value - start[name], half.module.state_dict()[name] - start[name]
        torch.testing.assert_close(half_moved, moved / 2, rtol=1e-3, atol=1e-7)
    assert results[0].pop("default_optimizer_learning_rate") == pytest.approx(1e-3)
    assert results[1].pop("default_optimizer_learning_rate") == pytest.approx(5e-4)
    assert results[0]["curr_entropy_coeff"] == pytest.approx(0.05)
    assert results[0] == pytest.approx(results[1], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("env_steps", "lr"), [(0, 0.0), (25, 0.25 * 7.5e-3), (50, 0.5 * 5e-3), (100, 0.0), (200, 0.0)])
def test_warm_up_goes_with_a_schedule(env_steps, lr):
    loop = ring_loop(lr=[[0, 1e-2], [100, 0.0]], warmup_env_steps=100)
    found = loop.update(loop.runner.sample(num_timesteps=20), env_steps=env_steps)
    assert found["default_optimizer_learning_rate"] == pytest.approx(lr)


def test_the_critic_warms_up_alone_and_then_all_begin_anew():
    training = {"lr": 1e-3, "grad_clip": None}
    plain, loop = ring_loop(**training), ring_loop(**training, critic_warmup_env_steps=100)
    begin(loop, plain)
    episodes, start = plain.runner.sample(num_timesteps=40), weights(plain)
    for env_steps in (40, 80):
        loop.update(episodes, env_steps=env_steps)
    critic = {name for name in start if ".value." in name}
    moved = {name for name, value in weights(loop).items() if not torch.equal(value, start[name])}
    scales = {name for name in start if ".scale." in name or name.startswith("returns.")}
    assert critic and critic <= moved <= critic | scales

    # From then on everything learns, and the first step is as long as Adam's first step is, also after a resume.
    again = ring_loop(**training, critic_warmup_env_steps=100)
    again.learner.set_state(loop.learner.get_state())
    again.runner.module.set_state(again.module.get_state(inference_only=True))
    for one in (loop, again):
        before = weights(one)
        one.update(episodes, env_steps=120, minibatch_size=None)
        assert steps_taken(one) == {1}
        lengths = [(one.module.state_dict()[name] - before[name]).abs().max() for name in start if ".encoder." in name]
        assert lengths and max(lengths) == pytest.approx(1e-3, rel=1e-3)


def test_a_learner_that_resumes_goes_on_in_its_schedules():
    """RLlib itself would use the values of step 0 for one update."""
    schedule = {"lr": [[0, 1e-2], [100, 0.0]], "entropy_coeff": [[0, 1.0], [100, 0.0]]}
    first = ring_loop(**schedule)
    episodes = first.runner.sample(num_timesteps=40)
    first.update(episodes, env_steps=50)
    second = ring_loop(**schedule)
    second.learner.set_state(first.learner.get_state())
    for loop in (first, second):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002 - RLlib shuffles with it
        loop.update(episodes, env_steps=75)
    other = weights(second)
    assert all(torch.equal(value, other[name]) for name, value in weights(first).items())


# --- kl_stop


def test_an_update_stops_when_the_policy_has_gone_too_far():
    training = {"lr": 3e-2, "grad_clip": None}
    plain = ring_loop(**training)
    episodes = plain.runner.sample(num_timesteps=60)
    strict = begin(ring_loop(**training, kl_stop=1e-5), plain)
    lax = begin(ring_loop(**training, kl_stop=1e9), plain)
    results = []
    for loop in (plain, strict, lax):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002 - RLlib shuffles with it
        results.append(loop.update(episodes, epochs=3))
    (whole,) = steps_taken(plain)
    assert whole > 4
    assert SKIPPED not in results[0]
    # The first minibatch moved the policy, the second one found it moved.
    assert steps_taken(strict) == {2}
    assert results[1][SKIPPED] == whole - 2
    assert results[1]["mean_kl"] > 1e-5
    assert steps_taken(lax) == {whole}
    assert results[2][SKIPPED] == 0
    assert all(torch.equal(value, weights(lax)[name]) for name, value in weights(plain).items())


def test_each_update_starts_afresh():
    loop = ring_loop(lr=3e-2, kl_stop=1e-5)
    for taken in (2, 4):
        loop.runner.module.set_state(loop.module.get_state(inference_only=True))
        loop.update(loop.runner.sample(num_timesteps=60), epochs=3)
        assert steps_taken(loop) == {taken}


# --- reward_scope


def test_what_an_agent_is_paid():
    """A path 0-1-2, and agent 3 alone; agent 2 is not alive."""
    adjacency = np.zeros((4, 4), np.int8)
    adjacency[[0, 1, 1, 2], [1, 0, 2, 1]] = 1
    rewards, alive = np.float32([1.0, 3.0, 100.0, 8.0]), np.float32([1, 1, 0, 1])
    assert paid(rewards, alive, adjacency, "individual").tolist() == rewards.tolist()
    assert paid(rewards, alive, adjacency, "neighbourhood").tolist() == [2.0, 2.0, 3.0, 8.0]
    assert paid(rewards, alive, adjacency, "team").tolist() == [4.0] * 4
    assert paid(rewards, np.zeros(4), adjacency, "team").tolist() == [0.0] * 4


@pytest.mark.parametrize("scope", ["individual", "neighbourhood", "team"])
def test_what_agents_learn_from(scope):
    """Without a future, the target of a value is what the agent was paid."""
    loop = ring_loop(gamma=0.0, reward_scope=scope)
    batch = loop.batch(scaled(loop.runner.sample(num_timesteps=60), 0, 7.0))
    valid = batch[Columns.LOSS_MASK].bool()
    raw, targets = batch[AGENT_REWARDS][valid], batch[Postprocessing.VALUE_TARGETS][valid]
    assert raw[:, 0].max() == 7
    around = (raw + raw.roll(1, 1) + raw.roll(-1, 1)) / 3
    expected = {"individual": raw, "neighbourhood": around, "team": raw.mean(1, keepdim=True).expand_as(raw)}[scope]
    torch.testing.assert_close(targets, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(batch[AGENT_PAID][valid], expected, atol=1e-5, rtol=0)


# --- gradients


def test_norms_of_gradients_are_those_of_each_roles_outputs():
    loop = roles_loop(sharing="full")
    episodes = loop.runner.sample(num_timesteps=40)
    outputs = {}

    def keep(module, arguments, output):
        outputs.update(logits=output.logits, values=output.values)
        output.logits.retain_grad()
        output.values.retain_grad()

    loop.module.model.register_forward_hook(keep)
    found = loop.update(episodes, minibatch_size=None)
    for role in (0, 1):
        # Masks leave the gradient of legal actions as it is, and all are legal here.
        squares = sum(outputs[name].grad[:, role::2].square().sum() for name in outputs)
        assert found[f"grad_norm_role_{role}"] == pytest.approx(squares.sqrt().item(), rel=1e-5)
    assert found["grad_norm_role_0"] != found["grad_norm_role_1"]


def test_a_spike_is_counted_in_the_role_it_came_from():
    loop = roles_loop(sharing="full", lr=1e-12, advantage_normalisation="none", normalise_values=False)
    episodes = loop.runner.sample(num_timesteps=40)
    calm = [loop.update(episodes, minibatch_size=None) for _ in range(FIRST)]
    assert all(result[f"grad_spikes_role_{role}"] == 0 for result in calm for role in (0, 1))
    jump = loop.update(scaled(episodes, [1, 3], 1000.0), minibatch_size=None)
    assert (jump["grad_spikes_role_0"], jump["grad_spikes_role_1"]) == (0, 1)


# --- mixed_precision


@pytest.mark.parametrize("network", ["ippo", "recurrent"])
def test_mixed_precision_is_for_the_forward_pass_alone(network):
    """On a CPU, where the same context exists; RLlib's own learner puts it on a GPU."""
    plain = ring_loop(network)
    batch = plain.batch(plain.runner.sample(num_timesteps=40))
    mixed = begin(ring_loop(network, mixed_precision=True), plain)
    kinds = []
    linear = next(part for part in mixed.module.modules() if isinstance(part, nn.Linear))
    linear.register_forward_hook(lambda module, arguments, output: kinds.append(output.dtype))
    mixed.module.compute_values(batch)
    assert torch.bfloat16 not in kinds, "values that advantages are made from are exact"
    losses, logits = [], []
    for loop in (plain, mixed):
        out = loop.module.forward_train(batch)
        logits.append(out[Columns.ACTION_DIST_INPUTS])
        loss = loop.learner.compute_loss_for_module(
            module_id="default_policy", config=loop.config, batch=batch, fwd_out=out
        )
        loop.learner.compute_gradients({"default_policy": loss})
        losses.append(loss)
    assert kinds[-1] == torch.bfloat16
    assert {value.dtype for value in (*losses, *logits)} == {torch.float32}
    assert {p.dtype for p in mixed.module.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in mixed.module.parameters()} == {torch.float32}
    assert not torch.equal(*logits)
    assert losses[1].item() == pytest.approx(losses[0].item(), abs=0.02)


EXPERIMENT = {"env": RING, "stop": {"training_iteration": 1}}


def built(*changes, ray_address=None):
    return build_config(parse_experiment({"ring": EXPERIMENT}, changes)[1], ray_address)


def test_mixed_precision_on_a_cpu_is_refused():
    with pytest.raises(ConfigError, match=r"training\.mixed_precision is for GPUs"):
        built("training.mixed_precision=true")


# --- what a file may say


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ("training.advantage_normalisation=per_rol", UnknownNameError, "Did you mean 'per_role'"),
        ("training.reward_scope=neighborhood", UnknownNameError, "Did you mean 'neighbourhood'"),
        ("training.kl_stop=-1", ConfigError, "kl_stop must be above 0, but it is -1"),
        ("training.warmup_env_steps=-5", ConfigError, "but it is -5"),
        ("training.critic_warmup_env_steps=-5", ConfigError, "but it is -5"),
    ],
)
def test_a_wrong_choice_is_one_sentence(change, error, says):
    with pytest.raises(error, match=says) as caught:
        built(change)
    assert "\n" not in str(caught.value)


def test_a_file_sets_the_options():
    changes = ["advantage_normalisation=per_agent", "warmup_env_steps=7", "kl_stop=0.02", "reward_scope=team"]
    config = built(*(f"training.{change}" for change in changes), "training.normalise_values=false")
    assert (config.advantage_normalisation, config.warmup_env_steps, config.kl_stop) == ("per_agent", 7, 0.02)
    assert (config.reward_scope, config.normalise_values, config.mixed_precision) == ("team", False, False)


def test_a_gpu_that_is_not_there_is_a_sentence():
    wanted = torch.cuda.device_count() + 1
    with pytest.raises(ConfigError, match=f"asks for {wanted} GPUs, but there are {wanted - 1}") as caught:
        built(f"learners.num_gpus_per_learner={wanted}")
    assert "\n" not in str(caught.value)
    on_cluster = built(f"learners.num_gpus_per_learner={wanted}", ray_address="10.0.0.1:6379")
    assert on_cluster.num_gpus_per_learner == wanted, "a cluster may have them"


# --- losses that are no numbers


def test_a_loss_that_is_no_number_stops_training_and_keeps_the_batch():
    loop = ring_loop("odd_networks:breaking")
    episodes = loop.runner.sample(num_timesteps=100)
    with pytest.raises(LossError, match=r"not a finite number: riddle\. The batch") as caught:
        loop.update(episodes, epochs=3)
    assert steps_taken(loop) == {2}
    path = re.search(r"are in (\S+\.pt);", str(caught.value))[1]
    kept = torch.load(path, weights_only=True)
    assert kept["terms"] == ["riddle"]
    assert kept["batch"]["obs"]["obs"].shape[1:] == (4, 4)
    assert {AGENT_WEIGHTS, Columns.ACTION_LOGP, Postprocessing.ADVANTAGES} <= set(kept["batch"])
    assert all(torch.equal(value, kept["weights"][name]) for name, value in weights(loop).items())


def test_the_terms_are_named_and_the_folder_is_used(tmp_path):
    config = config_for(RING, ring_team())
    config.failures_in = str(tmp_path / "run")
    loop = Loop(config)
    with pytest.raises(LossError, match="not a finite number: policy and value"):
        loop.update(scaled(loop.runner.sample(num_timesteps=40), 0, float("nan")))
    (kept,) = (tmp_path / "run").iterdir()
    assert not torch.load(kept, weights_only=True)["batch"][AGENT_REWARDS].isfinite().all()


# --- frozen weights


def test_frozen_weights_are_neither_sent_nor_saved(tmp_path):
    loop = ring_loop("odd_networks:frozen", lr=1e-2)
    (frozen,) = (name for name, value in loop.module.named_parameters() if not value.requires_grad)
    backbone = loop.module.state_dict()[frozen].clone()
    loop.update(loop.runner.sample(num_timesteps=40))
    assert frozen not in loop.module.get_state()
    assert frozen not in loop.module.get_state(inference_only=True)
    loop.learner.save_to_path(tmp_path / "checkpoint")
    stored = sum(file.stat().st_size for file in (tmp_path / "checkpoint").rglob("*") if file.is_file())
    assert stored < backbone.numel() < 4 * backbone.numel(), "in bytes, not even a quarter of the frozen layer"
    again = ring_loop("odd_networks:frozen", lr=1e-2)
    again.learner.restore_from_path(tmp_path / "checkpoint")
    restored = weights(again)
    assert all(torch.equal(value, restored[name]) for name, value in weights(loop).items())
    assert torch.equal(restored[frozen], backbone)
