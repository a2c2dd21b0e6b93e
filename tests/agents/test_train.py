"""Training through Ray Tune: it learns, the same seed gives the same weights, a killed run goes on."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import yaml
from toys import Ring

from remalis_agents.configs import parse_experiment
from remalis_agents.evaluate import evaluate, find_checkpoint, load_policy
from remalis_agents.rllib.algorithm import MANIFEST, is_whole
from remalis_agents.runs import TrainingError
from remalis_agents.train import TrainResult, train
from remalis_envs.errors import RemalisError
from remalis_envs.traffic.network import grid

pytestmark = pytest.mark.ray

BASE = {
    "env": "toys:remalis-test/RingTeam-v0",
    "stop": {"training_iteration": 5},
    "checkpoint": {"frequency": 1},
    "config": {
        "environment": {"env_config": {"agents": 4, "mask_first": True}},
        "env_runners": {"num_env_runners": 0, "num_envs_per_env_runner": 4},
        "training": {"lr": 3e-3, "gamma": 0.5, "train_batch_size_per_learner": 1000, "minibatch_size": 250},
    },
}


def experiment(*changes):
    return parse_experiment({"ring": BASE}, changes)[1]


def weights(result):
    return {k: v.numpy() for k, v in load_policy(result.checkpoint).state_dict().items()}


@pytest.fixture(scope="module")
def trained(ray_session, tmp_path_factory):
    return train("ring", experiment(), storage=tmp_path_factory.mktemp("runs"), callbacks=[])


def test_a_team_learns_and_its_final_policy_plays_unseen_episodes(trained):
    result = evaluate(trained.run_dir, episodes=20)
    assert result.interval("right_share")[0] > 0.97, "chance is 1/3"
    assert result.interval("illegal_count")[0] == 0
    assert not trained.interrupted
    assert evaluate(trained.run_dir, episodes=3).episodes == result.episodes[:3], "same seeds, same episodes"


def test_the_run_folder_describes_itself(trained):
    described = yaml.safe_load((trained.run_dir / "experiment.yaml").read_text())
    assert parse_experiment(described)[1] == experiment()
    assert json.loads((trained.run_dir / "versions.json").read_text())["ray"]
    rows = list(csv.DictReader((trained.trial_dir / "progress.csv").open()))
    assert [int(row["training_iteration"]) for row in rows] == [1, 2, 3, 4, 5]
    assert float(rows[-1]["env_runners/metrics/right_share"]) > float(rows[0]["env_runners/metrics/right_share"])
    assert list(trained.trial_dir.glob("events.out.tfevents.*")), "TensorBoard"
    assert len(list(trained.trial_dir.glob("checkpoint_*"))) == 2, "the latest two are kept"


def test_figures_are_carried_over_iterations_in_which_no_episode_ends(ray_session, tmp_path):
    changes = ["environment.env_config.horizon=20", "training.train_batch_size_per_learner=40"]
    changes += ["training.minibatch_size=20", "stop.training_iteration=6"]
    result = train("ring", experiment(*changes), storage=tmp_path, callbacks=[])
    rows = list(csv.DictReader((result.trial_dir / "progress.csv").open()))
    known = [float(row["env_runners/metrics/right_share"] or "nan") for row in rows]
    assert np.isnan(known[0]), "four environments, ten steps each: no end yet, and the column comes later"
    assert not np.isnan(known[2:]).any()


def test_a_checkpoint_runs_on_a_team_of_another_size_and_padded(trained):
    for size in ({"agents": 9}, {"agents": 3, "max_agents": 5}):
        result = evaluate(trained.checkpoint, env_config=size, episodes=3)
        assert result.interval("right_share")[0] > 0.97


def test_a_checkpoint_of_other_agents_is_refused_in_a_sentence(trained):
    with pytest.raises(RemalisError, match="vectors of length 4 and 3 actions, but those of toys:Chain") as caught:
        evaluate(trained.checkpoint, env="toys:Chain")
    assert "\n" not in str(caught.value)


def test_loading_into_another_network_is_refused_in_a_sentence(trained):
    policy = load_policy(trained.checkpoint)
    other = type(policy)(
        observation_space=policy.observation_space,
        action_space=policy.action_space,
        model_config={**policy.model_config, "options": {"hidden": [32, 32]}},
    )
    with pytest.raises(RemalisError, match=r"network 'ippo'.*\(64, 4\) in the checkpoint, \(32, 4\) here"):
        other.set_state(policy.get_state())


def test_resuming_goes_on_where_it_stopped(trained):
    longer = experiment("stop.training_iteration=7")
    result = train("ring", longer, storage=trained.run_dir.parent, resume=True, callbacks=[])
    assert result.run_dir == trained.run_dir
    assert result.metrics["training_iteration"] == 7
    assert result.metrics["env_runners"]["num_env_steps_sampled_lifetime"] >= 7000


def test_resuming_with_another_network_is_a_sentence(trained):
    other = experiment("stop.training_iteration=20", "rl_module.options={hidden: [32, 32]}")
    says = r"does not fit.*rl_module.options.hidden was None and is now \[32, 32\]"
    with pytest.raises(RemalisError, match=says) as caught:
        train("ring", other, storage=trained.run_dir.parent, resume=trained.run_dir, callbacks=[])
    assert "\n" not in str(caught.value)


def test_a_training_begins_with_the_weights_of_another(trained, tmp_path):
    standing = ["stop.training_iteration=1", "training.lr=1e-12"]
    begun = train(
        "ring", experiment(*standing, f"rl_module.start_from={trained.checkpoint}"), storage=tmp_path, callbacks=[]
    )
    fresh = train("ring", experiment(*standing), storage=tmp_path, callbacks=[])
    learned = {name: value for name, value in weights(trained).items() if name.endswith("weight")}
    learned = {name: value for name, value in learned.items() if ".value." not in name}  # it follows the returns' scale
    assert learned
    assert all(np.allclose(value, weights(begun)[name], atol=1e-6) for name, value in learned.items())
    assert not all(np.allclose(value, weights(fresh)[name], atol=1e-3) for name, value in learned.items())
    assert begun.metrics["training_iteration"] == 1, "only the weights are taken over"


def test_beginning_with_what_is_no_checkpoint_is_a_sentence(ray_session, tmp_path):
    with pytest.raises(RemalisError, match="There is no checkpoint at"):
        train("ring", experiment(f"rl_module.start_from={tmp_path / 'nowhere'}"), storage=tmp_path, callbacks=[])


@pytest.mark.parametrize(("runners", "options"), [(0, "{}"), (1, "{}"), (0, "{recurrent: 8}")])
def test_same_seed_same_weights_bit_for_bit(ray_session, tmp_path, runners, options):
    changes = [
        f"rl_module.options={options}",
        "stop.training_iteration=2",
        f"env_runners.num_env_runners={runners}",
        "debugging.seed=5",
    ]
    first, second = (weights(train("ring", experiment(*changes), storage=tmp_path, callbacks=[])) for _ in range(2))
    assert all(np.array_equal(first[k], second[k]) for k in first)
    if runners == 0:
        other = experiment(*changes[:-1], "debugging.seed=6")
        third = weights(train("ring", other, storage=tmp_path, callbacks=[]))
        assert any(not np.array_equal(first[k], third[k]) for k in first)


def test_a_ray_that_is_too_small_is_replaced_or_refused(ray_session, monkeypatch):
    import ray

    from remalis_agents import cluster

    has = ray.cluster_resources()["CPU"]
    monkeypatch.setattr(cluster, "_started_here", False)
    with pytest.raises(TrainingError, match="needs 64 CPUs, but the Ray that runs here has"):
        cluster.start_ray(cpus=64)
    monkeypatch.setattr(cluster, "_started_here", True)
    cluster.start_ray(cpus=has + 1)
    assert ray.cluster_resources()["CPU"] >= has + 1


def test_two_runners_share_the_work(ray_session, tmp_path):
    result = train("ring", experiment("env_runners.num_env_runners=2"), storage=tmp_path, callbacks=[])
    assert evaluate(result.checkpoint, episodes=10).interval("right_share")[0] > 0.97


def test_a_mistake_in_a_worker_is_one_sentence(ray_session, tmp_path):
    with pytest.raises(TrainingError, match="the toy broke") as caught:
        train("breaking", experiment("env=toys:Breaking"), storage=tmp_path, callbacks=[])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_is_ended_saves_what_it_has_learnt(tmp_path, how):
    command = [sys.executable, "-c", "import sys; from remalis_agents.cli import main; sys.exit(main(sys.argv[1:]))"]
    given = ["train", "file", "partners_ippo", "--stop", '{"env_steps": 90000000}', "--storage", str(tmp_path)]
    given += ["--checkpoint-freq", "0", "--set", "checkpoint.at_end=false"]  # nothing but what the user ends
    running = subprocess.Popen([*command, *given], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        said = running.stdout
        assert any("iteration" in line for line in said), "it ended before its first iteration"
        time.sleep(2.0)
        running.send_signal(how)
        rest = said.read()
        assert running.wait(60) == 130
    finally:
        running.kill()
    assert "stopping after this iteration, with a checkpoint" in rest
    stopped = int(re.search(r"stopped +at iteration (\d+)", rest)[1])
    (run_dir,) = tmp_path.iterdir()
    kept = find_checkpoint(run_dir).resolve().parents[3]
    assert json.loads((kept / MANIFEST).read_text())["training_iteration"] == stopped > 1


def test_who_goes_on_with_the_final_policy_does_not_with_one_that_was_ended_early(tmp_path):
    whole = TrainResult(tmp_path, tmp_path, None, {})
    assert whole.finished() is whole
    with pytest.raises(KeyboardInterrupt):
        TrainResult(tmp_path, tmp_path, None, {}, interrupted=True).finished()


class Spoilt(Ring):
    """Pays an agent nan in its fifth step."""

    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, rewards | ({"ring_1": float("nan")} if self.t == 5 else {}), *rest


@pytest.mark.parametrize("runners", [0, 1])
def test_a_reward_that_is_no_number_stops_and_names_the_agent_and_the_step(ray_session, tmp_path, runners):
    spoilt = experiment("env=test_train:Spoilt", f"env_runners.num_env_runners={runners}")
    with pytest.raises(TrainingError, match="Agent 'ring_1' was given a reward of nan at step 5") as caught:
        train("spoilt", spoilt, storage=tmp_path, callbacks=[])
    assert "\n" not in str(caught.value)


def test_a_route_file_that_breaks_late_ends_the_training(ray_session, tmp_path):
    """A remote runner that meets it would be started anew for ever."""
    routes = tmp_path / "late.rou.xml"
    routes.write_text('<routes><trip id="late" depart="120" from="nowhere" to="there"/></routes>')
    world = {"scenario": str(grid(2, 2)), "routes": str(routes), "horizon_s": 600}
    name, broken = parse_experiment(
        {"late": {"base": "traffic_easy_ippo", "stop": {"env_steps": 400},
                  "config": {"environment": {"env_config": world}, "env_runners": {"num_env_runners": 1}}}}
    )  # fmt: skip
    with pytest.raises(TrainingError, match="'nowhere' within the route for trip 'late' is not known"):
        train(name, broken, storage=tmp_path / "runs", callbacks=[])


def test_a_loss_that_is_no_number_is_one_sentence_and_its_batch_is_in_the_run(ray_session, tmp_path):
    with pytest.raises(TrainingError, match="not a finite number: riddle") as caught:
        train("riddle", experiment("rl_module.network=odd_networks:breaking"), storage=tmp_path, callbacks=[])
    assert "\n" not in str(caught.value)
    (kept,) = tmp_path.glob("riddle_*/*.pt")
    assert str(kept) in str(caught.value)
    assert torch.load(kept, weights_only=True)["terms"] == ["riddle"]


def test_a_killed_run_resumes(tmp_path):
    """kill -9 in the middle of training; --resume goes on from the last checkpoint and finishes."""
    file = tmp_path / "ring.yaml"
    file.write_text(yaml.safe_dump({"ring": BASE}))
    command = [sys.executable, "-m", "remalis_agents.cli", "train", "file", str(file), "--storage", str(tmp_path)]
    endless = subprocess.Popen(
        [*command, "--stop", '{"training_iteration": 100000}'], stdout=subprocess.DEVNULL, start_new_session=True
    )
    pattern = "ring_*/trial_*/checkpoint_*"
    deadline = time.monotonic() + 90
    while len(seen := list(tmp_path.glob(pattern))) < 1 or not _latest(seen) >= 3:
        assert endless.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(endless.pid, signal.SIGKILL)
    endless.wait()
    whole = [place for place in tmp_path.glob(pattern) if is_whole(place)]
    kept = max(json.loads((place / MANIFEST).read_text())["training_iteration"] for place in whole)
    done = subprocess.run(
        [*command, "--resume", "--stop", '{"training_iteration": 30}'],
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("ring_*")
    numbers = [int(row["training_iteration"]) for row in csv.DictReader((run / "trial_01/progress.csv").open())]
    assert numbers == list(range(kept + 1, 31)), "it went on from the last whole checkpoint"


def test_half_a_checkpoint_is_passed_over(trained, tmp_path):
    run = shutil.copytree(trained.run_dir, tmp_path / "run")
    part = find_checkpoint(trained.run_dir).relative_to(trained.run_dir)
    (run / part / "module_state.pkl").write_bytes(b"cut off")
    assert find_checkpoint(run) < run / part, "the one before"


def _latest(checkpoints):
    return max(int(path.name.rpartition("_")[2]) for path in checkpoints)


def test_a_run_that_has_reached_its_stop_is_not_trained_further(trained, caplog):
    again = train("ring", experiment("stop.training_iteration=5"), storage=trained.run_dir.parent, resume=True)
    assert again.checkpoint is not None and "already" in caplog.text
    assert again.metrics["training_iteration"] >= 5


def test_two_processes_cannot_train_in_one_folder(tmp_path):
    from remalis_agents.runs import only_one

    with only_one(tmp_path), pytest.raises(RemalisError, match="another process"), only_one(tmp_path):
        pass
    with only_one(tmp_path):  # it is free again
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("training.minibatch_size=0", "minibatch_size must be 1 or more"),
        ("training.gamma=2", "gamma must be from 0 to 1"),
        ("training.lr=-1", "lr must be 0 or more"),
        ("debugging.seed=-1", "seed must be from 0 to"),
        ("stop.env_steps=-1", "stop.env_steps must be above 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_starts(change, said):
    from remalis_agents.train import build_config

    with pytest.raises(RemalisError, match=said):
        build_config(experiment(change))
