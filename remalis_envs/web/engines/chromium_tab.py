"""A tab of Chromium: where it is on its way from one page to the next, and whether all has settled."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from remalis_envs.web.engines.base import EngineError
from remalis_envs.web.pages.html import reader_script
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.sandbox.browser import Browser, Watcher
from remalis_envs.web.sandbox.devtools import Call

WORLD = "remalis"
"""Name of the isolated world: it shares the document with the page's scripts, and nothing else."""
SETTLE_S = 2.0
HANG_S = 10.0
Place = tuple[str, list[Any]]
"""``host/path?query``, and what was typed there: places of fields and what they held."""
SCHEMES = ("http", "about", "blob", "chrome-error")
"""Of documents that a tab may hold: a site's, none, what a site's script made, and the words that there is none."""
UNSTARTED_S = 0.5
"""A navigation that was asked for and did not start within this was stopped by the page's own policy."""


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


class Tab(Watcher):
    """One tab.

    Args:
        browser: that it is opened in.
        number: of its agent.
        hang_s: a page that does not answer for so long hangs.

    Attributes:
        opened: whether it has opened the start page in this episode.
        items: of the last reading.
        origin: what documents it may load: a host's suffix, ``.t0.e3.test``.
        older: places of its history that the browser does not have, of a tab that was put back: addresses and drafts.
        left: entry of its history -> drafts of the page that was left there.
        stopped: documents that it was kept from loading.
        aimed: the click that is expected of it.
    """

    def __init__(self, browser: Browser, number: int, hang_s: float = HANG_S) -> None:
        self.browser, self.number, self.hang_s = browser, number, hang_s
        self.opened = False
        self.items: tuple[Item, ...] = ()
        self.origin = ".invalid"
        self.older: list[Place] = []
        self.left: dict[int, list[Any]] = {}
        self.stopped: list[str] = []
        self.aimed: Aimed | None = None
        self.lost_because = ""
        self._script = ""
        self._frame = ""
        self._asked_at = 0.0  # when the page asked for a navigation that has not started yet; 0 for none
        self._wanted = self._current = ""  # loader of the navigation under way, and of the document that is there
        self._parsed = self._busy = True
        self._begun = 0  # navigations so far
        self._context: Call | None = None
        self._calm = -1
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
            self._frame = result.get("frameTree", {}).get("frame", {}).get("id", self._frame)

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

    def send_script(self, expression: str) -> Call | None:
        """Evaluates an expression in the isolated world; None while there is no document."""
        if self._context is None or not self._context.done or self._context.error:
            return None
        context = self._context.result["executionContextId"]
        return self.send("Runtime.evaluate", expression=expression, contextId=context, returnByValue=True)

    # Navigation

    def begin(self, origin: str, script: str) -> None:
        """Prepares it for an episode, before it opens anything of it."""
        self.opened, self.items, self.origin, self.older, self.left = False, (), origin, [], {}
        self.aimed = None
        self.stopped.clear()
        if self._script:
            self.send("Page.removeScriptToEvaluateOnNewDocument", identifier=self._script)
        added = self.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._script = added["identifier"]

    def navigate(self, url: str) -> None:
        """Begins to load an address."""
        self._asked_at = time.monotonic()
        self._begun += 1
        self.send("Page.navigate", url=url)

    def forget_history(self) -> None:
        """From now on there is nothing to go back to before this page."""
        self.ask("Page.resetNavigationHistory")

    def go_to_entry(self, entry: int) -> None:
        """Begins to go to a place of its history."""
        self._asked_at = time.monotonic()
        self._begun += 1
        self.send("Page.navigateToHistoryEntry", entryId=entry)

    @property
    def navigating(self) -> bool:
        """Whether a document was asked for and its answer is not there."""
        if self._asked_at and time.monotonic() - self._asked_at > UNSTARTED_S:
            self._asked_at = 0.0
        return bool(self._asked_at) or self._wanted != self._current

    @property
    def loading(self) -> bool:
        """Whether a document was asked for and has not been parsed."""
        return self.navigating or not self._parsed

    @property
    def calm(self) -> bool:
        """Whether it has been found at rest, and nothing has been done in it since."""
        return self._calm == self._begun and not self.loading

    def calm_down(self, at_rest: bool) -> None:
        """It was found at rest, or something is about to be done in it."""
        self._calm = self._begun if at_rest else -1

    @property
    def begun(self) -> int:
        """How many navigations have begun so far."""
        return self._begun

    def may_load(self, url: str) -> bool:
        """Whether a document is of the tab's own sites; what does not go through the network cannot be asked for."""
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.netloc.endswith(self.origin)

    def event(self, method: str, parameters: dict[str, Any]) -> None:
        """Keeps track of what the browser says of it."""
        handler = _HANDLERS.get(method)
        if handler is not None:
            handler(self, parameters)

    def lost(self, words: str) -> None:
        """It is gone."""
        self.lost_because = self.lost_because or words

    def close(self) -> None:
        """Closes it."""
        self.lost("it was closed")
        self.browser.close_tab(self.target, self.session)

    def _requested(self, parameters: dict[str, Any]) -> None:
        if parameters["frameId"] == self._frame and parameters.get("disposition", "currentTab") == "currentTab":
            self._asked_at = time.monotonic()
            self._begun += 1

    def _started(self, parameters: dict[str, Any]) -> None:
        if parameters["frameId"] != self._frame:
            return
        self._asked_at = 0.0
        if parameters["navigationType"] not in ("sameDocument", "historySameDocument"):
            self._wanted, self._busy = parameters["loaderId"], False
            self._begun += 1

    def _started_loading(self, parameters: dict[str, Any]) -> None:
        self._busy = self._busy or parameters["frameId"] == self._frame

    def _navigated(self, parameters: dict[str, Any]) -> None:
        frame = parameters["frame"]
        if frame["id"] != self._frame:
            return
        scheme = urlsplit(frame["url"]).scheme
        if scheme not in SCHEMES:  # what does not go through the network is not seen by _paused()
            self.lost(f"it left its sites for {scheme}:")
        self._current = frame["loaderId"]
        if self._wanted in ("", self._current):
            self._wanted = self._current
            self._asked_at = 0.0
        self._parsed = False
        self._context = self.send("Page.createIsolatedWorld", frameId=self._frame, worldName=WORLD)

    def _within(self, parameters: dict[str, Any]) -> None:
        if parameters["frameId"] == self._frame:
            self._asked_at = 0.0

    def _content_loaded(self, _: dict[str, Any]) -> None:
        self._parsed = True

    def _stopped_loading(self, parameters: dict[str, Any]) -> None:
        # Not if it speaks of the page before. Also after a navigation that led nowhere: what was there is still there.
        if parameters["frameId"] == self._frame and self._busy:
            self._wanted, self._parsed = self._current, True

    def _crashed(self, _: dict[str, Any]) -> None:
        self.lost("its page crashed")

    def _dialog(self, parameters: dict[str, Any]) -> None:
        # A page may be left; whatever else it asks is answered no. Nothing waits for the answer.
        leave = parameters.get("type") == "beforeunload"
        self.send("Page.handleJavaScriptDialog", accept=leave)

    def _paused(self, parameters: dict[str, Any]) -> None:
        """A document is about to be asked for: of the tab's own sites, or not at all."""
        url, request = parameters["request"]["url"], parameters["requestId"]
        if self.may_load(url):
            self.send("Fetch.continueRequest", requestId=request)
        else:
            self.stopped.append(url[:200])  # aborted, not failed: the page that is there stays
            self.send("Fetch.failRequest", requestId=request, errorReason="Aborted")


_HANDLERS = {
    "Page.frameRequestedNavigation": Tab._requested,
    "Page.frameStartedNavigating": Tab._started,
    "Page.frameNavigated": Tab._navigated,
    "Page.navigatedWithinDocument": Tab._within,
    "Page.domContentEventFired": Tab._content_loaded,
    "Page.frameStartedLoading": Tab._started_loading,
    "Page.frameStoppedLoading": Tab._stopped_loading,
    "Page.javascriptDialogOpening": Tab._dialog,
    "Inspector.targetCrashed": Tab._crashed,
    "Fetch.requestPaused": Tab._paused,
}


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
