"""Every method from its shipped experiment: trains, evaluates, exports, reloads, and resumes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from remalis_agents import Team
from remalis_agents.configs.loader import load_experiment
from remalis_agents.configs.schema import ConfigError
from remalis_agents.evaluate import evaluate, load_team
from remalis_agents.methods import METHODS
from remalis_agents.train import build_config, start_ray, train
from remalis_envs.registration import make_traffic_team

pytestmark = pytest.mark.ray

LEARNED = [name for name, method in METHODS.items() if method.network]
LEVELS = ["medium", "hard", "hell"]
SMALL = {
    "ppo": ["training.train_batch_size_per_learner=12", "training.minibatch_size=6", "training.num_epochs=1"],
    "replay": ["training.train_batch_size_per_learner=8", "training.minibatch_size=4", "training.learning_starts=8"],
}


def small(method, *changes):
    """The shipped experiment of a method on easy, a minute long, in one process."""
    base = ["env_runners.num_env_runners=0", "environment.env_config.horizon_s=60", "stop.time_s=null"]
    base += ["rl_module.max_seq_len=4", "stop.env_steps=null", "stop.training_iteration=2", "checkpoint.frequency=0"]
    return load_experiment(
        f"traffic_easy_{METHODS[method].network}", [*base, *SMALL[METHODS[method].learner], *changes]
    )


@pytest.mark.parametrize("method", LEARNED)
def test_it_trains_evaluates_exports_and_reloads(method, ray_session, tmp_path):
    name, experiment = small(method)
    assert experiment.run == method
    trained = train(name, experiment, storage=tmp_path, callbacks=[])
    played = evaluate(trained.checkpoint, env_config={"horizon_s": 60}, episodes=1)
    assert played.episodes[0]["mean_delay_s"] >= 0
    team = load_team(trained.checkpoint)
    reloaded = Team.from_pretrained(team.save_pretrained(tmp_path / "team"))
    env = make_traffic_team(level="easy", horizon_s=60)
    observation, _ = env.reset(seed=0)
    env.close()
    torch.manual_seed(0)
    actions = team(observation)
    torch.manual_seed(0)
    assert np.array_equal(reloaded(observation), actions)
    legal = observation["action_mask"][np.arange(len(actions)), actions]
    assert legal.all()


RESUMED = ("CoLight", "IDQN", "IC3Net", "ReMALIS")
"""One of every kind of learner and state: PPO, replay, a memory, intentions. `make test-full` resumes the others."""


@pytest.mark.parametrize(
    "method", [name if name in RESUMED else pytest.param(name, marks=pytest.mark.full) for name in LEARNED]
)
def test_it_resumes(method, ray_session, tmp_path):
    name, experiment = small(method, "stop.training_iteration=1")
    first = train(name, experiment, storage=tmp_path, callbacks=[])
    again = train(name, small(method)[1], storage=tmp_path, resume=True, callbacks=[])
    assert again.run_dir == first.run_dir
    assert again.metrics["training_iteration"] == 2


def test_sequences_that_no_minibatch_can_hold_are_refused():
    with pytest.raises(ConfigError, match=r"minibatch_size is 6, but networks with a memory .* 20 steps"):
        build_config(small("IC3Net", "rl_module.max_seq_len=20")[1])


@pytest.mark.full
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("method", LEARNED)
def test_it_runs_on_every_level(method, level, ray_session):
    start_ray(cpus=1)
    experiment = small(method, f"environment.env_config.level={level}")[1]
    algorithm = build_config(experiment).build_algo()
    try:
        algorithm.train()
        steps = algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"]
        assert steps >= 16
    finally:
        algorithm.stop()


@pytest.mark.parametrize("method", LEARNED)
def test_it_has_a_configuration_for_a_real_city(method):
    experiment = load_experiment(f"traffic_cologne3_{METHODS[method].network}")[1]
    assert experiment.run == method
    assert experiment.config.environment.env_config["scenario"] == "resco/cologne3"
    assert experiment.stop.env_steps
