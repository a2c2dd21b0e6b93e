"""A language-model body in training: PPO with LoRA on real traffic, from the shipped file to the explained team."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from loops import Loop, config_for
from ray.rllib.core.columns import Columns

import remalis_envs
from remalis_agents import Team
from remalis_agents.cli import main, remalis_main
from remalis_agents.co_players import CO_PLAYERS
from remalis_agents.configs import load_experiment
from remalis_agents.evaluate import POLICY_FOLDER, load_policy, load_team
from remalis_agents.language.options import LanguageModelError
from remalis_agents.language.tiny import make_tiny_llama
from remalis_agents.language.watching import TEXT
from remalis_agents.registration import make_team_env
from remalis_agents.rllib import TeamCategorical
from remalis_agents.rllib.team_module import DRAWN_LOGP
from remalis_agents.synthetic import traffic_spec
from remalis_agents.train import build_config
from remalis_envs.errors import RemalisError
from remalis_envs.registration import make_traffic_team

pytestmark = pytest.mark.ray

TRAFFIC = "remalis/TrafficTeam-v0"
TOKENS = 256


@pytest.fixture
def loop(llama, monkeypatch) -> Loop:
    """The learner's pipeline on easy; texts are cut, which tests must not wait for."""
    torch.manual_seed(3)
    world = {"level": "easy", "horizon_s": 60, TEXT: {"path": str(llama), "max_tokens": TOKENS}}
    env = make_team_env(TRAFFIC, world)
    spec = traffic_spec("remalis")
    own = {"network": "remalis", "layout": spec.layout, "max_seq_len": 4}
    own |= {"subgoals": spec.subgoals, "concepts": spec.concepts}
    own["options"] = {"language_model": {"path": str(llama), "max_tokens": TOKENS}}
    config = config_for(TRAFFIC, env, train_batch_size_per_learner=12, minibatch_size=8, normalise_values=False)
    env.close()
    config.environment(TRAFFIC, env_config=world).env_runners(num_envs_per_env_runner=1).rl_module(model_config=own)
    made = Loop(config)
    yield made
    made.runner.stop()


def test_what_acted_is_what_learns_and_only_adapters_of_the_model_move(loop):
    """Stored log-probabilities equal new ones to 1e-5; then PPO moves adapters and all that stands around them."""
    episodes = loop.runner.sample(num_timesteps=12)
    batch = loop.batch(episodes)
    valid = batch[Columns.LOSS_MASK].bool()
    with torch.no_grad():
        out = loop.module.forward_train(batch)
    new = TeamCategorical(out[Columns.ACTION_DIST_INPUTS]).logp(batch[Columns.ACTIONS]) + out[DRAWN_LOGP]
    torch.testing.assert_close(new[valid], batch[Columns.ACTION_LOGP][valid], atol=1e-5, rtol=0)
    assert (batch[Columns.OBS]["tokens"][valid] > 0).any(-1).all(), "every light reads, at every step"
    before = {name: value.clone() for name, value in loop.module.state_dict().items()}
    loop.learner._gae.looks.clear()
    loop.learner._gae.inputs.clear()
    figures = loop.update(episodes, epochs=2, minibatch_size=8)
    moved = {name for name, value in loop.module.state_dict().items() if not torch.equal(value, before[name])}
    assert all(np.isfinite(value) for value in figures.values())
    assert sum("lora_" in name for name in moved) == 8
    assert not any("backbone" in name and "lora_" not in name for name in moved)
    assert {"model.network.body.kappa", "model.network.planning.head.weight"} <= moved
    kept = {name for name in loop.module.get_state() if "backbone" in name}
    assert len(kept) == 9 and all("lora_" in name or name.endswith("fingerprint") for name in kept)


def small(*changes: str) -> list[str]:
    base = ["env_runners.num_env_runners=1", "environment.env_config.horizon_s=60", "checkpoint.frequency=0"]
    base += ["rl_module.max_seq_len=4", "training.train_batch_size_per_learner=12", "training.minibatch_size=12"]
    base += ["training.num_epochs=1", f"rl_module.options.language_model.max_tokens={TOKENS}"]
    return [part for change in [*base, *changes] for part in ("--set", change)]


