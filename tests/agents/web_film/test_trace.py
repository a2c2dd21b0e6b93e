"""Traces: read back as they were, replayed exactly, and whatever differs is found and named."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

import remalis_envs
from remalis_agents.web_film.page import page
from remalis_agents.web_film.recorder import Recorder
from remalis_agents.web_film.trace import Replayer, ReplayError, as_json, read_trace
from remalis_envs.errors import RemalisError
from remalis_envs.web.policies import Policy


@pytest.fixture
def trace(recording, tmp_path):
    """A trace as a file's content that may be changed, and what replays it."""
    found = json.loads(as_json(recording))

    def replay():
        (tmp_path / "trace.json").write_text(json.dumps(found))
        read = read_trace(tmp_path / "trace.json")
        env = remalis_envs.web_v0(**read.options)
        try:
            replayer = Replayer(env, read, pictures=False)
            for _ in replayer.moments():
                pass
        finally:
            env.close()
        return replayer.recording

    return found, replay


def bare(one):
    """A recording without its pictures."""
    moments = [
        dataclasses.replace(m, turns=tuple(dataclasses.replace(t, before=None, after=None) for t in m.turns))
        for m in one.moments
    ]
    return {**one.__dict__, "start": None, "moments": moments}


def test_a_trace_is_read_as_it_was_written_and_replays(recording, trace):
    _, replay = trace
    assert bare(replay()) == bare(recording)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t["steps"][2]["rewards"].update(reader=0.5), "in step 3 in rewards: of reader"),
        (lambda t: t["steps"][4]["readings"].update(searcher="0"), "in step 5 in what tabs show: of searcher"),
        (lambda t: t["first"].update(verifier="0"), "at the start in what tabs show: of verifier"),
        (lambda t: t["steps"][0]["turns"][0].update(action=0), "in step 1 in what actions came to: of searcher"),
        (lambda t: t.update(instruction="Buy nothing."), "'Buy nothing.', but this version draws 'Put 5"),
        (lambda t: t["steps"].pop(), "the trace is over, but the episode is not"),
        (lambda t: t["ending"]["metrics"].update(notes=99.0), "at the end in figures: of notes"),
        (lambda t: t["options"].update(team=["reader", "verifier"]), "is of the agents"),
    ],
)
def test_what_differs_is_found_and_named(trace, spoil, says):
    found, replay = trace
    spoil(found)
    with pytest.raises(ReplayError, match=re.compile(re.escape(says), re.I)):
        replay()


def test_a_trace_keeps_its_task_when_domains_are_added(trace, recording):
    found, replay = trace
    found["options"]["domains"] = ["library", "shop"]  # the seed alone would draw another task
    assert replay().instruction == recording.instruction


class Writer(Policy):
    """Writes words of its own into a field, then waits."""

    def act(self, observations):
        said = dict.fromkeys(self._env.agents, 0)
        fields = [item.name for item in self._env.readings()["alone"].items if item.kind == "text"]
        if fields:
            said["alone"] = self._env.parse("alone", f'fill "{fields[0]}" with "step {self._env.episode.step}"')
        return said


def test_words_of_ones_own_are_replayed(tmp_path):
    options = {"level": "easy", "domains": ["library"], "team": "solo", "engine": "model"}
    env = remalis_envs.web_v0(**options)
    for seed in range(40):
        env.reset(seed=seed)
        if any(item.kind == "text" for item in env.readings()["alone"].items):
            break
    recorder = Recorder(env, Writer(), seed, options, "a writer", pictures=False)
    for _ in recorder.moments():
        pass
    written = [turn.words for moment in recorder.recording.moments for turn in moment.active]
    assert len(written) == 8 and "“step 3”" in written[3]
    (tmp_path / "t.json").write_text(as_json(recorder.recording))
    replayer = Replayer(env, read_trace(tmp_path / "t.json"), pictures=False)
    assert [turn.words for moment in replayer.moments() for turn in moment.active] == written
    env.close()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is damaged"),
        ("[]", "is no trace"),
        ('{"kind": "remalis web trace"}', "is damaged"),
        ('{"kind": "remalis web trace", "format": 99, "remalis": "9.0"}', "install that version"),
    ],
)
def test_files_that_are_no_traces_are_one_sentence(tmp_path, content, says):
    if content is not None:
        (tmp_path / "t.json").write_text(content)
    with pytest.raises(RemalisError, match=says) as error:
        read_trace(tmp_path / "t.json")
    assert "\n" not in str(error.value)


def test_the_page_has_everything_and_asks_nobody_for_anything(recording):
    shown = page(recording)
    assert not re.findall(r"""(?:src|href)\s*=|url\((?!data:)|<script|https?://""", shown), "nothing from elsewhere"
    for moment in recording.moments:
        assert f'id="step{moment.step}"' in shown
        for turn in moment.active:
            assert turn.words.split(" ", 1)[1].strip("“”")[:30].replace("'", "&#x27;") in shown
    assert "Draft saved." in shown and "draft: " in shown and "Solved in" in shown
    pictures = {shown.png for m in recording.moments for t in m.active for shown in (t.before, t.after)}
    assert shown.count("url(data:image/webp;base64,") == len(pictures | {recording.start.png}), "each of them once"
    hostile = page(dataclasses.replace(recording, instruction='Buy <script>alert("1")</script>'))
    assert "<script" not in hostile and "&lt;script&gt;" in hostile
