"""Value-based methods through Ray Tune: they learn, repeat themselves, resume, and refuse what is not theirs."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from remalis_agents.configs import ConfigError, parse_experiment
from remalis_agents.evaluate import evaluate, load_policy
from remalis_agents.rllib.replay.algorithm import BUFFER_FILE, BUFFER_STEPS, REFILLS
from remalis_agents.train import build_config, train
from remalis_envs.errors import RemalisError

pytestmark = pytest.mark.ray

BASE = {
    "env": "toys:remalis-test/RingTeam-v0",
    "run": "IDQN",
    "stop": {"training_iteration": 5},
    "checkpoint": {"frequency": 1},
    "config": {
        "environment": {"env_config": {"agents": 4, "mask_first": True}},
        "env_runners": {"num_env_runners": 0, "num_envs_per_env_runner": 4},
        "training": {
            "lr": 3e-3,
            "gamma": 0.5,
            "epsilon": [[0, 1.0], [1000, 0.05]],
            "learning_starts": 200,
            "updates_per_step": 0.25,
            "target_update_every": 50,
            "steps_per_iteration": 400,
        },
    },
}


def experiment(*changes, base=BASE):
    return parse_experiment({"ring": base}, changes)[1]


SHORT = ("stop.training_iteration=2", "training.steps_per_iteration=200", "training.learning_starts=100")


def weights(result):
    return {k: v.numpy() for k, v in load_policy(result.checkpoint).state_dict().items()}


@pytest.fixture(scope="module")
def trained(ray_session, tmp_path_factory):
    return train("ring", experiment(), storage=tmp_path_factory.mktemp("runs"), callbacks=[])


def test_a_team_learns_and_its_greedy_policy_plays_unseen_episodes(trained):
    result = evaluate(trained.run_dir, episodes=20)
    assert result.interval("right_share")[0] > 0.97, "chance is 1/3"
    assert result.interval("illegal_count")[0] == 0


def test_results_say_how_learning_goes(trained):
    rows = list(csv.DictReader((trained.trial_dir / "progress.csv").open()))
    steps = [int(float(row["env_runners/num_env_steps_sampled_lifetime"])) for row in rows]
    assert steps == [400, 800, 1200, 1600, 2000]
    assert [int(float(row[BUFFER_STEPS])) for row in rows] == steps
    # A quarter of an update a step, from the turn on in which the buffer reached 200 steps.
    assert float(rows[-1]["learners/__all_modules__/num_updates_lifetime"]) == (2000 - 160) / 4
    assert float(rows[-1]["learners/default_policy/td_loss"]) < float(rows[0]["learners/default_policy/td_loss"])


@pytest.mark.parametrize("runners", [0, 1])
def test_same_seed_same_weights_bit_for_bit(ray_session, tmp_path, runners):
    changes = [*SHORT, f"env_runners.num_env_runners={runners}", "debugging.seed=5"]
    first, second = (weights(train("ring", experiment(*changes), storage=tmp_path, callbacks=[])) for _ in range(2))
    assert all(np.array_equal(first[k], second[k]) for k in first)
    if runners == 0:
        third = weights(train("ring", experiment(*changes[:-1], "debugging.seed=6"), storage=tmp_path, callbacks=[]))
        assert any(not np.array_equal(first[k], third[k]) for k in first)


@pytest.mark.parametrize("kept", [False, True])
def test_resuming_goes_on_and_says_what_became_of_the_buffer(ray_session, tmp_path, caplog, kept):
    changes = [*SHORT, f"training.checkpoint_buffer={str(kept).lower()}"]
    begun = train("ring", experiment(*changes), storage=tmp_path, callbacks=[])
    assert (begun.checkpoint / BUFFER_FILE).exists() == kept
    longer = experiment(*changes, "stop.training_iteration=3")
    result = train("ring", longer, storage=tmp_path, resume=True, callbacks=[])
    assert (REFILLS in caplog.text) != kept
    (row,) = csv.DictReader((result.trial_dir / "progress.csv").open())
    assert int(row["training_iteration"]) == 3
    assert int(float(row["env_runners/num_env_steps_sampled_lifetime"])) == 600
    assert int(float(row[BUFFER_STEPS])) == (600 if kept else 200)
    updates = float(row["learners/__all_modules__/num_updates_lifetime"])
    assert updates == (400 - 80) / 4 + (200 if kept else 200 - 80) / 4, "it fills up before it learns on"


def test_two_runners_and_two_learners_start_with_given_weights(trained, tmp_path):
    changes = [*SHORT, "env_runners.num_env_runners=2", "learners.num_learners=2", "training.epsilon=0.0"]
    changes += [f"rl_module.start_from={trained.checkpoint}", "training.lr=1e-12"]
    result = train("ring", experiment(*changes), storage=tmp_path, callbacks=[])
    assert evaluate(result.checkpoint, episodes=10).interval("right_share")[0] > 0.97
    assert result.metrics["env_runners"]["metrics"]["right_share"] > 0.9, "runners got them, too"


def test_a_new_stage_begins_with_an_empty_buffer(ray_session, tmp_path):
    """Steps of one world, and of one size of team, are not mixed with those of the next."""
    stages = {"stages": [{"agents": 3}, {"agents": 5}], "figure": "right_share", "promote_above": 0.6, "episodes": 8}
    base = {**BASE, "curriculum": stages}
    result = train("ring", experiment("stop.training_iteration=6", base=base), storage=tmp_path, callbacks=[])
    rows = list(csv.DictReader((result.trial_dir / "progress.csv").open()))
    stage = [int(row["curriculum_stage"]) for row in rows]
    assert stage[0] == 1 and stage[-1] == 2
    begun = stage.index(2)
    assert [int(float(row[BUFFER_STEPS])) for row in rows] == [400 * (n + 1) for n in range(begun)] + [
        400 * (n + 1) for n in range(len(rows) - begun)
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            ["training.clip_param=0.2"],
            "training.clip_param is a setting of the policy-gradient learner, but IDQN is trained by the value-based",
        ),
        (
            ["run=IPPO", "config.training={epsilon: 0.1}"],
            "training.epsilon is a setting of the value-based learner, but IPPO is trained by the policy-gradient",
        ),
        (["rl_module.network=ippo", "run=TeamReplay"], "'ippo' needs the policy-gradient learner, but run: TeamReplay"),
        (["run=TeamPPO", "rl_module.network=idqn", "config.training={}"], "'idqn' needs the value-based learner"),
        (["training.buffer_size=100"], "buffer_size is 100, but it must hold learning_starts"),
        (["training.reward_scope=everybody"], "everybody"),
        (["training.mixed_precision=true"], "mixed_precision is for GPUs"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(ray_session, changes, says):
    with pytest.raises((ConfigError, RemalisError), match=says) as caught:
        build_config(experiment(*changes))
    assert "\n" not in str(caught.value)