def test_two_iterations_of_ppo_on_the_shipped_experiment(llama, ray_session):
    """The algorithm as `rllib train` runs it, in this process."""
    changes = small(f"rl_module.options.language_model.path={llama}", "env_runners.num_env_runners=0")[1::2]
    algorithm = build_config(load_experiment("traffic_easy_remalis_llm", changes)[1]).build_algo()
    try:
        before = algorithm.get_module().get_state()
        results = [algorithm.train() for _ in range(2)]
        after, runner = algorithm.get_module().get_state(), algorithm.env_runner.module.get_state()
    finally:
        algorithm.stop()
    adapters = [name for name in after if "lora_" in name]
    assert len(adapters) == 8 and all(np.abs(after[name] - before[name]).max() > 0 for name in adapters)
    assert all(np.array_equal(after[name], runner[name]) for name in adapters), "runners act with them"
    figures = results[-1]["learners"]["default_policy"]
    assert {"belief_loss", "auxiliary_loss", "concept_accuracy", "policy_loss"} <= set(figures)
    assert abs(figures["mean_kl"]) < 0.1 and np.isfinite(figures["policy_loss"])


@pytest.mark.full
def test_the_shipped_experiment_from_training_to_explaining(llama, ray_session, tmp_path, monkeypatch):
    """`rllib train file`, --resume, evaluate, export; `remalis explain`; and the team in Python."""
    monkeypatch.chdir(llama.parent)  # a path may be relative: Ray's workers stand elsewhere
    runs = ["--storage", str(tmp_path / "runs")]
    path = "rl_module.options.language_model.path=llama"
    command = ["train", "file", "traffic_easy_remalis_llm", *runs]
    assert main([*command, *small(path), "--stop", '{"env_steps": null, "training_iteration": 2}']) == 0
    assert main([*command, "--resume", "--stop", '{"training_iteration": 3}']) == 0
    (run,) = (tmp_path / "runs").iterdir()
    monkeypatch.chdir(tmp_path)
    policy = load_policy(run)
    assert policy.model.spec.options["language_model"]["path"] == str(llama.resolve())
    assert any(value.abs().sum() > 0 for name, value in policy.named_parameters() if "lora_B" in name), "it has learnt"
    state = pickle.loads((_latest(run) / "module_state.pkl").read_bytes())
    frozen = sum(weights.numel() for weights in policy.parameters() if not weights.requires_grad)
    assert sum(np.size(value) for name, value in state.items() if "backbone" in name) < 0.2 * frozen

    world = ["--episodes", "1", "--set", "horizon_s=60"]
    assert main(["evaluate", str(run), *world, "--out", "run.json"]) == 0
    assert main(["export", str(run), "team"]) == 0
    assert main(["evaluate", "team", *world, "--out", "team.json"]) == 0
    one, other = (json.loads(Path(f"{name}.json").read_text())["episodes"][0] for name in ("run", "team"))
    assert one["team_return"] == other["team_return"] and one["mean_delay_s"] == other["mean_delay_s"]
    assert remalis_main(["explain", "team", "--steps", "4", "--out", "page"]) == 0
    assert (tmp_path / "page" / "explain.html").stat().st_size > 10_000


def _latest(run: Path) -> Path:
    return sorted(run.glob("trial_*/checkpoint_*"))[-1] / POLICY_FOLDER


@pytest.fixture
def exported(llama, tmp_path) -> tuple[Path, Path]:
    """A team of random weights, exported, and the folder of its model."""
    from remalis_agents.networks.model import TeamModel

    folder = tmp_path / "model"
    shutil.copytree(llama, folder)
    torch.manual_seed(1)
    spec = traffic_spec("remalis", {"language_model": {"path": str(folder), "max_tokens": TOKENS}})
    return Team(TeamModel(spec), {"env": TRAFFIC}).save_pretrained(tmp_path / "team"), folder


def test_an_exported_team_reads_its_environment(exported):
    """As a controller does, in the parallel environment, and by rows in the team view: alike."""
    team, view = Team.from_pretrained(exported[0]), make_traffic_team(level="easy", horizon_s=20)
    observation, _ = view.reset(seed=1)
    with pytest.raises(LanguageModelError, match=r"give the environment, with begin\(env\)"):
        team(observation)
    team.begin(0, view)
    in_rows = team(observation)
    view.close()
    env = remalis_envs.traffic_v0(level="easy", horizon_s=20)
    observations, _ = env.reset(seed=1)
    team.reset(env, seed=0)
    assert list(team.act(observations).values()) == in_rows.tolist()
    env.close()


