"""Experiment files: what fits the schema, and one clear sentence for what does not."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from remalis_agents.configs import ConfigError, gpu_configs, load_experiment, parse_experiment, shipped_configs
from remalis_agents.configs.loader import parse_stop
from remalis_agents.configs.ranges import CHOICES, RANGES, _leaves
from remalis_agents.methods import METHODS
from remalis_agents.networks import network_names
from remalis_agents.runs import new_run
from remalis_envs.errors import RemalisError

GOOD = {"ring": {"env": "toys:remalis-test/RingTeam-v0", "config": {"training": {"lr": "5e-4", "gamma": 1}}}}


def changed(**body):
    return {"ring": {**GOOD["ring"], **body}}


def test_values_are_converted_and_defaults_filled():
    name, experiment = parse_experiment(GOOD)
    assert name == "ring"
    assert experiment.run == "IPPO"
    assert experiment.config.training.lr == 5e-4, "YAML 1.1 reads 5e-4 as text"
    assert isinstance(experiment.config.training.gamma, float)
    assert experiment.config.debugging.seed == 0, "runs are reproducible unless told otherwise"


def test_changes_from_the_command_line():
    changes = ["training.lr=[[0, 0.001], [100, 0]]", "config.env_runners.num_env_runners=2", "env=other"]
    changes += parse_stop('{"time_total_s": 60, "env_steps": 100}')
    _, experiment = parse_experiment(GOOD, changes)
    assert experiment.config.training.lr == [[0, 0.001], [100, 0]]
    assert experiment.config.env_runners.num_env_runners == 2
    assert experiment.env == "other"
    assert (experiment.stop.time_s, experiment.stop.env_steps) == (60, 100)
    assert GOOD["ring"]["env"].startswith("toys"), "the file's own data are untouched"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (changed(config={"training": {"gama": 0.9}}), r"'gama' in ring.config.training. Did you mean 'gamma'\?"),
        (changed(confg={}), r"'confg' in ring. Did you mean 'config'\?"),
        (changed(config={"training": {"gamma": "high"}}), r"gamma must be a number or null, but it is 'high'"),
        (changed(config={"env_runners": {"num_env_runners": 1.5}}), "must be a whole number or null, but it is 1.5"),
        (changed(config={"env_runners": {"num_env_runners": True}}), "must be a whole number"),
        (changed(config={"training": [1]}), "training must be a mapping"),
        (changed(stop={"time": 3}), r"'time' in ring.stop. Did you mean 'time_s'\?"),
        (changed(trainng={"lr": 1}), r"'trainng' in ring. Did you mean 'training'\? It stands under 'config'."),
        (changed(config={"trainng": {}}), r"'trainng' in ring.config. Did you mean 'training'\? Valid"),
        (
            changed(config={"training": {"epsilon": 0.1, "gamma": 0.9, "tau": 0.5, "n_step": 3}}),
            r"training.epsilon, training.n_step, training.tau are settings of the value-based learner.*leave them out",
        ),
        (changed(run="IPO"), r"'IPO'. Did you mean 'IPPO'\?"),
        ({"ring": {"run": "IPPO"}}, "ring has no 'env'"),
        ({"ring": None}, "ring has no 'env'"),
        ({"a": {}, "b": {}}, "holds 2 entries"),
        ([1], r"one experiment"),
    ],
)
def test_one_clear_sentence(data, says):
    with pytest.raises(RemalisError, match=says) as caught:
        parse_experiment(data)
    assert "\n" not in str(caught.value)


def test_a_stop_may_be_taken_away_on_the_command_line():
    _, experiment = parse_experiment(changed(stop={"time_s": 3}), parse_stop('{"time_s": null, "env_steps": 9}'))
    assert (experiment.stop.time_s, experiment.stop.env_steps) == (None, 9)


@pytest.mark.parametrize(
    ("change", "says"),
    [("training.lr", "key=value"), ("env.lr=1", "holds the value"), ("training..lr=1", "key=value")],
)
def test_bad_changes(change, says):
    with pytest.raises(ConfigError, match=says):
        parse_experiment(GOOD, [change])


def test_files(tmp_path):
    with pytest.raises(ConfigError, match=r"no experiment file 'nowhere.yaml'"):
        load_experiment("nowhere.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1,\nb: }")
    with pytest.raises(ConfigError, match="cannot be read as YAML") as caught:
        load_experiment(broken)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_experiments_fit(name):
    given, experiment = load_experiment(name)
    assert given == name, "the run is found by the file's name"
    assert experiment.description
    assert experiment.config.rl_module.network in (None, *network_names())
    stop = experiment.stop
    assert any((stop.time_s, stop.env_steps, stop.training_iteration)), "no run without end"


def test_every_shipped_experiment_has_a_twin_that_learns_on_a_gpu():
    twins = gpu_configs()
    assert set(twins) == {f"{name}_gpu" for name in shipped_configs()}
    for name in shipped_configs():
        given, twin = load_experiment(f"{name}_gpu")
        assert given == f"{name}_gpu"
        changed = load_experiment(name, ["learners.num_gpus_per_learner=1"])[1]
        assert dataclasses.asdict(twin) == dataclasses.asdict(changed)


def test_names_of_trainables_are_the_classes_behind_them():
    from remalis_agents.rllib.algorithm import TRAINABLES

    assert set(METHODS) == set(TRAINABLES)
    assert {method.network for method in METHODS.values()} - {""} <= set(network_names())


def test_an_experiment_may_begin_as_another(tmp_path):
    first = tmp_path / "first.yaml"
    first.write_text("first: {base: traffic_easy_ippo, description: d, config: {training: {gamma: 0.5, lr: 0.1}}}")
    _, experiment = load_experiment(first)
    _, easy = load_experiment("traffic_easy_ippo")
    assert (experiment.config.training.gamma, experiment.config.training.lr) == (0.5, 0.1), "a schedule is replaced"
    assert experiment.config.training.num_epochs == easy.config.training.num_epochs, "the rest is kept"
    assert experiment.config.environment == easy.config.environment
    second = tmp_path / "second.yaml"
    second.write_text(f"second: {{base: {first}, run: TeamPPO, config: {{rl_module: {{network: ippo}}}}}}")
    assert load_experiment(second)[1].config.training.gamma == 0.5
    first.write_text(f"first: {{base: {second}}}")
    with pytest.raises(ConfigError, match="first -> second -> first"):
        load_experiment(first)
    first.write_text("first: {base: traffic_easy_ipo}")
    with pytest.raises(ConfigError, match="traffic_easy_ippo"):
        load_experiment(first)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("env_runners.num_cpus_per_env_runner=-1", "num_cpus_per_env_runner must be 0 or more, but it is -1"),
        ("env_runners.num_cpus_per_env_runner=.nan", "must be 0 or more, but it is nan"),
        ("env_runners.num_env_runners=-1", "num_env_runners must be 0 or more"),
        ("env_runners.sample_timeout_s=.nan", "sample_timeout_s must be above 0"),
        ("env_runners.rollout_fragment_length=0", "must be 1 or more"),
        ("env_runners.rollout_fragment_length=all", "'all'. Did you|Valid are: 'auto'"),
        ("learners.num_gpus_per_learner=-1", "num_gpus_per_learner must be 0 or more"),
        ("learners.num_gpus_per_learner=.nan", "num_gpus_per_learner must be 0 or more"),
        ("learners.num_cpus_per_learner=.nan", "num_cpus_per_learner must be 0 or more"),
        ("checkpoint.keep=0", "checkpoint.keep must be 1 or more"),
        ("checkpoint.keep=-1", "checkpoint.keep must be 1 or more"),
        ("checkpoint.frequency=-1", "checkpoint.frequency must be 0 or more"),
        ("rl_module.max_seq_len=0", "max_seq_len must be 1 or more"),
        ("debugging.seed=4294967296", "seed must be from 0 to 4294967295, but it is 4294967296"),
        ("debugging.log_level=LOUD", "Unknown debugging.log_level 'LOUD'"),
        ("stop.time_s=.nan", "stop.time_s must be above 0"),
        ("stop.time_s=.inf", "stop.time_s must be above 0, but it is inf"),
        ("stop.episode_return_mean=.nan", "episode_return_mean must be a finite number"),
        ("training.lr=[[0, 0.1], [100, -0.1]]", "whose values are 0 or more"),
        ("training.lr=[[0, 0.1], [100, .nan]]", "whose values are 0 or more"),
        ("training.lr=[[0, 0.1], [100, small]]", "whose values are 0 or more"),
        ("training.lr=[[0, 0.1], [100, 0], [50, 0]]", "begin with 0 and grow"),
        ("training.lr=[[5, 0.1], [100, 0]]", "begin with 0 and grow"),
        ("training.lr=[[0, 0.1], [soon, 0]]", "begin with 0 and grow"),
        ("training.lr=[[0, 0.1]]", "two or more points"),
        ("training.lr=[]", "two or more points"),
        ("training.entropy_coeff=[[0, 0.1], [100, -0.1]]", "training.entropy_coeff must have points"),
        ("training.entropy_coeff=.nan", "entropy_coeff must be 0 or more"),
        ("training.clip_param=0", "clip_param must be above 0"),
        ("training.vf_clip_param=-1", "vf_clip_param must be above 0"),
        ("training.kl_stop=.nan", "kl_stop must be above 0"),
        ("training.grad_clip=.nan", "grad_clip must be above 0"),
        ("training.lr=1" + "0" * 400, "lr must be a number or a list or null"),
    ],
)
def test_numbers_out_of_their_range_are_refused_when_the_file_is_read(change, says):
    with pytest.raises(RemalisError, match=says) as caught:
        parse_experiment(GOOD, [change])
    assert "\n" not in str(caught.value)


def test_numbers_at_the_edge_of_their_range_are_taken():
    changes = ["checkpoint.keep=1", "checkpoint.frequency=0", "debugging.seed=4294967295", "training.lr=0"]
    changes += ["training.vf_clip_param=.inf", "training.entropy_coeff=[[0, 1e-3], [1e6, 0]]", "checkpoint.keep=null"]
    changes += ["env_runners.rollout_fragment_length=auto"]
    training = parse_experiment(GOOD, changes)[1].config.training
    assert training.vf_clip_param == float("inf")
    assert training.entropy_coeff == [[0, 0.001], [1e6, 0]], "YAML 1.1 reads 1e-3 as text"


def test_every_range_and_choice_is_of_a_key_that_exists():
    known = dict(_leaves(load_experiment("partners_ippo")[1]))
    assert set(RANGES) | set(CHOICES) <= set(known)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ring: {env: a}\nring: {env: b}\n", r"the key 'ring' stands there twice, in line 1 and in line 2"),
        ("ring:\n  env: a\n  config: {training: {lr: 1, lr: 2}}\n", r"the key 'lr' stands there twice, in line 3"),
        ("ring: {env: a, stop: {time_s: 2020-13-01}}", "cannot be read as YAML: month must be in"),
    ],
)
def test_a_key_that_stands_twice_is_named(tmp_path, text, says):
    file = tmp_path / "ring.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        load_experiment(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../evil", "a/b", "", ".", "..", " ", "a\nb", "a\0b", "a" * 300, "é" * 100, "-x", None, "a "]
)
def test_a_name_that_no_folder_should_have_is_refused(name, tmp_path):
    with pytest.raises(ConfigError, match="An experiment's name becomes a folder") as caught:
        parse_experiment({name: GOOD["ring"]})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    with pytest.raises(ConfigError, match="becomes a folder"):
        new_run(name, parse_experiment(GOOD)[1], tmp_path / "runs")
    assert not list(tmp_path.iterdir())


def test_names_that_folders_may_have_are_taken():
    for name in ("ring", "ring-2.5_x", "my ring", "7", "Kölner Ring"):
        assert parse_experiment({name: GOOD["ring"]})[0] == name


@pytest.mark.parametrize(
    ("stop", "says"),
    [
        ("{time_s: 2020-01-01}", "stop.time_s must be a number or null, but it is '2020-01-01'"),
        ("{time_s: 2020-13-01}", "--stop must be JSON"),
        ('{"": 1}', "Unknown key in --stop ''"),
        ("{1: 1}", "Unknown key in --stop 1"),
        ("{time: 1}", "Did you mean 'time_s'"),
        ("{time_s: {2020-01-01: 3}}", "--stop takes a number"),
        ("{time_s: &a [*a]}", "--stop takes a number"),
        ("{time_s: 1, time_s: 2}", "the key 'time_s' stands there twice"),
    ],
)
def test_a_stop_that_is_none_is_one_sentence_about_stop(stop, says):
    with pytest.raises(RemalisError, match=says) as caught:
        parse_experiment(GOOD, parse_stop(stop))
    assert "\n" not in str(caught.value) and "--set" not in str(caught.value)


def test_files_of_a_world_lie_beside_the_experiment_that_names_them(tmp_path, monkeypatch):
    """And they take the place of the level that its base plays."""
    (tmp_path / "town").mkdir()
    for name in ("town.net.xml", "town.rou.xml"):
        (tmp_path / "town" / name).write_text("<x/>")
    own = {"base": "traffic_easy_ippo", "config": {"environment": {"env_config": {"scenario": "town.net.xml"}}}}
    own["config"]["environment"]["env_config"]["routes"] = ["town.rou.xml", "missing.rou.xml"]
    (tmp_path / "town" / "own.yaml").write_text(yaml.safe_dump({"own": own}))
    monkeypatch.chdir(tmp_path)
    _, experiment = load_experiment("town/own.yaml")
    assert experiment.config.environment.env_config == {
        "reward": "delay",
        "scenario": str(tmp_path / "town" / "town.net.xml"),
        "routes": [str(tmp_path / "town" / "town.rou.xml"), "missing.rou.xml"],
    }
    (tmp_path / "again.yaml").write_text(
        yaml.safe_dump(
            {"again": {"base": "town/own.yaml", "config": {"environment": {"env_config": {"level": "hard"}}}}}
        )
    )
    _, again = load_experiment("again.yaml")
    assert again.config.environment.env_config == {"reward": "delay", "level": "hard"}
