"""A toy task over the toy shop: find a good, put it into the basket, confirm; for tests of the environment."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.pages.elements import Page, e
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.roles import right_of
from remalis_envs.web.sites.protocol import Request, Response
from remalis_envs.web.source import Drawn
from remalis_envs.web.tasks.model import Check, Intent, Subtask, Task
from tests.web.toy_world import GOODS, ToyWorld


class ToyShop(ToyWorld):
    """The toy world with a database and a page to confirm on."""

    def __init__(self) -> None:
        super().__init__()
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.execute("CREATE TABLE basket (good TEXT)")
        self.db.execute("CREATE TABLE orders (good TEXT)")
        self.ended = False

    def handle(self, request: Request) -> Response:
        if request.host == "main" and request.path == "/review":
            body = e("body", e("h1", "Review"), e("ul", [e("li", good) for good in self.basket]))
            button = e("form", e("button", "Confirm order", type="submit"), action="/confirm", method="post")
            body.children.append(button)
            return Response(page=Page("Review", body))
        if request.method == "POST" and request.path == "/confirm":
            self.ended = True
            self._mirror()
            return Response(redirect="/")
        if request.host == "calculator":  # an empty field is nought
            request = replace(request, query=tuple((name, value or "0") for name, value in request.query))
        answer = super().handle(request)
        if request.method == "POST" and request.path == "/basket/add":
            self._mirror()
            return Response(redirect="/review")
        return answer

    def concept_of(self, requested: str) -> str:
        return {"basket": "add to basket", "confirm": "confirm", "review": "review", "search": "search"}.get(
            requested.partition("/")[2].partition("/")[0].partition("?")[0], "navigation"
        )

    def _mirror(self) -> None:
        with self.db:
            self.db.execute("DELETE FROM basket")
            self.db.execute("DELETE FROM orders")
            rows = [(good,) for good in self.basket]
            self.db.executemany(
                "INSERT INTO orders VALUES (?)" if self.ended else "INSERT INTO basket VALUES (?)", rows
            )

    def _home(self) -> Page:
        page = super()._home()
        goods = e("ul", [e("li", e("a", good, href=f"/goods/{good}")) for good in GOODS])
        page.body.children += [goods, e("a", "Review the basket", href="/review")]
        return page

    def load(self, saved: bytes) -> None:
        super().load(saved)
        self.ended = False
        self._mirror()


class ToyOracle:
    """Opens the good, adds it, goes to the review and confirms."""

    def __init__(self, good: str, world: ToyShop) -> None:
        self.good, self.world = good, world

    def intents(
        self,
        readings: Mapping[int, Reading],
        rights: Mapping[int, frozenset[str]],
        notebook: Collection[str] | None = None,
    ) -> dict[int, Intent]:
        right, wanted = ("confirm", ("Review the basket", "Confirm order"))
        if not self.world.basket:
            right, wanted = ("edit", (self.good, "Add to basket"))
        tab = next(tab for tab, own in rights.items() if right in own)
        for place, item in enumerate(readings[tab].items):
            if item.is_control and item.name in wanted:
                return {tab: Intent(Deed("click", place))}
        return {}


class ToyTasks:
    """Draws one toy task for each seed."""

    domains = ("shop",)

    def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Drawn:
        good = GOODS[int(np.random.default_rng(seed).integers(len(GOODS)))]
        others = [one for one in GOODS if one != good]
        bought, in_basket = Check("orders", (("good", good),)), Check("basket", (("good", good),))
        task = Task(
            domain,
            level,
            seed,
            f"Buy one {good} and confirm the order.",
            (
                Subtask("add", "fill", "edit", "Put it into the basket", f"Buy one {good}.", (), (in_basket,)),
                Subtask("confirm", "confirm", "confirm", "Confirm", "Confirm the order.", ("add",), (bought,)),
            ),
            (bought, Check("orders", (), 1)),
            tuple(Check("orders", (("good", one),)) for one in others),
        )
        world = ToyShop()
        return Drawn(world, task, ToyOracle(good, world))


def control(reading: Reading, name: str) -> Item:
    """A control by its name."""
    return next(item for item in reading.items if item.is_control and item.name == name)


__all__ = ["ToyTasks", "control", "right_of"]
