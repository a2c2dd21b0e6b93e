"""Several learners train one model as one would: same statistics, same weights, in this and in other processes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from loops import RING, Loop, config_for
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.training_data import TrainingData
from toys import ring_team

from remalis_agents.configs import parse_experiment
from remalis_agents.evaluate import evaluate
from remalis_agents.networks.distributed import rank
from remalis_agents.networks.scale import RunningScale
from remalis_agents.rllib import TeamCategorical
from remalis_agents.rllib.guards import LossError
from remalis_agents.rllib.statistics import moments, normalised
from remalis_agents.train import build_config, train

pytestmark = pytest.mark.ray

BASE = {
    "env": RING,
    "stop": {"training_iteration": 5},
    "config": {
        "environment": {"env_config": {"agents": 4}},
        "env_runners": {"num_env_runners": 2, "num_envs_per_env_runner": 2},
        "learners": {"num_learners": 2},
        "training": {"lr": 3e-3, "gamma": 0.5, "train_batch_size_per_learner": 500, "minibatch_size": 125},
    },
}
"""Per learner half of what one learner has in test_train, so that the numbers of updates are the same."""


def experiment(*changes):
    return parse_experiment({"ring": BASE}, changes)[1]


def batch_of(seed, rows):
    rng = np.random.default_rng(seed)
    return 100 + rng.normal(size=(rows, 3)), rng.integers(0, 2, (rows, 3)).astype(float)


def statistics(values, weights):
    """What a learner makes of its batch."""
    groups = np.broadcast_to(np.arange(3) % 2, values.shape)
    mean, deviation = moments(values, weights, groups, 2)
    scale = RunningScale(3)
    for batch in (values, 2 * values):
        scale.observe(torch.as_tensor(batch, dtype=torch.float32), torch.as_tensor(weights[:, 0]))
    return mean, deviation, scale.mean.numpy(), scale.std.numpy(), normalised(values, weights, groups, 2)


ROWS = (20, 31)


def on_each(algorithm, function):
    return [result.get() for result in algorithm.learner_group.foreach_learner(function)]


def states(learner):
    """A learner's weights and running scales."""
    return {name: value.numpy() for name, value in learner.module["default_policy"].unwrapped().state_dict().items()}


def stopped(learner):
    """What the learner says to losses of which only the second learner's value is not a number."""
    losses = {"policy": torch.tensor(0.5), "value": torch.tensor(float("nan") if rank() else 0.5)}
    try:
        learner.check_terms("default_policy", losses, batch={})
    except LossError as error:
        return str(error)


class Trained(NamedTuple):
    """What two learners said after two iterations, each a pair but the result."""

    result: dict
    states: list
    statistics: list
    stopped: list


def trained(*changes):
    algorithm = build_config(experiment(*changes)).build_algo()
    try:
        result = [algorithm.train() for _ in range(2)][-1]["learners"]["default_policy"]
        statistics_of = on_each(algorithm, lambda learner: statistics(*batch_of(rank(), ROWS[rank()])))
        return Trained(result, on_each(algorithm, states), statistics_of, on_each(algorithm, stopped))
    finally:
        algorithm.stop()


@pytest.fixture(scope="module")
def two_learners(ray_session):
    changes = ["training.kl_stop=0.001", "training.minibatch_size=50", "training.advantage_normalisation=per_agent"]
    return trained(*changes)


def test_statistics_are_those_of_all_batches_together(two_learners):
    batches = [batch_of(number, count) for number, count in enumerate(ROWS)]
    whole = statistics(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))
    for mine, yours, expected in zip(*two_learners.statistics, whole, strict=True):
        if len(mine) == len(yours):
            assert np.array_equal(mine, yours), "bit for bit, or the learners drift apart"
            np.testing.assert_allclose(mine, expected, rtol=1e-5)
        else:  # each normalises its own rows, by everybody's statistics
            np.testing.assert_allclose(np.concatenate([mine, yours]), expected, rtol=1e-4, atol=1e-5)
    alone = statistics(*batches[0])
    assert not np.allclose(alone[0], whole[0], rtol=1e-5)


def test_a_memory_survives_that_episodes_are_cut_anew_for_several_learners():
    """What acted and what learns is the same function, in the pieces that RLlib makes for two learners too."""
    config = config_for(RING, ring_team(horizon=30), network="recurrent").environment(env_config={"horizon": 30})
    config.env_runners(num_envs_per_env_runner=3)
    loop = Loop(config)
    config.num_learners = 2  # runners then keep the state of each step
    loop.runner.config = config
    for _ in range(2):  # the second batch begins in the middle of an episode
        episodes = loop.runner.sample(num_timesteps=45)
        shards = TrainingData(episodes=episodes).shard(2, config.episode_lookback_horizon, minibatch_size=20)
        pieces = [piece for shard, _ in shards for piece in shard.episodes]
        assert len(pieces) > len(episodes)
        for shard, _ in shards:
            batch = loop.batch(shard.episodes)
            valid = batch[Columns.LOSS_MASK].bool()
            with torch.no_grad():
                out = loop.module.forward_train(batch)
            new = TeamCategorical(out[Columns.ACTION_DIST_INPUTS]).logp(batch[Columns.ACTIONS])
            torch.testing.assert_close(new[valid], batch[Columns.ACTION_LOGP][valid], atol=1e-5, rtol=0)


def check_equal(found):
    first, second = found.states
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["returns.count"] == 2


def test_two_learners_end_with_the_same_weights(two_learners):
    check_equal(two_learners)
    assert two_learners.result["minibatches_skipped"] > 0, "both stopped, and neither waited for the other"


def test_a_loss_that_is_no_number_in_one_learner_stops_both(two_learners):
    """The other one would wait for ever for gradients."""
    for number, said in enumerate(two_learners.stopped):
        assert "not a finite number: value." in said
        assert f"lost_batch_{number}.pt" in said


def test_two_learners_with_a_memory_end_with_the_same_weights(ray_session):
    check_equal(trained("rl_module.options={recurrent: 8}"))


def test_two_learners_and_two_runners_learn(ray_session, tmp_path):
    result = train("ring", experiment(), storage=tmp_path, callbacks=[])
    assert evaluate(result.checkpoint, episodes=10).interval("right_share")[0] > 0.97, "chance is 1/3"
