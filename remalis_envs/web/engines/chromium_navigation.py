"""Where a tab of Chromium is on its way from one page to the next, by what the browser says of it."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import Any
from urllib.parse import urlsplit

from remalis_envs.web.sandbox.browser import Watcher
from remalis_envs.web.sandbox.devtools import Call

WORLD = "remalis"
"""Name of the isolated world: it shares the document with the page's scripts, and nothing else."""
SCHEMES = ("http", "about", "blob", "chrome-error")
"""Of documents that a tab may hold: a site's, none, what a site's script made, and the words that there is none."""
UNSTARTED_S = 0.5
"""A navigation that was asked for and did not start within this was stopped by the page's own policy."""


class Navigation(Watcher):
    """What one tab loads; how it is told is the tab's own.

    Attributes:
        origin: what documents it may load: a host's suffix, ``.t0.e3.test``.
        stopped: documents that it was kept from loading.
        frame: its main frame.
        context: answer that has the isolated world of the document that is there.
        lost_because: why the tab is gone; empty while it is not.
    """

    def __init__(self) -> None:
        self.origin = ".invalid"
        self.stopped: list[str] = []
        self.frame = ""
        self.context: Call | None = None
        self.lost_because = ""
        self._asked_at = 0.0  # when the page asked for a navigation that has not started yet; 0 for none
        self._wanted = self._current = ""  # loader of the navigation under way, and of the document that is there
        self._parsed = self._busy = True
        self._begun = 0  # navigations so far
        self._calm = -1

    @abstractmethod
    def send(self, method: str, **parameters: Any) -> Call:
        """Sends a command to the tab."""

    def navigate(self, url: str) -> None:
        """Begins to load an address."""
        self._asked_at = time.monotonic()
        self._begun += 1
        self.send("Page.navigate", url=url)

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

    def _requested(self, parameters: dict[str, Any]) -> None:
        if parameters["frameId"] == self.frame and parameters.get("disposition", "currentTab") == "currentTab":
            self._asked_at = time.monotonic()
            self._begun += 1

    def _started(self, parameters: dict[str, Any]) -> None:
        if parameters["frameId"] != self.frame:
            return
        self._asked_at = 0.0
        if parameters["navigationType"] not in ("sameDocument", "historySameDocument"):
            self._wanted, self._busy = parameters["loaderId"], False
            self._begun += 1

    def _started_loading(self, parameters: dict[str, Any]) -> None:
        self._busy = self._busy or parameters["frameId"] == self.frame

    def _navigated(self, parameters: dict[str, Any]) -> None:
        frame = parameters["frame"]
        if frame["id"] != self.frame:
            return
        scheme = urlsplit(frame["url"]).scheme
        if scheme not in SCHEMES:  # what does not go through the network is not seen by _paused()
            self.lost(f"it left its sites for {scheme}:")
        self._current = frame["loaderId"]
        if self._wanted in ("", self._current):
            self._wanted = self._current
            self._asked_at = 0.0
        self._parsed = False
        self.context = self.send("Page.createIsolatedWorld", frameId=self.frame, worldName=WORLD)

    def _within(self, parameters: dict[str, Any]) -> None:
        if parameters["frameId"] == self.frame:
            self._asked_at = 0.0

    def _content_loaded(self, _: dict[str, Any]) -> None:
        self._parsed = True

    def _stopped_loading(self, parameters: dict[str, Any]) -> None:
        # Not if it speaks of the page before. Also after a navigation that led nowhere: what was there is still there.
        if parameters["frameId"] == self.frame and self._busy:
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
    "Page.frameRequestedNavigation": Navigation._requested,
    "Page.frameStartedNavigating": Navigation._started,
    "Page.frameNavigated": Navigation._navigated,
    "Page.navigatedWithinDocument": Navigation._within,
    "Page.domContentEventFired": Navigation._content_loaded,
    "Page.frameStartedLoading": Navigation._started_loading,
    "Page.frameStoppedLoading": Navigation._stopped_loading,
    "Page.javascriptDialogOpening": Navigation._dialog,
    "Inspector.targetCrashed": Navigation._crashed,
    "Fetch.requestPaused": Navigation._paused,
}
