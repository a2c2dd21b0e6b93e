"""Pictures of tabs: what is asked for is in sight, and its box is where it stands."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import remalis_envs
from remalis_envs.web.engines.base import Deed
from remalis_envs.web.screens import screen
from tests.web.toy_tasks import ToyTasks


def read(shown) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(shown.png)).convert("L")).astype(int)


def inside(shown) -> np.ndarray:
    """What stands in the box."""
    left, top, right, bottom = (round(edge) for edge in shown.box)
    image = read(shown)
    assert 0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0]
    return image[top:bottom, left:right]


def test_without_a_browser_the_words_of_a_page_are_its_picture():
    env = remalis_envs.web_v0("hard", engine="model", domains=["library"])
    env.reset(seed=0)
    items = env.readings()["reader"].items
    assert len(items) > 50, "more than fit"
    start = env.screenshot("reader")
    assert start.box is None and read(start).shape == (813, 1280)
    boxes = {}
    for place in (0, len(items) // 2, len(items) - 1):
        shown = screen(env.episode, 5, place)
        boxes[place] = shown.box
        assert np.ptp(inside(shown)) > 100, "words stand there"
    assert (read(screen(env.episode, 5, len(items) - 1)) != read(start)).any(), "another part of the page"
    env.close()


@pytest.mark.browser
def test_the_browser_brings_what_is_asked_for_into_sight():
    env = remalis_envs.web_v0("hard", engine="chromium", domains=["library"], team="solo")
    try:
        env.reset(seed=0)
        engine, reading = env.episode.engine, env.readings()["alone"]
        shown = {place: screen(env.episode, 0, place) for place in (len(reading.items) - 1, 0, len(reading.items) // 2)}
        assert all(np.ptp(inside(one)) > 60 for one in shown.values())
        assert len({one.png for one in shown.values()}) > 1, "the page is longer than the window"
        assert engine.read([0]) == [reading], "nothing that is read has changed"
        last = screen(env.episode, 0, len(reading.items) - 1)
        assert screen(env.episode, 0, len(reading.items) - 1, last) == last
        assert screen(env.episode, 0, 0, last).png != last.png, "it was scrolled"
        # Of a text the words count, not the width of its line.
        heading = next(k for k, item in enumerate(reading.items) if item.role == "heading")
        left, _, right, _ = screen(env.episode, 0, heading).box
        assert right - left < 900
        link = next(k for k, item in enumerate(reading.items) if item.role == "link")
        assert engine.act(0, Deed("click", link)).status == "done"
        assert engine.show(0, 100_000) == (None, False) and engine.screenshot(0).startswith(b"\x89PNG")
    finally:
        env.close()


def test_a_picture_needs_an_episode_and_an_agent_of_it():
    env = remalis_envs.web_v0(engine="model", tasks=ToyTasks())
    with pytest.raises(remalis_envs.errors.RemalisError, match="call reset"):
        env.screenshot("reader")
    env.reset(seed=0)
    with pytest.raises(remalis_envs.errors.RemalisError, match="Did you mean 'reader'"):
        env.screenshot("raeder")
    env.close()
