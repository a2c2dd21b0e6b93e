"""A folder of one's own: the example of the documentation is played as it stands, and mistakes are named."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import remalis_envs
from remalis_envs.errors import RemalisError
from remalis_envs.web.others.folder import folder_tasks
from remalis_envs.web.sites.schema import DomainError

README = files("remalis_envs.web.others").joinpath("README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in re.findall(r"`my/folder/([\w.]+)`\n\n```\w+\n(.*?)```", README, re.S):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.browser
def test_the_documented_folder_is_played(folder: Path) -> None:
    env = remalis_envs.web_v0(tasks=folder)
    try:
        words = set()
        for seed in range(4):
            env.reset(seed=seed)
            (wanted,) = re.findall('"(.*)"', env.task.instruction)
            words.add(wanted)
            assert not env.step({"alone": env.parse("alone", f'fill "Bird" with "{wanted}"')})[2]["alone"]
            assert env.step({"alone": env.parse("alone", 'press "Keep"')})[2]["alone"]
            assert env.metrics()["success"] == 1.0
        assert len(words) > 1
        env.reset(seed=0)
        env.step({"alone": env.parse("alone", 'fill "Bird" with "owl"')})
        assert env.step({"alone": env.parse("alone", 'press "Keep"')})[2]["alone"]
        assert env.metrics()["success"] == 0.0
    finally:
        env.close()


def test_a_folder_of_domains_is_played_by_a_team_without_a_browser(tmp_path: Path) -> None:
    text = files("remalis_envs.web").joinpath("domains", "library.yaml").read_text(encoding="utf-8")
    (tmp_path / "my_library.yaml").write_text(text, encoding="utf-8")
    env = remalis_envs.web_v0(tasks=tmp_path, engine="model")
    try:
        env.reset(seed=1)
        assert len(env.possible_agents) == 7
        while env.agents:
            env.step(env.oracle())
        assert env.metrics()["success"] == 1.0
    finally:
        env.close()


def test_answers_and_what_lies_outside_are_not_served(folder: Path) -> None:
    (folder.parent / "secret.html").write_text("secret", encoding="utf-8")
    (folder / "way_out.html").symlink_to(folder.parent / "secret.html")
    world = folder_tasks(folder).draw("keep", "easy", 1, 0).world
    assert world._read("/note.html") is not None
    for path in ("/keep.yaml", "/way_out.html", "/../secret.html"):
        assert world._read(path) is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("start: note.html", "start: nowhere.html", "no such page"),
        ("solved:", "solve:", "lacks 'solved'"),
        ("steps: 10", "stepps: 10", "Did you mean 'steps'"),
        ("solved: {address:", "solved: {adress:", "must have one of"),
    ],
)
def test_mistakes_are_named(folder: Path, old: str, new: str, words: str) -> None:
    file = folder / "keep.yaml"
    file.write_text(file.read_text().replace(old, new), encoding="utf-8")
    with pytest.raises(DomainError, match=words):
        folder_tasks(folder)


def test_an_empty_folder_and_a_wrong_name_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(RemalisError, match="neither domains nor tasks"):
        remalis_envs.web_v0(tasks=tmp_path)
    with pytest.raises(RemalisError, match="a folder that exists"):
        remalis_envs.web_v0(tasks="nowhere/at/all")


POLLS = """<!DOCTYPE html>
<title>Polls</title>
<p id="told">0</p>
<button onclick="setTimeout(() => { told.textContent = 'asked'; }, 400)">Ask</button>
<script>
  let polled = 0;
  const sleep = (ms) => new Promise((go) => setTimeout(go, ms));
  (async () => { for (;;) { await sleep(200); polled += 1; } })();
</script>
"""


@pytest.mark.browser
def test_what_comes_within_half_a_second_is_waited_for_and_a_page_that_polls_comes_to_rest(tmp_path: Path) -> None:
    (tmp_path / "polls.html").write_text(POLLS, encoding="utf-8")
    task = "instruction: Ask.\nstart: polls.html\nsolved: {text: p, value: asked}\n"
    (tmp_path / "ask.yaml").write_text(task, encoding="utf-8")
    env = remalis_envs.web_v0(tasks=tmp_path)
    try:
        env.reset(seed=0)
        assert env.step({"alone": env.parse("alone", 'press "Ask"')})[2] == {"alone": True}
        assert env.episode.desks[0].outcome == "done"  # and not "unsettled"
        assert env.metrics()["success"] == 1.0
    finally:
        env.close()