def test_a_team_whose_language_model_has_moved(exported, tmp_path, monkeypatch):
    team, folder = exported
    moved = folder.rename(tmp_path / "elsewhere")
    with pytest.raises(LanguageModelError, match=r"model' is not a folder.*REMALIS_LANGUAGE_MODEL"):
        Team.from_pretrained(team)
    found = Team.from_pretrained(team, language_model=moved)
    monkeypatch.setenv("REMALIS_LANGUAGE_MODEL", str(moved))
    with pytest.warns(RuntimeWarning, match="takes its place"):
        again = load_team(team)
    assert all(torch.equal(v, again.model.state_dict()[k]) for k, v in found.model.state_dict().items())
    wrong = make_tiny_llama(tmp_path / "wrong", ["other words"], width=16)
    with pytest.raises(LanguageModelError, match=r"learnt on another language model than the one in .*wrong'"):
        Team.from_pretrained(team, language_model=wrong)


def test_a_language_model_for_a_team_without_one(tmp_path):
    from remalis_agents.networks.model import TeamModel

    team = Team(TeamModel(traffic_spec("remalis"))).save_pretrained(tmp_path / "team")
    with pytest.raises(RemalisError, match="is no language model: leave it out"):
        Team.from_pretrained(team, language_model=tmp_path)


def test_a_co_player_reads_for_itself(exported):
    """In a training of another method, whose observations hold no text."""
    players = {"share": 0.5, "members": [f"checkpoint:{exported[0]}"]}
    env = make_team_env(TRAFFIC, {"level": "easy", "horizon_s": 20, CO_PLAYERS: players})
    observation, _ = env.reset(seed=0)
    assert "tokens" not in observation
    assert env.step(observation["action_mask"].argmax(-1))[4]["learning"].sum() in (4, 5)
    env.close()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([], r"no folder is given: .*--set rl_module.options.language_model.path=FOLDER"),
        (["rl_module.options.language_model.path=nowhere"], r"'nowhere' is not a folder"),
        (["rl_module.options.language_model.pth=x"], r"'pth'. Did you mean 'path'\?"),
        (["run=CommNet", "rl_module.options.language_model.path=x"], r"of network 'commnet' 'language_model'"),
        (["stage=imitate", "imitation.demonstrations={controller: greedy}"], "demonstrations hold none"),
    ],
)
def test_mistakes_are_told_before_anything_starts(changes, says, llama, tmp_path, monkeypatch):
    from remalis_agents.train import train

    if "stage=imitate" in changes:
        changes = [*changes, f"rl_module.options.language_model.path={llama}"]
    monkeypatch.chdir(tmp_path)
    name, experiment = load_experiment("traffic_easy_remalis_llm", changes)
    with pytest.raises(RemalisError, match=says) as caught:
        train(name, experiment, storage=tmp_path, callbacks=[])
    assert "\n" not in str(caught.value)


def test_workers_are_told_where_the_model_is(llama, monkeypatch):
    """Whatever their folder and their variables are."""
    monkeypatch.setenv("REMALIS_LANGUAGE_MODEL", str(llama))
    config = build_config(load_experiment("traffic_easy_remalis_llm", small()[1::2])[1])
    assert config.env_config[TEXT] == {"path": str(llama.resolve()), "max_tokens": TOKENS}
    assert config.model_config["options"]["language_model"]["path"] == str(llama.resolve())
    assert config.observation_space["tokens"].shape == (9, TOKENS)
    assert TEXT not in config.model_config["trained_on"]["env_config"]


def test_sizes_and_speed_of_a_network_around_a_language_model(llama, capsys):
    options = [f"language_model.path={llama}", "language_model.max_tokens=128", "language_model.rank=4"]
    changes = [part for option in options for part in ("--set", option)]
    assert remalis_main(["describe", *changes, "--agents", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum("lora_A" in name and shape == [4, 32] for name, shape in told["shapes"].items()) == 4
    assert 0 < told["trained_parameters"] < told["parameters"] and told["step_ms"][0]["agents"] == 3


def test_a_tiny_model_is_made_by_a_command(tmp_path, capsys):
    folder = tmp_path / "tiny"
    assert remalis_main(["tiny-llama", str(folder), "--width", "16", "--layers", "1"]) == 0
    assert "REMALIS_LANGUAGE_MODEL=" in capsys.readouterr().out
    assert json.loads((folder / "config.json").read_text())["hidden_size"] == 16
    assert remalis_main(["tiny-llama", str(folder), "--width", "15"]) == 2
    assert "--width is a multiple of 4" in capsys.readouterr().err
