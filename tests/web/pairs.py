"""The same episode in Chromium and in its model, compared after every deed."""

from __future__ import annotations

import random
from collections.abc import Callable

from remalis_envs.web.engines.base import Deed, Engine
from remalis_envs.web.engines.model import ModelEngine
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.sites.protocol import World
from tests.web.walking import random_deed


class Pair:
    """The same episode in both engines."""

    def __init__(self, chromium: Engine, world: Callable[[], World], tabs: int = 1) -> None:
        self.engines = (chromium, ModelEngine())
        self.worlds = (world(), world())
        for engine, own in zip(self.engines, self.worlds, strict=True):
            engine.reset(own, tabs)
        self.tabs = list(range(tabs))
        self.trail: list[object] = []

    def read(self) -> list[Reading]:
        real, model = (engine.read(self.tabs) for engine in self.engines)
        for one, other in zip(real, model, strict=True):
            for item, expected in zip(one.items, other.items, strict=False):
                assert item == expected, (one.url, self.trail[-8:])
            assert one == other, self.trail[-8:]
        assert self.worlds[0].save() == self.worlds[1].save(), self.trail[-8:]
        return real

    def act(self, tab: int, deed: Deed) -> None:
        real, model = (engine.act(tab, deed) for engine in self.engines)
        self.trail.append((tab, deed, real, model))
        assert real == model, self.trail[-8:]

    def walk(self, seed: int, deeds: int) -> None:
        rng = random.Random(seed)
        readings = self.read()
        for _ in range(deeds):
            tab = rng.choice(self.tabs)
            self.act(tab, random_deed(rng, readings[tab]))
            readings = self.read()
