"""Chromium and its browserless model give the same readings, answers and site states after the same deeds."""

from __future__ import annotations

import pytest

from remalis_envs.web.engines.chromium import ChromiumEngine
from tests.web.pairs import Pair
from tests.web.toy_world import ToyWorld
from tests.web.widget_world import WidgetWorld

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    engine = ChromiumEngine()
    yield engine
    engine.close()


@pytest.mark.parametrize("seed", range(2))
def test_random_walk_over_all_widgets(chromium, seed):
    Pair(chromium, WidgetWorld).walk(seed, 120)


def test_random_walk_of_two_tabs(chromium):
    Pair(chromium, ToyWorld, tabs=2).walk(7, 80)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(10, 22))
def test_long_random_walks(chromium, seed):
    Pair(chromium, WidgetWorld, tabs=2).walk(seed, 300)


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_agree_after_a_restore(chromium, seed):
    pair = Pair(chromium, WidgetWorld, tabs=2)
    pair.walk(100 + seed, 25)
    before, saved = pair.read(), [engine.save() for engine in pair.engines]
    worlds = [world.save() for world in pair.worlds]
    for again in range(2):
        pair.walk(200 + seed + again, 20)
        for engine, world, tabs, state in zip(pair.engines, pair.worlds, saved, worlds, strict=True):
            world.load(state)
            engine.restore(tabs)
        pair.trail.append("restored")
        assert pair.read() == before
    pair.walk(300 + seed, 25)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(30, 34))
def test_long_random_walks_of_tabs_that_change_each_others_drafts(chromium, seed):
    Pair(chromium, ToyWorld, tabs=2).walk(seed, 220)
