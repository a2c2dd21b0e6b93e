"""Trained teams: played through either view, exported, read back without Ray, refused in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toys import Ring

import remalis_agents
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.team import Team
from remalis_envs.errors import RemalisError
from remalis_envs.team import TeamEnv


def team(sharing="full", sample=False, **options):
    torch.manual_seed(0)
    layout = {"start": 0, "count": 3, "features": 1, "types": 0, "type_count": 3} if sharing == "by_type" else None
    return Team(TeamModel(ModelSpec("ippo", 4, 3, 5, options, layout, sharing)), {"env": "toys:Ring"}, sample)


@pytest.mark.parametrize("recurrent", [0, 6])
def test_both_views_give_the_same_actions(recurrent):
    player = team(recurrent=recurrent)
    with torch.no_grad():
        for parameter in player.model.parameters():
            parameter.mul_(3.0)
    env, stacked = Ring(mask_first=True, horizon=30), TeamEnv(Ring(mask_first=True, horizon=30))
    observations, _ = env.reset(seed=3)
    player.reset(env, seed=3)
    mine = []
    while env.agents:
        mine.append(player.act(observations))
        observations, *_ = env.step(mine[-1])
    observation, _ = stacked.reset(seed=3)
    player.begin()
    for actions in mine:
        chosen = player(observation)
        assert dict(zip(stacked.agents, chosen.tolist(), strict=True)) == actions
        observation, *_ = stacked.step(chosen)
    assert len({tuple(actions.values()) for actions in mine}) > 3
    assert env.illegal == 0


def test_a_memory_begins_anew_with_each_episode():
    player, env = team(recurrent=6), TeamEnv(Ring())
    observation, _ = env.reset(seed=0)
    state = []
    for _ in range(2):
        player.begin()
        player(observation)
        state.append(player._state["memory"].clone())
        player(observation)
        assert not torch.equal(player._state["memory"], state[-1])
    assert torch.equal(*state)


@pytest.mark.parametrize("options", [{}, {"recurrent": 6}, {"sharing": "by_type"}, {"sharing": "none"}])
def test_what_is_exported_and_read_back_acts_alike(options, tmp_path):
    player = team(**options)
    with torch.no_grad():
        for parameter in player.model.parameters():
            parameter.add_(torch.randn(parameter.shape))
    again = Team.from_pretrained(player.save_pretrained(tmp_path / "team"))
    assert {p.name for p in (tmp_path / "team").iterdir()} == {"config.json", "model.safetensors"}
    assert again.trained_on == {"env": "toys:Ring"}
    observation, _ = TeamEnv(Ring(agents=5)).reset(seed=1)
    for _ in range(3):
        assert np.array_equal(again(observation), player(observation))
    assert all(torch.equal(v, again.model.state_dict()[k]) for k, v in player.model.state_dict().items())


def test_ten_lines_run_an_exported_team_without_ray(tmp_path):
    from remalis_agents.networks import Layout
    from remalis_envs.traffic.observations import LAYOUT, OBSERVATION_SIZE

    layout = Layout.of(LAYOUT, 32).to_dict()
    Team(TeamModel(ModelSpec("ippo", OBSERVATION_SIZE, 32, 9, {}, layout))).save_pretrained(tmp_path / "my_team")
    lines = [line.removeprefix("        ") for line in Team.__doc__.split("::")[1].split("Args:")[0].splitlines()]
    code = ["import sys, remalis_envs", "from remalis_agents import Team", *(line for line in lines if line.strip())]
    assert len(code) <= 10
    code += ["assert 'ray' not in sys.modules and not env.agents", "print(env.metrics()['mean_delay_s'] > 0)"]
    script = "\n".join(code).replace('level="easy"', 'level="easy", horizon_s=60')
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_folders_that_hold_no_team_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(RemalisError, match="not the folder of an exported team"):
        Team.from_pretrained(tmp_path)
    folder = team().save_pretrained(tmp_path / "team")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99}))
    with pytest.raises(RemalisError, match="format that this version does not know"):
        Team.from_pretrained(folder)
    config["model"]["options"] = {"hidden": [8, 8]}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RemalisError, match="tensors differ, first"):
        Team.from_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(RemalisError, match="not the folder of an exported team"):
        Team.from_pretrained(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(RemalisError, match="cannot be written"):
        team().save_pretrained(tmp_path / "file" / "team")


def test_acting_needs_an_episode():
    with pytest.raises(RemalisError, match="reset"):
        team().act({})


def test_the_package_offers_it_without_importing_torch():
    assert remalis_agents.Team is Team
    script = "import sys, remalis_agents; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2]).returncode == 0


def changed_config(folder, key, value):
    """The folder with one value of its config.json changed; None for none."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    *inner, last = key.split(".")
    place = config
    for part in inner:
        place = place[part]
    place.pop(last)
    if value is not None:
        place[last] = value
    file.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("trained_on", None, "trained_on must be a mapping"),
        ("trained_on", [1], "trained_on must be a mapping"),
        ("trained_on", {"env_config": 3}, "trained_on must be a mapping"),
        ("format", None, "is not the folder of an exported team"),
        ("model", [1], "model must be a mapping"),
        ("model", {"netwrk": "ippo"}, "Did you mean 'network'"),
        ("model.network", 3, "model.network must be text"),
        ("model.network", None, "model.network must be text"),
        ("model.network", "ipo", "Did you mean 'ippo'"),
        ("model.layout", [1], "model.layout must be a mapping or null"),
        ("model.layout", {"a": 1}, "Unknown key of a layout 'a'"),
        ("model.options", 3, "model.options must be a mapping"),
        ("model.options", {"hidden": [-4]}, "is not the folder of an exported team"),
        ("model.options", {"hidden": "wide"}, "is not the folder of an exported team"),
        ("model.sharing", 3, "model.sharing must be text"),
        ("model.observation_size", -3, "model.observation_size must be from 1 to 1,000,000, but it is -3"),
        ("model.action_count", 10**12, "model.action_count must be from 1 to 1,000,000"),
        ("model.max_agents", True, "model.max_agents must be a whole number"),
        ("model.subgoals", -1, "model.subgoals must be from 0"),
    ],
)
def test_a_description_that_somebody_changed_is_a_sentence(tmp_path, key, value, says):
    folder = team().save_pretrained(tmp_path / "team")
    changed_config(folder, key, value)
    with pytest.raises(RemalisError, match=says) as caught:
        Team.from_pretrained(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [lambda w: w.to(torch.int32), lambda w: w * torch.nan, lambda w: w + torch.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, change):
    folder = team().save_pretrained(tmp_path / "team")
    file = folder / "model.safetensors"
    save_file({name: change(value) for name, value in load_file(file).items()}, file)
    with pytest.raises(RemalisError, match=r"The weights in .* are damaged"):
        Team.from_pretrained(folder)
