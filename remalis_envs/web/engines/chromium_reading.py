"""Waits until tabs have settled, all at once, and reads them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from remalis_envs.web.engines.base import EngineError
from remalis_envs.web.engines.chromium_tab import Tab, reading_of, script_value
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.sandbox.devtools import Call
from remalis_envs.web.sandbox.server import SiteServer

SETTLED = "__remalisPage.settled()"
READ = "__remalis.read(false)"
# What the browser says of a script whose page went away; the page that comes is asked again.
_MOVED = ("Cannot find context", "Execution context was destroyed", "navigated or closed", "Promise was collected")


class Settling:
    """One tab on its way to rest.

    Args:
        tab: the tab.
        server: of its sites.
        answered: number of documents that the tab had been answered before a deed; once it is passed, a document that
            is still loading is not waited for. -1 to wait until it is parsed.
    """

    def __init__(self, tab: Tab, server: SiteServer, answered: int = -1) -> None:
        self.tab, self._server, self._answered = tab, server, answered
        self._call: Call | None = None
        self._mark = -1
        self.since = 0.0  # when its page was first found parsed
        self.done = False

    def advance(self) -> bool:
        """Does what can be done without waiting; whether the tab is at rest."""
        if self.done:
            return True
        tab = self.tab
        if tab.lost_because:
            raise EngineError(f"Tab {tab.number}: {tab.lost_because}.")
        if tab.calm:
            self.done = True
            return True
        if tab.loading:
            self._call = None
            if self._answered >= 0 and self._server.mark(tab.number) > self._answered:
                self.done = True
            return self.done
        if self._call is None or tab.begun != self._mark:
            self._mark = tab.begun
            self.since = self.since or time.monotonic()
            self._call = tab.send(
                "Runtime.evaluate", expression=SETTLED, awaitPromise=True, returnByValue=True, silent=True
            )
            tab.read_ahead()
            return False
        if not self._call.done:
            return False
        if self._call.error:
            if not any(words in self._call.error for words in _MOVED):
                raise EngineError(f"Tab {tab.number}: {self._call.error}.")
            self._call = None
            return False
        script_value(self._call.result)
        self.done = True
        if tab.ahead is not None and tab.ahead.call.done and tab.ahead.call.turn < self._call.turn:
            tab.ahead = None  # it was read too early
        tab.calm_down(True)
        return True


def settle(tabs: Sequence[Tab], server: SiteServer, limit_s: float, answered: int = -1) -> list[Tab]:
    """Waits until tabs are at rest.

    Args:
        tabs: to wait for.
        server: of their sites.
        limit_s: how long a page that has been parsed may go on; until then it may take as long as a page may that does
            not hang, so that a busy machine changes nothing.
        answered: see :class:`Settling`.

    Returns:
        Those that are not at rest when the time is up.

    Raises:
        EngineError: a tab is gone, or its page does not come.
    """
    jobs = [Settling(tab, server, answered) for tab in tabs]
    now = time.monotonic()
    end = now + max((tab.hang_s for tab in tabs), default=0.0)
    while True:
        ends = [min(end, job.since + limit_s) if job.since else end for job in jobs if not job.advance()]
        now = time.monotonic()
        if not ends or max(ends) <= now:
            late = [job for job in jobs if not job.done]
            for job in late:
                if not job.since:
                    raise EngineError(f"Tab {job.tab.number}: its page did not load within {job.tab.hang_s:g} s.")
            return [job.tab for job in late]
        tabs[0].browser.loop.once(min(one for one in ends if one > now) - now)


def read_all(tabs: Sequence[Tab], server: SiteServer, limit_s: float) -> tuple[list[Reading], list[Tab]]:
    """Reads tabs after they have settled.

    Returns:
        The readings, and the tabs that had not settled in time.

    Raises:
        EngineError: a tab is gone, hangs, or cannot be read.
    """
    readings: dict[int, Reading] = {}
    end = time.monotonic() + max((tab.hang_s for tab in tabs), default=0.0)
    waiting, unsettled = list(tabs), []
    while waiting:
        late = settle(waiting, server, limit_s)
        marks = [tab.begun for tab in waiting]
        calls = [tab.take_ahead() or tab.send_script(READ) for tab in waiting]
        again = []
        for tab, mark, call in zip(waiting, marks, calls, strict=True):
            text = _answer(tab, call)
            if text is None or (tab.begun != mark and tab not in late):
                again.append(tab)
                continue
            reading = readings[tab.number] = reading_of(text)
            tab.items = reading.items
            if tab in late:
                unsettled.append(tab)
        if again and time.monotonic() > end:
            raise EngineError(f"Tab {again[0].number} hangs: its page cannot be read.")
        waiting = again
    return [readings[tab.number] for tab in tabs], unsettled


def _answer(tab: Tab, call: Call | None) -> str | None:
    """What a reading gave; None where the page went away under it."""
    if call is None:
        tab.browser.loop.once(0.01)
        return None
    tab.browser.loop.until(lambda: call.done or bool(tab.lost_because), tab.hang_s)
    if call.error and any(words in call.error for words in _MOVED):
        return None
    return script_value(tab.answer(call))
