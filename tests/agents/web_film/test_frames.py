"""Frames, films and strips: of the right size and length, with nothing over anything else."""

from __future__ import annotations

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

import remalis_envs
from remalis_agents.film_files import FilmError
from remalis_agents.web_film import drawing as d
from remalis_agents.web_film.film import CLOSING_S, FPS, OPENING_S, film
from remalis_agents.web_film.frames import _COLUMN, HEIGHT, WIDTH, Frames, cells
from remalis_agents.web_film.recorder import Recorder
from remalis_agents.web_film.recording import Ending, Recording
from remalis_agents.web_film.strip import choose, write_strip
from remalis_envs.web.policies import make_policy


@pytest.mark.parametrize("count", range(9))
def test_tabs_stand_beside_each_other(count):
    covered = np.zeros((HEIGHT, WIDTH), int)
    for left, top, right, bottom in cells(count):
        assert right - left > 400 and bottom - top > 120, "so that words can be read"
        covered[top : bottom + 1, left : right + 1] += 1
    assert len(cells(count)) == count and covered.max(initial=0) <= 1
    assert not covered[:, _COLUMN[0] :].any(), "the column is left free"


def test_lines_keep_their_width_and_number_and_say_where_they_were_cut():
    face, text = d.font(13), "Would you kindly hold the Pneumonoultramicroscopicsilicovolcanoconiosis for me " * 3
    for most in (1, 2, 5):
        lines = d.lines_of(text, face, 200, most)
        assert len(lines) == most and all(face.getlength(line) <= 200 for line in lines)
        assert lines[-1].endswith("…")
    assert d.lines_of("two words", face, 200, 3) == ["two words"]
    assert face.getlength(d.TICK) > 0 and face.getmask(d.TICK).getbbox() != face.getmask("\ufffe").getbbox()


def test_frames_show_what_is_acted_on_and_the_step_after(recording):
    frames = Frames(recording)
    shown = [frames.opening()]
    for moment in recording.moments:
        before, after = frames.before(moment), frames.after(moment)
        assert (before != after).any()
        for turn in moment.active:
            colour = np.array(d.colour_of(recording.agents.index(turn.agent)))
            assert (before == colour).all(-1).sum() > 5_000, f"{turn.agent} has its title"
        shown += [before, after]
    shown.append(frames.closing())
    assert {frame.shape for frame in shown} == {(HEIGHT, WIDTH, 3)} and shown[0].dtype == np.uint8
    assert (shown[-1] == np.array(d.GOOD)).all(-1).sum() > 20_000, "solved, in green"


def test_an_episode_of_idle_agents_can_be_seen_too(recording):
    idle = Recording(**{**recording.__dict__, "moments": [], "ending": Ending(fault="the browser died")})
    frames = Frames(idle)
    assert frames.opening().shape == frames.closing().shape == (HEIGHT, WIDTH, 3)
    assert (frames.closing() == np.array(d.BAD)).all(-1).sum() > 20_000
    assert choose([], 6) == []
    with pytest.raises(FilmError, match="somebody did something"):
        write_strip(idle, None)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
def test_a_film_lasts_as_long_as_its_steps(tmp_path, suffix):
    env = remalis_envs.web_v0("easy", engine="model", domains=["library"], team="solo")
    recorder = Recorder(env, make_policy("oracle"), 1, {}, "the oracle")
    told: list[int] = []
    duration_s = film(recorder, tmp_path / f"clip{suffix}", 0.4, lambda moment: told.append(moment.step))
    env.close()
    steps = recorder.recording.moments
    assert told == [k + 1 for k in range(len(steps))]
    assert duration_s == pytest.approx(OPENING_S + 0.4 * len(steps) + CLOSING_S)
    assert [one.name for one in tmp_path.iterdir()] == [f"clip{suffix}"]
    if suffix == ".gif":
        with Image.open(tmp_path / "clip.gif") as image:
            image.seek(1)
            colours = np.asarray(image.convert("RGB")).reshape(-1, 3)
        assert (np.abs(colours.astype(int) - d.AGENTS[0]).max(-1) <= 8).sum() > 1_000, "agents keep their colours"
        return
    reader = imageio_ffmpeg.read_frames(str(tmp_path / f"clip{suffix}"))
    meta = next(reader)
    assert meta["size"] == (WIDTH, HEIGHT) and sum(1 for _ in reader) == round(duration_s * FPS)


def test_a_step_is_shown_for_a_while_and_not_for_ever(tmp_path):
    for hold_s in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(FilmError, match=r"0\.4 to 60 seconds"):
            film(None, tmp_path / "clip.mp4", hold_s)


def test_a_strip_is_small_and_tells_the_whole_episode(recording, tmp_path):
    chosen = choose(recording.moments, 6)
    steps = [moment.step for moment, _ in chosen]
    assert len(chosen) == 6 and steps == sorted(steps) and steps[-1] == len(recording.moments)
    assert len({turn.agent for _, turn in chosen}) >= 4, "a team at work"
    write_strip(recording, tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as image:
        assert image.width == 1400 and 500 < image.height < 1000
    assert (tmp_path / "strip.png").stat().st_size < 400_000
