"""Env runners that are killed while a team trains."""

from __future__ import annotations

import logging
import os
import signal
import time

import pytest

from remalis_agents.configs.loader import load_experiment
from remalis_agents.rllib.faults import RUNNERS_LOST, STEPS_LOST
from remalis_agents.train import build_config, start_ray

pytestmark = pytest.mark.ray


def test_training_goes_on_when_a_runner_dies_and_the_loss_is_logged(ray_session, caplog):
    changes = ["env_runners.num_env_runners=2", "env_runners.num_envs_per_env_runner=1"]
    changes += ["training.train_batch_size_per_learner=80", "training.minibatch_size=40"]
    start_ray(cpus=3)
    algorithm = build_config(load_experiment("partners_ippo", changes)[1]).build_algo()
    try:
        before = algorithm.train()
        assert (before[RUNNERS_LOST], before[STEPS_LOST]) == (0, 0)
        group = algorithm.env_runner_group
        pids = group.foreach_env_runner(lambda runner: os.getpid(), local_env_runner=False)
        os.kill(pids[0], signal.SIGKILL)
        with caplog.at_level(logging.WARNING, "remalis_agents"):
            results = [algorithm.train() for _ in range(2)]
            while group.num_healthy_remote_env_runners() < 2 and len(results) < 200:
                time.sleep(0.1)
                results.append(algorithm.train())
        played = [r["env_runners"]["num_env_steps_sampled_lifetime"] for r in (before, *results)]
        assert played[-1] > played[0], "the other one plays on"
        assert results[-1][RUNNERS_LOST] == 1
        assert results[-1][STEPS_LOST] == 40
        assert [r.message for r in caplog.records if "died" in r.message] == [
            "1 env runner died; up to 40 env steps that it had played are lost. Training goes on."
        ]
        now = group.foreach_env_runner(lambda runner: os.getpid(), local_env_runner=False)
        assert len(now) == 2 and pids[0] not in now, "and a new one has taken its place"
    finally:
        algorithm.stop()
