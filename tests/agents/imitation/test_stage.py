"""The stage as a run: a folder that evaluation, export and PPO take, and errors that are sentences."""

from __future__ import annotations

import csv
import json

import pytest
import torch
import yaml
from demonstrations import RING, TINY, experiment, recorded

from remalis_agents.cli import main
from remalis_agents.configs import load_experiment, parse_experiment
from remalis_agents.evaluate import evaluate, load_policy, load_team
from remalis_agents.train import build_config, train
from remalis_envs.errors import RemalisError

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def imitated(ring_file, tmp_path_factory):
    storage = tmp_path_factory.mktemp("runs")
    return train("ring", experiment(ring_file), storage=storage, callbacks=[], written={"env": RING})


def test_a_team_plays_as_it_was_shown(imitated):
    before, after = (imitated.metrics[when]["test"] for when in ("before", "after"))
    assert after["action_accuracy"] > 0.97 and after["imitation_loss"] < 0.2 * before["imitation_loss"]
    result = evaluate(imitated.run_dir, episodes=10)
    assert result.interval("right_share")[0] > 0.97, "chance is 1/3"


def test_the_run_folder_describes_itself(imitated, ring_file):
    described = yaml.safe_load((imitated.run_dir / "experiment.yaml").read_text())
    assert parse_experiment(described)[1] == experiment(ring_file)
    assert json.loads((imitated.run_dir / "versions.json").read_text())["torch"]
    rows = list(csv.DictReader((imitated.trial_dir / "progress.csv").open()))
    assert [int(row["training_iteration"]) for row in rows] == list(range(1, imitated.metrics["epochs"] + 1))
    losses = [float(row["validation_imitation_loss"]) for row in rows]
    assert imitated.metrics["best_epoch"] == losses.index(min(losses)) + 1
    said = json.loads((imitated.trial_dir / "imitation.json").read_text())
    assert said == imitated.metrics
    assert (said["demonstrations"]["split_by"], said["demonstrations"]["train_count"]) == ("episode", 16)


def test_the_weights_kept_are_those_of_the_best_epoch(ring_file, tmp_path):
    """A learning rate that destroys what was learnt: the stage stops early, and the untrained network is kept."""
    wild = experiment(ring_file, "imitation.lr=100.0", "imitation.warmup_epochs=0", "imitation.patience=2")
    result = train("ring", wild, storage=tmp_path, callbacks=[])
    assert result.metrics["epochs"] == result.metrics["best_epoch"] + 2 < 20
    best = result.metrics["after"]["validation"]["imitation_loss"]
    rows = list(csv.DictReader((result.trial_dir / "progress.csv").open()))
    seen = [result.metrics["before"]["validation"]["imitation_loss"]]
    seen += [float(row["validation_imitation_loss"]) for row in rows]
    assert best == pytest.approx(min(seen), rel=1e-4)


def test_ppo_begins_with_these_weights_and_goes_on(imitated, ray_session, tmp_path):
    body = {
        "env": RING,
        "stop": {"training_iteration": 1},
        "config": {
            "environment": {"env_config": {"agents": 4}},
            "env_runners": {"num_env_runners": 0},
            "rl_module": {"start_from": str(imitated.run_dir)},
            "training": {"lr": 0.0, "train_batch_size_per_learner": 200, "minibatch_size": 100},
        },
    }
    _, following = parse_experiment({"ring": body})
    result = train("ring", following, storage=tmp_path, callbacks=[])
    assert result.metrics["env_runners"]["metrics"]["right_share"] > 0.9, "the first episodes are played as shown"
    ours, theirs = (load_policy(place).state_dict() for place in (imitated.run_dir, result.run_dir))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        if not name.startswith("returns."):  # PPO looks at the returns, also where its learning rate is 0
            assert torch.equal(value, theirs[name]), name


def test_remalis_is_imitated_exported_and_begun_with(ring_file, tmp_path):
    asked = experiment(
        ring_file, f"rl_module.options={TINY}", "rl_module.max_seq_len=5", "imitation.batch_size=4", run="ReMALIS"
    )
    result = train("ring", asked, storage=tmp_path, callbacks=[])
    before, after = (result.metrics[when]["test"] for when in ("before", "after"))
    assert after["action_accuracy"] > 0.97 and after["imitation_loss"] < 0.2 * before["imitation_loss"]
    assert main(["export", str(result.run_dir), str(tmp_path / "team")]) == 0
    exported, policy = load_team(tmp_path / "team"), load_policy(result.checkpoint)
    for name, value in exported.model.state_dict().items():
        assert torch.equal(value, policy.model.state_dict()[name]), name
    begun = [f"rl_module.options={TINY}", f"rl_module.start_from={result.run_dir}"]
    given = build_config(experiment(ring_file, *begun, run="ReMALIS")).start_from
    assert all((torch.as_tensor(given[name]) == value).all() for name, value in policy.state_dict().items())


