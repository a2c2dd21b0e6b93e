"""A tab of Chromium: what it is asked and told, beside what it loads (:mod:`.chromium_navigation`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from remalis_envs.web.engines.base import EngineError
from remalis_envs.web.engines.chromium_navigation import WORLD, Navigation
from remalis_envs.web.pages.html import reader_script
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.sandbox.browser import Browser
from remalis_envs.web.sandbox.devtools import Call

SETTLE_S = 2.0
HANG_S = 10.0
Place = tuple[str, list[Any]]
"""``host/path?query``, and what was typed there: places of fields and what they held."""


@lru_cache(maxsize=1)
def tab_script() -> str:
    """What runs in the isolated world of each page: the reader, and what aims at its items."""
    return reader_script() + "\n" + _asset("hands.js")


def page_script(now_s: float, seed: int, patience_ms: int = 0) -> str:
    """What runs in the page's own world, before any script of its own.

    Args:
        now_s: the world's time, at which the page's clock stands.
        seed: of ``Math.random``.
        patience_ms: timers that end within it are waited for, beside those that are short.
    """
    script = _asset("instrument.js")
    given = f"({int(now_s * 1000)}, {seed & 0xFFFFFFFF}, {patience_ms})"
    return script.replace('("NOW_MS", "SEED", "PATIENCE_MS")', given)


@lru_cache(maxsize=4)
def _asset(name: str) -> str:
    return files("remalis_envs.web.engines").joinpath("assets", name).read_text(encoding="utf-8")


@dataclass(slots=True, frozen=True)
class Aimed:
    """A click aimed ahead of its time: at which item of what reading, how many pages had begun, the question."""

    item: int
    items: tuple[Item, ...]
    begun: int
    call: Call


@dataclass(slots=True, frozen=True)
class Ahead:
    """A reading that was asked for before the page was known to be at rest.

    Attributes:
        number: by which the page's reader knows it.
        begun: how many navigations had begun.
        call: the question.
    """

    number: int
    begun: int
    call: Call


class Tab(Navigation):
    """One tab.

    Args:
        browser: that it is opened in.
        number: of its agent.
        hang_s: a page that does not answer for so long hangs.

    Attributes:
        opened: whether it has opened the start page in this episode.
        items: of the last reading.
        older: places of its history that the browser does not have, of a tab that was put back: addresses and drafts.
        left: entry of its history -> drafts of the page that was left there.
        aimed: the click that is expected of it.
        ahead: the reading that may be the next; None where something was done since it was asked for.
        reads_ahead: whether to ask for such readings.
    """

    def __init__(self, browser: Browser, number: int, hang_s: float = HANG_S) -> None:
        super().__init__()
        self.browser, self.number, self.hang_s = browser, number, hang_s
        self.opened = False
        self.items: tuple[Item, ...] = ()
        self.older: list[Place] = []
        self.left: dict[int, list[Any]] = {}
        self.aimed: Aimed | None = None
        self.ahead: Ahead | None = None
        self.reads_ahead = True
        self._aheads = self._taken = 0  # readings ahead so far; the one that the page is still to be told is in use
        self._script = ""
        self.target, self.session = browser.open_tab()
        browser.watch(self.session, self)
        send = self.send
        commands = [
            send("Page.enable"),
            send("Inspector.enable"),
            send("Emulation.setFocusEmulationEnabled", enabled=True),
            send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}]),
            send("Page.setInterceptFileChooserDialog", enabled=True),
            send("Page.addScriptToEvaluateOnNewDocument", source=tab_script(), worldName=WORLD),
            send("Fetch.enable", patterns=[{"urlPattern": "*", "resourceType": "Document"}]),
            send("Page.getFrameTree"),
            send("Runtime.runIfWaitingForDebugger"),
        ]
        for command in commands:
            result = self.answer(command)
            self.frame = result.get("frameTree", {}).get("frame", {}).get("id", self.frame)

    # Commands

    def send(self, method: str, **parameters: Any) -> Call:
        """Sends a command to the tab."""
        return self.browser.devtools.send(method, self.session, **parameters)

    def answer(self, call: Call) -> dict[str, Any]:
        """Waits for an answer.

        Raises:
            EngineError: the tab is gone, hangs, or refuses.
        """
        done = self.browser.loop.until(lambda: call.done or bool(self.lost_because), self.hang_s)
        if self.lost_because:
            raise EngineError(f"Tab {self.number}: {self.lost_because}.")
        if not done:
            raise EngineError(f"Tab {self.number} hangs: {call.method} had no answer within {self.hang_s:g} s.")
        if call.error:
            raise EngineError(f"Tab {self.number}: {call.method} was answered {call.error!r}.")
        return call.result

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        return self.answer(self.send(method, **parameters))

    def hands(self, expression: str) -> dict[str, Any]:
        """What a function of ``hands.js`` says."""
        call = self.send_script(expression)
        if call is None:
            return {"refused": "the page is not there yet"}
        return json.loads(script_value(self.answer(call)))

    def remember(self, said: dict[str, Any]) -> None:
        """Keeps the drafts of a page that may be left now; ``said`` by a function of ``hands.js``."""
        drafts = said.get("drafts")
        if not drafts and not self.left:
            return
        history = self.ask("Page.getNavigationHistory")  # one address may stand in it several times
        entry = history["entries"][history["currentIndex"]]["id"]
        if drafts:
            self.left[entry] = drafts
        else:
            self.left.pop(entry, None)

    def send_script(self, expression: str, *, waits: bool = False) -> Call | None:
        """Evaluates an expression in the isolated world, or what its promise gives; None while there is no document."""
        self.ahead = None  # whatever is run may change the page
        if self.context is None or not self.context.done or self.context.error:
            return None
        if self._taken:
            expression, self._taken = f"__remalis.take({self._taken}); {expression}", 0
        context = self.context.result["executionContextId"]
        return self.send(
            "Runtime.evaluate", expression=expression, contextId=context, returnByValue=True, awaitPromise=waits
        )

    def read_ahead(self) -> None:
        """Asks for a reading of a page that will be at rest if nothing else comes; does not wait.

        A click that changes nothing but the page then waits for one trip to the browser less.
        """
        if not self.reads_ahead:
            return
        self._aheads += 1
        call = self.send_script(f"__remalis.readSoon({self._aheads})", waits=True)
        if call is not None:
            self.ahead = Ahead(self._aheads, self._begun, call)

    def take_ahead(self) -> Call | None:
        """The reading that was asked for ahead, of which the items are spoken of from now on; None where none holds."""
        ahead, self.ahead = self.ahead, None
        if ahead is None or ahead.begun != self._begun or not self.calm:
            return None
        self._taken = ahead.number
        return ahead.call

    # Episodes

    def begin(self, origin: str, script: str, *, reads_ahead: bool = True) -> None:
        """Prepares it for an episode, before it opens anything of it."""
        self.reads_ahead = reads_ahead
        self.opened, self.items, self.origin, self.older, self.left = False, (), origin, [], {}
        self.aimed = self.ahead = None
        self._taken = 0
        self.stopped.clear()
        if self._script:
            self.send("Page.removeScriptToEvaluateOnNewDocument", identifier=self._script)
        added = self.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._script = added["identifier"]

    def forget_history(self) -> None:
        """From now on there is nothing to go back to before this page."""
        self.ask("Page.resetNavigationHistory")

    def close(self) -> None:
        """Closes it."""
        self.lost("it was closed")
        self.browser.close_tab(self.target, self.session)


def script_value(result: dict[str, Any]) -> Any:
    """What a script gave.

    Raises:
        EngineError: it failed; the words are the browser's.
    """
    if "exceptionDetails" in result:
        details = result["exceptionDetails"]
        raise EngineError(f"A page could not be read: {details.get('exception', {}).get('description', details)}")
    return result["result"].get("value")


def reading_of(text: str) -> Reading:
    """The reading that ``reader.js`` wrote as JSON."""
    read = json.loads(text)
    return Reading(read["url"], read["title"], tuple(_item(*fields) for fields in read["items"]), read["dialog"])


def _item(
    role: str, name: str, value: str, context: str, kind: str, href: str, form: str, options: list[str], *rest: Any
) -> Item:
    return Item(role, name, value, context, kind, href, form, tuple(options), *rest)
