"""Real Chromium as an engine: tabs in a sandbox, trusted input, and readings of what is rendered.

Everything runs in the thread of the caller, while the caller waits (:mod:`remalis_envs.web.sandbox.loop`): the world
of sites is asked by that thread alone, in an order that does not depend on the machine. A deed returns once the world
has answered all that the deed asked of it; loading and reading of pages run in parallel after that.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from remalis_envs.web.engines import chromium_deeds, chromium_others
from remalis_envs.web.engines.base import Deed, Done, EngineError
from remalis_envs.web.engines.chromium_reading import read_all, settle
from remalis_envs.web.engines.chromium_saved import SavedTab, load_saved, place_of, put_back, save_tab
from remalis_envs.web.engines.chromium_tab import HANG_S, SETTLE_S, Tab, page_script, script_value
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.sandbox.browser import Browser
from remalis_envs.web.sandbox.devtools import DevtoolsError
from remalis_envs.web.sandbox.launch import MEMORY_BYTES, Sandbox, SandboxError
from remalis_envs.web.sandbox.loop import Loop
from remalis_envs.web.sandbox.server import SiteServer
from remalis_envs.web.sites.protocol import ScriptedWorld, World

P = ParamSpec("P")
T = TypeVar("T")


def _guarded(
    method: Callable[Concatenate[ChromiumEngine, P], T],
) -> Callable[Concatenate[ChromiumEngine, P], T]:
    """One call at a time; a failure of the machinery is an :class:`EngineError`, after which reset() repairs."""

    @wraps(method)
    def call(self: ChromiumEngine, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock:
            try:
                return method(self, *args, **kwargs)
            except (DevtoolsError, EngineError, OSError) as error:
                self._broken = True
                if self._server is not None and self._server.failure is not None:
                    raise EngineError(f"A site failed: {self._server.failure!r}") from self._server.failure
                raise (
                    error if isinstance(error, EngineError) else EngineError(f"The browser failed: {error}")
                ) from error
            except KeyboardInterrupt:
                self._broken = True  # in the middle of something
                raise

    return call


class ChromiumEngine:
    """An :class:`~remalis_envs.web.engines.base.Engine` over one Chromium of its own.

    Args:
        settle_s: a tab that has not settled within this is read as it is, and said to be unsettled.
        hang_s: a page that does not answer at all for so long is an error.
        memory_bytes: what a process of the browser may hold.

    Attributes:
        unsettled: tabs that had not settled when they were read last.
    """

    def __init__(self, settle_s: float = SETTLE_S, hang_s: float = HANG_S, memory_bytes: int = MEMORY_BYTES) -> None:
        self.settle_s, self.hang_s, self.memory_bytes = settle_s, hang_s, memory_bytes
        self.unsettled: frozenset[int] = frozenset()
        self._lock = threading.RLock()
        self._loop: Loop | None = None
        self._browser: Browser | None = None
        self._server: SiteServer | None = None
        self._world: World | None = None
        self._others: ScriptedWorld | None = None  # the same one, where its pages are others'
        self._tabs: list[Tab] = []  # kept from episode to episode
        self._count = 0
        self._episode = 0
        self._script = ""
        self._broken = False

    @_guarded
    def reset(self, world: World, tabs: int, episode_seed: int = 0) -> None:
        """Begins an episode, with a new browser if the last one failed."""
        self._ready()
        assert self._server is not None
        self._world, self._count = world, tabs
        self._episode += 1
        self._server.begin(world, self._episode)
        self._others = world if isinstance(world, ScriptedWorld) else None
        patience_ms = 0 if self._others is None else chromium_others.PATIENCE_MS
        self._script = page_script(world.now, episode_seed, patience_ms)
        if self._others is not None:
            self._script += self._others.page_script
        self.unsettled = frozenset()
        for tab in self._tabs:
            tab.opened = False
        for tab in self._tabs[tabs:]:
            tab.close()
        del self._tabs[tabs:]

    @_guarded
    def expect(self, deeds: Mapping[int, Deed]) -> None:
        """Aims the clicks among deeds that are about to be given, all at once."""
        for tab in self._tabs:
            if tab.opened and tab.number in deeds and not tab.lost_because:
                chromium_deeds.aim_ahead(tab, deeds[tab.number])

    @_guarded
    def act(self, tab: int, deed: Deed) -> Done:
        """Does a deed, and returns once the world has answered what it asked."""
        (one,) = self._opened([tab])
        assert self._server is not None
        late = settle([one], self._server, self.settle_s)
        self._server.seen.clear()
        mark = self._server.mark(tab)
        one.calm_down(False)
        if deed.kind == "back":
            done = self._back(one)
        elif deed.kind == "visit":
            one.navigate(self._server.address(deed.value, tab))
            done = True
        else:
            done = chromium_deeds.do(one, deed)
        if not done:
            one.calm_down(not late)
            return Done("refused")
        late += settle([one], self._server, self.settle_s, answered=mark)
        self._fail_with_the_site()
        self._attend([one])
        requested = tuple(seen.words for seen in self._server.seen if seen.tab == tab and not seen.redirected)
        return Done("unsettled" if late else "done", requested)

    @_guarded
    def read(self, tabs: list[int]) -> list[Reading]:
        """Reads tabs, in parallel, after all have settled."""
        opened = self._opened(tabs)
        assert self._server is not None
        self._attend(opened)
        readings, late = read_all(opened, self._server, self.settle_s)
        self._fail_with_the_site()
        self.unsettled = frozenset(tab.number for tab in late)
        return readings

    @_guarded
    def screenshot(self, tab: int) -> bytes:
        """What a tab shows, as PNG."""
        (one,) = self._opened([tab])
        return base64.b64decode(one.ask("Page.captureScreenshot", format="png")["data"])

    @_guarded
    def show(self, tab: int, item: int) -> tuple[tuple[float, float, float, float] | None, bool]:
        """Brings an item of a tab's last reading into sight.

        Returns:
            Left, top, right and bottom of it in :meth:`screenshot`, in pixels, None where it is not to be seen; and
            whether the page had to be scrolled.
        """
        (one,) = self._opened([tab])
        assert self._server is not None
        settle([one], self._server, self.settle_s)
        call = one.send_script(f"__remalisHands.show({int(item)})")
        if call is None:
            return None, False
        one.browser.loop.until(lambda: call.done or bool(one.lost_because), one.hang_s)
        if call.error:  # a page that never settles went away under it
            return None, False
        said = json.loads(script_value(one.answer(call)))
        if "box" not in said:
            return None, False
        left, top, right, bottom = said["box"]
        return (left, top, right, bottom), said["moved"]

    @_guarded
    def accessibility_tree(self, tab: int) -> list[dict[str, Any]]:
        """Nodes of a tab's accessibility tree, as the DevTools protocol gives them."""
        (one,) = self._opened([tab])
        return one.ask("Accessibility.getFullAXTree")["nodes"]

    @_guarded
    def save(self) -> list[SavedTab | None]:
        """Tabs with their drafts, open widgets and history; None for one that was not used yet."""
        held = [tab for tab in self._tabs if tab.opened]
        assert self._server is not None
        settle(held, self._server, self.settle_s)
        saved = {tab.number: save_tab(tab, self._server) for tab in held}
        return [saved.get(number) for number in range(self._count)]

    @_guarded
    def restore(self, saved: list[SavedTab | None]) -> None:
        """Puts back what :meth:`save` gave, in this episode; the world is not asked for anything.

        Of places that a tab comes back to later the address and the drafts are kept, not what scripts made of them.
        """
        self._ready_for(len(saved))
        assert self._server is not None
        pairs = [(self._tab(number), state) for number, state in enumerate(saved) if state is not None]
        for tab in self._tabs:
            tab.opened = False
        for tab, state in pairs:
            self._begin(tab)
            load_saved(tab, state, self._server)
        tabs = [tab for tab, _ in pairs]
        settle(tabs, self._server, self.settle_s)
        for tab, state in pairs:
            put_back(tab, state, self._server)
        self._server.seen.clear()

    def close(self) -> None:
        """Ends the browser; safe to repeat."""
        with self._lock:
            if self._server is not None:
                self._server.close()
            if self._browser is not None:
                self._browser.close()
            if self._loop is not None:
                self._loop.close()
            self._server = self._browser = self._loop = None
            self._tabs.clear()
            self._broken = False

    def __del__(self) -> None:
        if getattr(self, "_lock", None) is not None:
            self.close()

    def _ready(self) -> None:
        """Starts a browser where there is none that works."""
        if self._browser is not None and not self._broken:
            with contextlib.suppress(DevtoolsError):
                self._browser.devtools.ask("Browser.getVersion", limit_s=1.0)
            self._broken = not self._browser.alive or any(tab.lost_because for tab in self._tabs)
        if self._browser is None or self._broken:
            self.close()
            self._start()

    def _start(self) -> None:
        self._loop = Loop()
        try:
            sandbox = Sandbox(self.memory_bytes)
        except SandboxError as error:
            raise EngineError(str(error)) from error
        try:
            self._browser = Browser(self._loop, sandbox)
            self._server = SiteServer(self._loop, sandbox.listener)
        except BaseException:
            sandbox.close()
            raise

    def _ready_for(self, tabs: int) -> None:
        if self._world is None or self._browser is None or self._server is None:
            raise EngineError("No episode has begun; call reset() first.")
        if self._broken:
            raise EngineError("The browser failed before; call reset() to start it anew.")
        if tabs > self._count:
            raise EngineError(f"There is no tab {tabs - 1}; reset() opened {self._count}.")

    def _tab(self, number: int) -> Tab:
        assert self._browser is not None
        while len(self._tabs) <= number:
            self._tabs.append(Tab(self._browser, len(self._tabs), self.hang_s))
        return self._tabs[number]

    def _begin(self, tab: Tab) -> None:
        assert self._server is not None
        # Others' pages have a reader of their own, which is put in its place once they have settled.
        tab.begin(self._server.suffix(tab.number), self._script, reads_ahead=self._others is None)
        tab.opened = True

    def _opened(self, numbers: list[int]) -> list[Tab]:
        """Tabs, of which those that are used first open the start page, in the order of their numbers."""
        if min(numbers, default=0) < 0:
            raise EngineError(f"There is no tab {min(numbers)}.")
        self._ready_for(max(numbers, default=-1) + 1)
        assert self._server is not None and self._world is not None
        tabs = [self._tab(number) for number in numbers]
        new = [tab for tab in tabs if not tab.opened]
        for tab in new:
            self._begin(tab)
            # Asked for now, so that the world hears of tabs in their order, however the browser loads them.
            tab.navigate(self._server.prepare(self._world.start, tab.number))
        settle(new, self._server, self.settle_s)
        for tab in new:
            tab.forget_history()
        if new and self._others is not None:
            chromium_others.begin(new, self._others)
            self._attend(new)
        return tabs

    def _attend(self, tabs: list[Tab]) -> None:
        """Has a world of others' pages hear how they stand once they have settled; others need nothing."""
        if self._others is not None:
            assert self._server is not None
            settle(tabs, self._server, self.settle_s)
            chromium_others.attend(tabs, self._others)

    def _back(self, tab: Tab) -> bool:
        history = tab.ask("Page.getNavigationHistory")
        assert self._server is not None
        # Where a page was the answer to a POST, the browser would ask whether to send the form again.
        posted = self._server.posted.get(tab.number, frozenset())
        for entry in reversed(history["entries"][: history["currentIndex"]]):
            if place_of(entry["url"]) not in posted:
                tab.go_to_entry(entry["id"])
                return True
        while tab.older and tab.older[-1][0] in posted:
            tab.older.pop()
        if not tab.older:
            return False
        url, drafts = tab.older.pop()
        tab.navigate(self._server.address(url, tab.number))
        settle([tab], self._server, self.hang_s)
        tab.hands(f"__remalisHands.putDrafts({json.dumps(drafts)})")
        tab.forget_history()
        return True

    def _fail_with_the_site(self) -> None:
        if self._server is not None and self._server.failure is not None:
            raise EngineError(f"A site failed: {self._server.failure!r}") from self._server.failure
