"""What is recorded of an episode is what happened, with and without a browser, and when the browser dies."""

from __future__ import annotations

import io
import os
import signal

import numpy as np
import pytest
from PIL import Image

import remalis_envs
from remalis_agents.web_film.film import film
from remalis_agents.web_film.recorder import Recorder, digests
from remalis_envs.web.policies import make_policy
from tests.agents.web_film.conftest import OPTIONS, SEED


def test_a_recording_says_what_a_plain_episode_does(recording):
    env = remalis_envs.web_v0(**OPTIONS)
    env.reset(seed=SEED)
    assert recording.first == digests(env.readings())
    for moment in recording.moments:
        actions = env.oracle()
        assert {turn.agent: turn.action for turn in moment.turns} == actions
        _, rewards, terminated, _, _ = env.step(actions)
        assert moment.rewards == rewards and moment.readings == digests(env.readings())
        assert moment.notes == env.episode.notebook.notes
        assert [turn.outcome for turn in moment.turns] == [desk.outcome for desk in env.episode.desks]
    assert all(terminated.values()) and not env.agents
    ending = recording.ending
    assert ending.solved and ending.confirmed and all(held for _, held in ending.checks) and not ending.harm
    assert ending.metrics["steps"] == len(recording.moments)
    env.close()


def test_who_acts_has_pictures_and_who_waits_has_none(recording):
    for moment in recording.moments:
        for turn in moment.turns:
            assert (turn.before is not None) == (turn.after is not None) == turn.active
            if turn.before is not None and turn.words.startswith(("follows", "presses", "types", "notes")):
                left, top, right, bottom = turn.before.box
                width, height = Image.open(io.BytesIO(turn.before.png)).size
                assert 0 <= left < right <= width and 0 <= top < bottom <= height


def test_changes_stand_with_the_step_that_made_them(recording):
    saved = [m for m in recording.moments if any(turn.words == "presses “Save draft”" for turn in m.turns)]
    assert saved and all(any(line.startswith("draft") for line in m.changes) for m in saved)
    assert any("ended 0 → 1" in line for line in recording.moments[-1].changes)
    waiting = [m for m in recording.moments if not any(turn.requested for turn in m.turns)]
    assert waiting and not any(m.changes for m in waiting)
    told = [text for m in recording.moments for turn in m.turns for text in turn.finished]
    assert sorted(told) == sorted(recording.subtasks.values())


def test_a_masked_action_is_said_to_be_one():
    class Wilful:
        def reset(self, env, seed):
            self.names = env.possible_agents

        def act(self, observations):
            forbidden = {a: np.flatnonzero(own["action_mask"] == 0) for a, own in observations.items()}
            return {a: int(forbidden[a][-1]) for a in self.names}

    env = remalis_envs.web_v0("easy", engine="model", domains=["shop"])
    recorder = Recorder(env, Wilful(), 0, {}, "wilful")
    for moment in recorder.moments():
        assert not moment.active
        assert {turn.words for turn in moment.turns} == {"tries what it may not do"}
    assert not recorder.recording.ending.confirmed
    assert "nobody confirmed within 8 team steps" in recorder.recording.ending.headline(8)
    env.close()


@pytest.mark.browser
def test_in_the_browser_pictures_change_nothing_and_a_dead_browser_ends_the_film(tmp_path):
    options = OPTIONS | {"engine": "chromium"}
    seen = remalis_envs.web_v0(**options)
    unseen = remalis_envs.web_v0(**OPTIONS)
    try:
        recorder = Recorder(seen, make_policy("oracle"), SEED, options, "the oracle")
        unseen.reset(seed=SEED)
        boxed = 0
        for moment in recorder.moments():
            unseen.step(unseen.oracle())
            assert moment.readings == digests(unseen.readings())
            for turn in moment.active:
                image = np.asarray(Image.open(io.BytesIO(turn.before.png)).convert("L"))
                if turn.before.box is not None:
                    left, top, right, bottom = (round(edge) for edge in turn.before.box)
                    assert 0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0], turn.words
                    assert np.ptp(image[top:bottom, left:right]) > 60, "there is something to be seen"
                    boxed += 1
        assert boxed > 10 and recorder.recording.ending.solved

        recorder = Recorder(seen, make_policy("oracle"), SEED, options, "the oracle")

        def kill(moment):
            if moment.step == 2:
                os.kill(seen.episode.engine._browser.sandbox.pid, signal.SIGKILL)

        assert film(recorder, tmp_path / "clip.mp4", 0.4, kill) > 5
        ending = recorder.recording.ending
        assert ending.fault and "broke off after 2 team steps" in ending.headline(2)
        assert (tmp_path / "clip.mp4").stat().st_size > 1000
    finally:
        seen.close()
        unseen.close()
