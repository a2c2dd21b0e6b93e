"""Who plays without having learned: the web's own teams demonstrate and are evaluated as controllers are."""

from __future__ import annotations

import pytest

from remalis_agents.cli import main
from remalis_agents.imitation.read import read
from remalis_agents.players import TRAFFIC, WEB, home_of, make_player, player_names
from remalis_envs.errors import RemalisError


def test_each_environment_has_its_own_players():
    assert home_of("max_pressure") == TRAFFIC and home_of("oracle") == WEB
    assert home_of("random") == TRAFFIC, "both have one; traffic is what is meant where nothing is said"
    assert "random" in player_names(WEB) and home_of("nobody") is None
    assert (make_player("greedy", TRAFFIC).name, make_player("overlap", WEB).name) == ("greedy", "overlap")
    with pytest.raises(RemalisError, match="Unknown team of the web 'max_pressure'"):
        make_player("max_pressure", WEB)
    with pytest.raises(RemalisError, match="Unknown controller 'oracle'"):
        make_player("oracle", TRAFFIC)


def test_the_oracle_demonstrates_the_web(tmp_path, capsys):
    file = tmp_path / "d.parquet"
    arguments = ["--controller", "oracle", "--env", WEB, "--level", "easy", "--set", "engine=model", "--episodes", "12"]
    assert main(["demonstrate", *arguments, "--out", str(file)]) == 0
    told = capsys.readouterr().out
    assert "controller:oracle; 10 / 1 / 1 episodes" in told
    assert "recording controller:oracle: 1 of 12 episodes in " in told and told.count(" of 12 episodes in ") == 11
    data = read(file)
    assert data.header.env == WEB and data.header.env_config["split"] == "train"
    columns = data.columns
    legal = columns["action_mask"].gather(-1, columns["action"].unsqueeze(-1))
    assert bool(legal.all()) and bool((columns["action"] > 0).any())


def test_a_team_of_the_web_is_evaluated_as_a_controller_is(capsys):
    assert main(["evaluate", "oracle", "--level", "easy", "--set", "engine=model", "--episodes", "3"]) == 0
    told = capsys.readouterr().out
    assert WEB in told and "split=test" in told
    (line,) = [line for line in told.splitlines() if line.split()[:1] == ["success"]]
    assert float(line.split()[1]) == 1.0
