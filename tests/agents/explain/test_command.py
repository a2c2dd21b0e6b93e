"""The command `remalis explain`: what it writes and prints, and its sentences for what cannot be."""

from __future__ import annotations

import pytest
from explained_teams import partners

from remalis_agents.cli import remalis_main
from remalis_agents.explain import Recording


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    _, team = partners()
    team.trained_on["env_config"] = {"agents": 4, "symbols": 4, "horizon": 12}
    return str(team.save_pretrained(tmp_path_factory.mktemp("team")))


def test_it_writes_a_page_and_the_recording(exported, tmp_path, capsys):
    assert remalis_main(["explain", exported, "--seed", "4", "--steps", "5", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    page, recording = tmp_path / "out" / "explain.html", Recording.load(tmp_path / "out" / "explain.npz")
    assert printed.splitlines()[0] == f"page        {page}"
    assert f"5 steps, {len(recording.messages())} messages" in printed
    assert recording.steps == 5 and recording.meta["seed"] == 4 and recording.meta["env_config"]["symbols"] == 4
    text = page.read_text(encoding="utf-8")
    assert f"remalis explain {exported} --seed 4 --steps 5" in text and exported in text


def test_options_of_the_environment_may_be_set(exported, tmp_path):
    page = tmp_path / "page.html"
    assert remalis_main(["explain", exported, "--set", "horizon=3", "--steps", "9", "--out", str(page)]) == 0
    recording = Recording.load(page.with_suffix(".npz"))
    assert recording.steps == 3 and recording.meta["env_config"]["horizon"] == 3
    assert "--set horizon=3" in page.read_text(encoding="utf-8")


def test_an_episode_may_end_before_its_steps_and_a_file_be_named(exported, tmp_path):
    file = tmp_path / "deep" / "one.html"
    assert remalis_main(["explain", exported, "--steps", "50", "--out", str(file)]) == 0
    assert file.exists() and Recording.load(file.with_suffix(".npz")).steps == 12


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--steps", "0"], "--steps is 1 or more"),
        (["--seed", "-1"], "--seed is 0 or more"),
        (["--set", "horizon"], "--set takes key=value"),
        (["--level", "easy"], "Unknown option of remalis/PartnersTeam-v0: 'level'"),
        (["--env", "remalis/TraficTeam-v0"], "Did you mean 'remalis/TrafficTeam-v0'?"),
        (["--env", "remalis/TrafficTeam-v0", "--level", "easy"], "is for agents with vectors of length 5"),
        (["--out", "taken"], "'taken/explain.html' cannot be written"),
    ],
)
def test_mistakes_are_one_sentence(exported, tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file, and no folder")
    assert remalis_main(["explain", exported, *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and "\n" not in said
    assert not list(tmp_path.rglob("*.html"))


def test_a_checkpoint_of_another_method_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _, team = partners("ippo")
    folder = team.save_pretrained(tmp_path / "silent")
    assert remalis_main(["explain", str(folder)]) == 2
    said = capsys.readouterr().err.strip()
    assert "network 'ippo', which has no intentions" in said and "\n" not in said