def test_few_episodes_are_recorded_and_learnt_from_in_one_go(imitated, tmp_path):
    asked = experiment("unused", f"imitation.demonstrations={{checkpoint: {imitated.run_dir}, episodes: 3}}")
    result = train("ring", asked, storage=tmp_path, callbacks=[])
    assert (result.run_dir / "demonstrations.parquet").exists()
    about = result.metrics["demonstrations"]
    assert (about["split_by"], about["team_steps"], about["train_count"]) == ("sequence", 30, 24)


def test_the_same_seed_gives_the_same_weights(ring_file, imitated, tmp_path):
    again = train("ring", experiment(ring_file), storage=tmp_path, callbacks=[])
    ours, theirs = (load_policy(place).state_dict() for place in (imitated.run_dir, again.run_dir))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_a_command_trains_by_it(ring_file, tmp_path, capsys):
    file = tmp_path / "ring.yaml"
    body = {"env": RING, "stage": "imitate", "imitation": {"demonstrations": str(ring_file), "epochs": 2}}
    file.write_text(yaml.safe_dump({"ring": body}))
    assert main(["train", "file", str(file), "--storage", str(tmp_path / "runs")]) == 0
    told = capsys.readouterr().out
    assert "16 / 2 / 2 episodes to train / validate / test" in told
    assert "ring: epoch 2 of 2, loss" in told and "action accuracy" in told.splitlines()[-4]
    assert "evaluate    rllib evaluate" in told


def test_the_shipped_experiment_is_the_one_that_ppo_goes_on_from():
    _, imitation = load_experiment("traffic_easy_remalis_imitate")
    _, ppo = load_experiment("traffic_easy_remalis")
    assert (imitation.run, imitation.stage, ppo.stage) == ("ReMALIS", "imitate", "reinforce")
    assert imitation.config == ppo.config


@pytest.mark.parametrize(
    ("changes", "run", "says"),
    [
        (["stage=imitat"], "IPPO", "Unknown stage 'imitat'. Did you mean 'imitate'?"),
        (["stage=reinforce"], "IPPO", "for experiments with stage: imitate"),
        ([], "IDQN", "IDQN is trained by the value-based learner"),
        (["imitation.demonstrations=null"], "IPPO", "needs imitation.demonstrations"),
        (["imitation.demonstrations={episodes: 3}"], "IPPO", "either a controller or a checkpoint"),
        (["imitation.demonstrations={controler: greedy}"], "IPPO", "Did you mean 'controller'?"),
        (["imitation.demonstrations={controller: greedy, processes: 0}"], "IPPO", "processes must be 1 or more"),
        (["imitation.demonstrations={controller: greedy, least_help: 2}"], "IPPO", "must be a share from 0 to 1"),
        (["imitation.demonstrations={controller: greedy, keep: -1}"], "IPPO", "keep must be 0 or more"),
        (["imitation.epochs=0"], "IPPO", "imitation.epochs must be 1 or more"),
        (["imitation.lr=-1"], "IPPO", "imitation.lr must be a number of 0 or more"),
        (["imitation.schedule=cosinus"], "IPPO", "Unknown schedule of imitation 'cosinus'. Did you mean 'cosine'?"),
        (["curriculum={stages: [a, b], promote_above: 1}"], "IPPO", "a curriculum means nothing to it"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused_in_a_sentence(changes, run, says):
    with pytest.raises(RemalisError) as caught:
        experiment("some.parquet", *changes, run=run)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_demonstrations_that_do_not_fit_are_refused_in_a_sentence(ring_file, imitated, tmp_path):
    def fails(asked, says, **arguments):
        with pytest.raises(RemalisError, match=says) as caught:
            train("ring", asked, storage=tmp_path, callbacks=[], **arguments)
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.glob("ring_*")), "nothing was begun"

    fails(experiment(tmp_path / "none.parquet"), "no file of demonstrations")
    other = experiment(ring_file, "env=toys:Chain", "environment.env_config={}")
    fails(other, r"length 4 and 3 actions \(controller:oracle on .*but network 'ippo' .* length 2 and 2 actions")
    larger = recorded(tmp_path / "larger.parquet", agents=6)
    fails(experiment(larger, "rl_module.sharing=none"), "teams of 6, but network 'ippo' .* weights for 4")
    fails(experiment(ring_file), "not resumed", resume=imitated.run_dir)
    fails(experiment(ring_file), "leave --ray-address out", ray_address="auto")


def test_who_cannot_demonstrate_here_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(RemalisError, match="what traffic signals see"):
        train("ring", experiment("", "imitation.demonstrations={controller: greedy}"), storage=tmp_path, callbacks=[])
