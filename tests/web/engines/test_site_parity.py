"""On drawn sites, too, both engines read the same, and controls are what Chromium's accessibility tree says."""

from __future__ import annotations

import random

import pytest

from remalis_envs.web.engines.chromium import ChromiumEngine
from remalis_envs.web.sites.loading import domain_names
from remalis_envs.web.tasks.generate import draw_task
from tests.web.accessibility import controls_in_reading, controls_in_tree
from tests.web.pairs import Pair
from tests.web.walking import random_deed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    engine = ChromiumEngine()
    yield engine
    engine.close()


def walk(chromium: ChromiumEngine, domain: str, level: str, seed: int, deeds: int) -> int:
    """A random walk of three tabs, compared after every deed; the number of pages compared with the tree."""
    pair = Pair(chromium, lambda: draw_task(domain, level, seed).world, tabs=3)
    rng, seen, readings = random.Random(seed), set(), pair.read()
    for _ in range(deeds):
        tab = rng.choice(pair.tabs)
        pair.act(tab, random_deed(rng, readings[tab]))
        readings = pair.read()
        if readings[tab] not in seen:
            seen.add(readings[tab])
            nodes = chromium._tabs[tab].ask("Accessibility.getFullAXTree")["nodes"]
            assert controls_in_reading(readings[tab]) == controls_in_tree(nodes), readings[tab].url
    return len(seen)


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_random_walks_over_sites(chromium, level):
    names = domain_names()
    for seed in range(2):
        domain = names[(7 * seed + len(level)) % len(names)]
        assert walk(chromium, domain, level, seed, 20) > 5


@pytest.mark.full
@pytest.mark.parametrize("domain", domain_names())
def test_two_hundred_pages_and_more(chromium, domain):
    levels = ("easy", "medium", "hard")
    walk(chromium, domain, levels[sum(map(ord, domain)) % 3], 11, 40)
