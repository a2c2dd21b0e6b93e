"""The trainer on real SUMO: several simulations in one runner, the phases' layout, evaluation on other maps."""

from __future__ import annotations

import pytest

from remalis_agents.configs import load_experiment
from remalis_agents.evaluate import evaluate, load_policy
from remalis_agents.networks.remalis.body import TransformerBody
from remalis_agents.train import train
from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES

pytestmark = pytest.mark.ray

SHORT = [
    "environment.env_config.horizon_s=100",
    "env_runners.num_env_runners=0",
    "env_runners.num_envs_per_env_runner=2",
    "training.train_batch_size_per_learner=48",
    "training.minibatch_size=24",
    "training.num_epochs=1",
    "stop.training_iteration=2",
]


@pytest.fixture(scope="module")
def trained(ray_session, tmp_path_factory):
    """Two environments in one process: the second simulation moves to a worker of its own."""
    name, experiment = load_experiment("traffic_easy_ippo", SHORT)
    return train(name, experiment, storage=tmp_path_factory.mktemp("runs"), callbacks=[])


def test_two_simulations_in_one_runner(trained):
    metrics = trained.metrics["env_runners"]
    assert metrics["num_env_steps_sampled_lifetime"] == 96
    assert metrics["metrics"]["mean_delay_s"] > 0
    assert metrics["infra_errors"] == 0


def test_phases_are_scored_one_by_one(trained):
    layout = load_policy(trained.checkpoint).network.reader.layout
    assert layout is not None
    assert (layout.count, layout.exists) == (MAX_PHASES, 0)


def test_a_policy_of_easy_runs_on_medium(trained):
    result = evaluate(trained.checkpoint, env_config={"level": "medium"}, episodes=1)
    assert result.env_config == {"level": "medium", "reward": "delay", "horizon_s": 100, "split": "test"}
    assert result.episodes[0]["mean_delay_s"] > 0


def test_the_papers_agent_trains_with_a_small_transformer_as_its_body(ray_session, tmp_path):
    options = [f"rl_module.options.{text}" for text in ("body=transformer", "body_layers=2", "body_heads=4")]
    name, experiment = load_experiment("traffic_easy_remalis", [*SHORT, *options, "rl_module.max_seq_len=4"])
    run = train(name, experiment, storage=tmp_path, callbacks=[])
    network = load_policy(run.checkpoint).network
    assert isinstance(network.body, TransformerBody) and len(network.body.layers) == 2
    assert network.body.tokens.places.shape == (MAX_ARMS, 64)
    result = evaluate(run.checkpoint, env_config={"horizon_s": 60}, episodes=1)
    assert result.episodes[0]["mean_delay_s"] > 0
