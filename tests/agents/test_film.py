"""Films: what is written is read back; mistakes are one sentence and leave nothing behind."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

import remalis_envs
from remalis_agents import play
from remalis_agents.controllers import make_controller
from remalis_agents.film import film, resample, scenes
from remalis_agents.film_files import GIF_WIDTH_PX, FilmError, film_writer
from remalis_envs.errors import RemalisError
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.render import Scene


@pytest.fixture(scope="module")
def env() -> Iterator[TrafficEnv]:
    made = remalis_envs.traffic_v0("easy", horizon_s=60)
    yield made
    made.close()


def read_back(path: Path) -> tuple[dict, list[np.ndarray]]:
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    width, height = meta["size"]
    return meta, [np.frombuffer(frame, np.uint8).reshape(height, width, 3).astype(int) for frame in reader]


def command(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    play.add_parser(parser.add_subparsers())
    return parser.parse_args(["play", *arguments])


def scene_at(time_s: float) -> Scene:
    one = np.ones(1)
    return Scene(time_s, ("car",), one * time_s, one, one, one, one > 2, one.astype(np.int64), one)


def test_an_mp4_has_the_frames_the_pace_and_the_size_it_should(env, tmp_path):
    shown: list[tuple[int, int]] = []
    made = film(
        env,
        make_controller("max_pressure"),
        tmp_path / "new" / "clip.mp4",
        seconds=40,
        fps=5,
        speed=10,
        skip_s=10,
        width=600,
        on_frame=lambda done, total: shown.append((done, total)),
    )
    meta, frames = read_back(made.path)
    assert len(frames) == made.frames == 21
    assert meta["fps"] == 5 and meta["duration"] == pytest.approx(made.duration_s, abs=0.05)
    assert "yuv420p" in meta["pix_fmt"] and meta["codec"] == "h264"
    assert shown == [(k + 1, 21) for k in range(21)]
    assert np.abs(frames[0] - frames[-1]).max() > 60, "cars have moved"
    assert [p.name for p in made.path.parent.iterdir()] == ["clip.mp4"]
    assert made.metrics["arrived_veh"] > 0


def test_a_gif_plays_for_ever_at_the_same_pace_in_bounds(env, tmp_path):
    made = film(env, make_controller("random"), tmp_path / "clip.gif", seconds=20, fps=20, speed=10)
    with Image.open(made.path) as image:
        assert image.width == GIF_WIDTH_PX
        assert image.info["loop"] == 0
        # Equal frames are merged into a longer one, so the time is what can be relied on.
        total_ms = 0
        for k in range(image.n_frames):
            image.seek(k)
            total_ms += image.info["duration"]
    assert total_ms / 1000 == pytest.approx(made.duration_s, abs=0.11)


def test_a_film_ends_with_its_episode(env, tmp_path):
    made = film(env, make_controller("max_pressure"), tmp_path / "a.mp4", seconds=500, fps=2, speed=10, width=480)
    assert made.simulated_s == 60 and made.frames == 13
    assert len(read_back(made.path)[1]) == 13


def test_the_time_to_skip_is_not_shown(env, tmp_path):
    times = []
    player = make_controller("max_pressure")
    for scene in resample(scenes(env, player, 0, 23.0), 23.0, 5.0, 4):
        times.append(scene.time_s)
    assert times == [23, 28, 33, 38]
    with pytest.raises(FilmError, match="ended before the 61 s"):
        film(env, player, tmp_path / "a.mp4", skip_s=61)
    assert list(tmp_path.iterdir()) == []


def test_frames_between_scenes_are_interpolated_and_none_is_missed():
    found = [scene_at(float(t)) for t in range(6)]
    exact = list(resample(found, 0.0, 1.0, 100))
    assert [one.time_s for one in exact] == [0, 1, 2, 3, 4, 5]
    assert all(one is other for one, other in zip(exact, found, strict=True))
    fine = list(resample(found, 1.0, 0.4, 8))
    assert np.allclose([one.time_s for one in fine], 1.0 + 0.4 * np.arange(8))
    assert np.allclose([one.x_m[0] for one in fine], [one.time_s for one in fine])
    assert [one.time_s for one in resample(found, 0.0, 2.0, 2)] == [0, 2]


def test_what_fails_on_the_way_leaves_nothing_behind(env, tmp_path):
    class Broken:
        def reset(self, env, seed):
            self.left = 3

        def act(self, observations):
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("broken")
            return dict.fromkeys(observations, 0)

    for name in ("clip.mp4", "clip.gif"):
        with pytest.raises(RuntimeError, match="broken"):
            film(env, Broken(), tmp_path / name, seconds=50, width=480)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_that_ffmpeg_cannot_store_is_a_sentence(tmp_path):
    with pytest.raises(FilmError, match="cannot be written"), film_writer(tmp_path / "clip.mp4", 5) as writer:
        writer._partial = tmp_path / "nowhere" / "clip.mp4"
        for _ in range(200):
            writer.add(np.zeros((480, 640, 3), np.uint8))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "clip.avi"], "Unknown film format '.avi'"),
        (["--out", "clip"], "Unknown film format 'clip'"),
        (["--out", "file/clip.mp4"], "Not a directory|File exists"),
        (["--out", "folder.mp4"], "is a folder"),
        (["--controller", "max_presure"], "Did you mean 'max_pressure'"),
        (["--level", "eazy"], "Did you mean 'easy'"),
        (["--split", "tset"], "Did you mean 'test'"),
        (["--fps", "0"], "fps must be from 1 to 120, not 0"),
        (["--fps", "1e12"], "fps must be from 1 to 120"),
        (["--fps", "nan"], "fps must be from 1 to 120"),
        (["--speed", "1e-9"], "speed must be from"),
        (["--seconds", "1e300"], "seconds must be a positive number of at most 1,000,000"),
        (["--out", ".mp4"], "'.mp4' is a film's ending alone"),
        (["--out", "x" * 300 + ".mp4"], "File name too long"),
        (["--out", "new/" + "x" * 300 + ".mp4"], "File name too long"),
        (["--out", "x" * 300 + "/clip.mp4"], "File name too long"),
        (["--out", "a\0b.mp4"], "null"),
        (["--out", "new/deeper/clip.gif", "--level", "nosuch"], "Unknown level 'nosuch'"),
        (["--width", "10"], "at least 480 pixels"),
        (["--controller", "random", "--checkpoint", "x"], "not both"),
        (["--set", "min_green=10"], "Did you mean 'min_green_s'"),
        (["--set", "min_green_s"], "--set takes key=value"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    Path("folder.mp4").mkdir()
    if "--out" not in arguments:
        arguments = [*arguments, "--out", "clip.mp4"]
    with pytest.raises(RemalisError, match=says) as error:
        args = command(*arguments)
        args.handler(args)
    assert "\n" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.mp4"]


@pytest.mark.parametrize("controller", ["max_pressure", "fixed_time"])
def test_the_command_films_controllers_and_signal_programs(tmp_path, capsys, controller):
    out = tmp_path / "clip.mp4"
    args = command("--controller", controller, "--out", str(out), "--seconds", "20", "--fps", "4", "--width", "480")
    assert args.handler(args) == 0
    assert len(read_back(out)[1]) == 11
    said = capsys.readouterr().out
    assert str(out) in said and "mean delay" in said


def test_set_changes_any_option_of_the_environment():
    args = command("--out", "clip.mp4", "--level", "medium", "--set", "min_green_s=10", "--set", "level=easy")
    assert play._player(args)[1] == {"level": "medium", "min_green_s": 10, "split": "test"}
    args = command("--out", "clip.mp4", "--set", "scenario=resco/cologne1", "--split", "train")
    assert play._player(args)[1] == {"scenario": "resco/cologne1", "split": "train"}


def test_a_name_as_long_as_a_file_may_have_is_taken(tmp_path):
    out = tmp_path / ("x" * 250 + ".gif")
    with film_writer(out, 5) as writer:
        writer.add(np.zeros((48, 64, 3), np.uint8))
    assert out.exists()


def test_a_film_that_is_terminated_leaves_nothing(tmp_path):
    words = ["play", "--out", str(tmp_path / "new" / "clip.mp4"), "--seconds", "3000", "--speed", "1"]
    code = "import sys; from remalis_agents.cli import remalis_main; sys.exit(remalis_main())"
    playing = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(part.stat().st_size for part in tmp_path.glob("new/.clip.*")):  # ffmpeg has written to it
        assert playing.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    playing.terminate()
    said = playing.communicate(timeout=60)[1]
    assert playing.returncode == 130 and said == "remalis: stopped.\n"
    assert not list(tmp_path.iterdir())
