"""A training for which a cluster has no room says so, and begins when there is some."""

from __future__ import annotations

import io
import pickle
from types import SimpleNamespace

import pytest

from remalis_agents import waiting
from remalis_agents.configs import parse_experiment
from remalis_agents.progress import TrainingProgress
from remalis_agents.train import train
from remalis_agents.waiting import RoomWatch

RING = {
    "env": "toys:remalis-test/RingTeam-v0",
    "stop": {"training_iteration": 1},
    "config": {
        "env_runners": {"num_env_runners": 1},
        "training": {"train_batch_size_per_learner": 100, "minibatch_size": 50},
    },
}


class Heard(io.StringIO):
    """Calls back when a training is said to wait."""

    def __init__(self, then):
        super().__init__()
        self._then = then

    def write(self, text):
        if "waiting for" in text:
            self._then()
        return super().write(text)


@pytest.mark.ray
def test_a_training_that_waits_says_for_what_and_begins_when_there_is_room(ray_session, tmp_path, monkeypatch):
    import ray
    from ray.util import placement_group, remove_placement_group

    monkeypatch.setattr(waiting, "PATIENCE_S", 0.3)
    has = ray.cluster_resources()["CPU"]
    held = placement_group([{"CPU": has - 1}])
    ray.get(held.ready())
    stream = Heard(lambda: remove_placement_group(held))
    experiment = parse_experiment({"ring": RING})[1]
    result = train("ring", experiment, storage=tmp_path, callbacks=[TrainingProgress("ring", experiment.stop, stream)])
    (line,) = [line for line in stream.getvalue().splitlines() if "waiting" in line]
    assert f"ring: waiting for 2 CPUs, but 1 of {has:g} CPUs are free." in line
    assert "--set env_runners.num_env_runners=0 would fit now" in line
    assert result.metrics["training_iteration"] == 1


@pytest.mark.ray
def test_a_training_with_room_says_nothing_however_long_it_takes_to_begin(ray_session, tmp_path, monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    stream, experiment = io.StringIO(), parse_experiment({"ring": RING})[1]
    train("ring", experiment, storage=tmp_path, callbacks=[TrainingProgress("ring", experiment.stop, stream)])
    assert "ring: starting" in stream.getvalue() and "waiting" not in stream.getvalue()


@pytest.mark.parametrize(
    ("runners", "cpus", "asked", "free", "says"),
    [
        (6, 1, {"CPU": 7}, {"CPU": 4}, "num_env_runners=3 would fit now (6 are asked for)"),
        (6, 0.5, {"CPU": 4}, {"CPU": 3}, "num_env_runners=4 would fit"),
        (1, 1, {"CPU": 2}, {"CPU": 0}, "smaller env_runners.num_env_runners"),
        (0, 1, {"CPU": 3}, {"CPU": 2}, "learners.num_learners ask for less"),
        (4, 1, {"CPU": 5, "GPU": 1}, {"CPU": 8}, "1 GPUs, but 8 of 8 CPUs and 0 of 0 GPUs are free"),
        (4, 1, {"CPU": 5, "GPU": 1}, {"CPU": 8}, "--set learners.num_gpus_per_learner=0 learns on the CPU"),
    ],
)
def test_it_says_how_to_ask_for_less(runners, cpus, asked, free, says):
    watch = RoomWatch("ring", SimpleNamespace(num_env_runners=runners, num_cpus_per_env_runner=cpus), print)
    line = watch.line(asked, free, free)
    assert says in line and "\n" not in line


def test_tune_can_store_it():
    config = SimpleNamespace(num_env_runners=2, num_cpus_per_env_runner=1)
    assert pickle.loads(pickle.dumps(RoomWatch("ring", config, lambda text: None))).runners == 2
