"""Who clicks: our engine, and a bare loop that sends the same commands over the same pipe and reads the same."""

from __future__ import annotations

import json
from typing import Any, Protocol

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.engines.chromium import ChromiumEngine

from .pages import SpeedWorld

READ_SOON, SETTLED = "__remalis.take(0); __remalis.readSoon(0)", "__remalisPage.settled()"


class Contender(Protocol):
    """One who clicks; each call returns once the page has been read."""

    def change(self) -> None:
        """Clicks the tab that is not shown, which loads nothing."""

    def load(self) -> None:
        """Clicks the link, which loads the page again."""

    def close(self) -> None:
        """Ends its browser."""


class Ours:
    """Our engine, with the same deeds and readings that the environment asks it for."""

    def __init__(self, elements: int, tabs: int = 1) -> None:
        self.engine = ChromiumEngine()
        self.tabs = list(range(tabs))
        self._world = SpeedWorld(elements)
        self._shown = 0
        self.reset()

    def reset(self) -> None:
        """Begins an episode and reads every tab."""
        self.engine.reset(self._world, len(self.tabs))
        items = self.engine.read(self.tabs)[0].items
        self.panels = [k for k, item in enumerate(items) if item.role == "tab"]
        self.link = next(k for k, item in enumerate(items) if item.role == "link")
        self.read_items = len(items)

    def change(self) -> None:
        self._shown = 1 - self._shown
        self._each(self.panels[self._shown])

    def load(self) -> None:
        self._each(self.link)
        self._shown = 0

    def _each(self, item: int) -> None:
        self.engine.expect({tab: Deed("click", item) for tab in self.tabs})
        for tab in self.tabs:
            done = self.engine.act(tab, Deed("click", item))
            if done.status != "done":
                raise RuntimeError(f"A click of the benchmark was {done.status}.")
        self.engine.read(self.tabs)

    def close(self) -> None:
        self.engine.close()


class Bare:
    """Five commands and three waits for a click, as few as there can be: aim, press and release, settle and read.

    It looks at no answer but the point to click on and at nothing that it reads: it knows what the page does.
    """

    def __init__(self, elements: int) -> None:
        self._ours = Ours(elements)  # opens the browser and the page, and takes no part after that
        self._tab = self._ours.engine._tabs[0]
        self._shown = 0

    def change(self) -> None:
        self._shown = 1 - self._shown
        self._click(self._ours.panels[self._shown])
        self._read()

    def load(self) -> None:
        begun = self._tab.begun
        self._click(self._ours.link)
        loop = self._tab.browser.loop
        if not loop.until(lambda: self._tab.begun > begun and not self._tab.loading, 30.0):
            raise RuntimeError("The page of the bare loop did not load.")
        self._shown = 0
        self._read()

    def _click(self, item: int) -> None:
        tab = self._tab
        expression = f"__remalis.take(0); __remalisHands.aim({item}, false)"
        aim = json.loads(tab.answer(self._script(expression))["result"]["value"])
        point: dict[str, Any] = {"x": aim["x"], "y": aim["y"], "button": "left", "clickCount": 1}
        calls = [tab.send("Input.dispatchMouseEvent", type=f"mouse{kind}", **point) for kind in ("Pressed", "Released")]
        for call in calls:
            tab.answer(call)

    def _read(self) -> None:
        settled = self._tab.send("Runtime.evaluate", expression=SETTLED, awaitPromise=True, returnByValue=True)
        reading = self._script(READ_SOON, waits=True)
        for call in (settled, reading):
            read = self._tab.answer(call)
        json.loads(read["result"]["value"])

    def _script(self, expression: str, *, waits: bool = False) -> Any:
        loop = self._tab.browser.loop
        call = self._tab.send_script(expression, waits=waits)
        while call is None:  # the isolated world of a new page is being made
            loop.once(0.01)
            call = self._tab.send_script(expression, waits=waits)
        return call

    def close(self) -> None:
        self._ours.close()
