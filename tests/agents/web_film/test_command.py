"""`remalis play --env web`: films, strips, traces and replays from the command line; mistakes are one sentence."""

from __future__ import annotations

import json
import os

import pytest
from PIL import Image

from remalis_agents.cli import remalis_main
from tests.agents.explained_teams import team_for

WEB = ["play", "--env", "web", "--engine", "model"]
EASY = [*WEB, "--level", "easy", "--domain", "library", "--seed", "1", "--team", "solo", "--hold", "0.4"]


def test_the_command_makes_all_of_one_episode_and_replays_it(tmp_path, capsys):
    film, strip, told, kept = (str(tmp_path / name) for name in ("new/clip.mp4", "s.png", "t.html", "t.json"))
    assert remalis_main([*EASY, "--out", film, "--strip", strip, "--trace", told, "--trace", kept]) == 0
    said = capsys.readouterr().out
    trace = json.loads((tmp_path / "t.json").read_text())
    taken = len(trace["steps"])
    assert (
        all(name in said for name in (film, strip, told, kept)) and f"judge       Solved in {taken} team step" in said
    )
    assert Image.open(strip).width == 1400 and "Solved" in (tmp_path / "t.html").read_text()
    assert remalis_main(["play", "--env", "web", "--replay", kept]) == 0
    assert f"all {taken} steps came out the same" in capsys.readouterr().out
    again = str(tmp_path / "u.json")
    assert remalis_main(["play", "--env", "web", "--replay", kept, "--trace", again]) == 0
    assert (tmp_path / "u.json").read_text() == (tmp_path / "t.json").read_text()
    trace["steps"][-1]["rewards"]["alone"] += 1e-9
    (tmp_path / "u.json").write_text(json.dumps(trace))
    assert remalis_main(["play", "--env", "web", "--replay", again]) == 2
    assert f"differs from the trace in step {taken} in rewards" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_costs_the_trace_and_not_the_episode(tmp_path, capsys):
    for name in ("t.json", "t.html"):
        (tmp_path / name).symlink_to("/dev/full")
    traces = ["--trace", str(tmp_path / "t.json"), "--trace", str(tmp_path / "t.html")]
    assert remalis_main([*EASY, "--out", str(tmp_path / "clip.mp4"), *traces]) == 1
    said = capsys.readouterr()
    assert "Solved in" in said.out and (tmp_path / "clip.mp4").stat().st_size > 1000
    assert said.err.count("is lost: No space left on device.") == 2


def test_a_learned_team_is_filmed_in_what_it_was_trained_on(tmp_path, capsys):
    from remalis_agents.registration import make_team_env

    web = "remalis/WebTeam-v0"
    env = make_team_env(web, {"level": "easy", "engine": "model"})
    team = team_for(env, "ippo")
    team.trained_on = {"env": web, "env_config": {"level": "easy", "engine": "model", "domains": ["library"]}}
    folder = str(team.save_pretrained(tmp_path / "team"))
    env.close()
    kept = str(tmp_path / "t.json")
    assert remalis_main([*WEB, "--checkpoint", folder, "--split", "train", "--trace", kept]) == 0
    trace = json.loads((tmp_path / "t.json").read_text())
    assert trace["who"] == "a learned team (ippo)" and trace["place"]["domain"] == "library"
    assert trace["options"] == {"level": "easy", "domains": ["library"], "split": "train", "engine": "model"}
    assert remalis_main(["play", "--env", "web", "--replay", kept]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Say what is to be made"),
        (["--out", "clip.avi"], "Unknown film format '.avi'"),
        (["--strip", "strip.gif"], "ends in .png"),
        (["--trace", "trace.txt"], "Unknown trace format '.txt'"),
        (["--trace", "file/t.json"], "cannot be written"),
        (["--out", "a.mp4", "--agent", "oracel"], "Did you mean 'oracle'"),
        (["--out", "a.mp4", "--domain", "libary"], "Did you mean 'library'"),
        (["--out", "a.mp4", "--level", "eazy"], "Did you mean 'easy'"),
        (["--out", "a.mp4", "--engine", "chrome"], "Unknown engine 'chrome'"),
        (["--out", "a.mp4", "--team", "reader,verifyer"], "Did you mean 'verifier'"),
        (["--out", "a.mp4", "--hold", "0"], "to 60 seconds, not 0.0"),
        (["--out", "a.mp4", "--seed", "-1"], "-1"),
        (["--out", "a.mp4", "--agent", "random", "--checkpoint", "x"], "not both"),
        (["--out", "a.mp4", "--controller", "random"], "--controller is for --env traffic"),
        (["--out", "a.mp4", "--fps", "3"], "--fps is for --env traffic"),
        (["--out", "a.mp4", "--replay", "t.json", "--domain", "shop"], "leave --domain out"),
        (["--out", "a.mp4", "--replay", "t.json", "--seed", "3"], "leave --seed out"),
        (["--out", "a.mp4", "--replay", "nowhere.json"], "cannot be read"),
        (["--env", "flow", "--out", "a.mp4"], "Unknown environment 'flow'"),
        (["--env", "traffic", "--out", "a.mp4"], "--engine is for --env web"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert remalis_main([*WEB, *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
