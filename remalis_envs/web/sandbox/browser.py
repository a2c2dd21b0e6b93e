"""A browser in its sandbox: one private context, tabs in windows of their own, and nothing that leads out."""

from __future__ import annotations

import contextlib
from typing import Any

from remalis_envs.web.sandbox.devtools import Devtools, DevtoolsError
from remalis_envs.web.sandbox.launch import Sandbox
from remalis_envs.web.sandbox.loop import Loop

START_S = 30.0
"""Within this the browser answers for the first time, however busy the machine."""


class Watcher:
    """What a tab is told; :class:`Browser` calls it."""

    def event(self, method: str, parameters: dict[str, Any]) -> None:
        """An event of the tab's session."""

    def lost(self, words: str) -> None:
        """The tab is gone; ``words`` say why."""


class Browser:
    """Chromium, started in its sandbox.

    Args:
        loop: that watches its pipes.
        sandbox: that it runs in; closed with it.

    Attributes:
        popups: windows that pages tried to open, each closed before it loaded anything.

    Raises:
        DevtoolsError: it did not answer.
    """

    def __init__(self, loop: Loop, sandbox: Sandbox) -> None:
        self.loop, self.sandbox = loop, sandbox
        self.popups = 0
        self._tabs: dict[str, Watcher] = {}  # by session
        self._attached: dict[str, str] = {}  # target -> session, of a tab that is being made
        self._creating = False
        self.devtools = Devtools(loop, sandbox.read_fd, sandbox.write_fd, self._event)
        loop.watch(sandbox.control, self._guardian)
        self.devtools.ask("Browser.getVersion", limit_s=START_S)
        self._context = self.devtools.ask("Target.createBrowserContext")["browserContextId"]
        commands = [
            self.devtools.send("Browser.setDownloadBehavior", behavior="deny", browserContextId=self._context),
            # Grants nothing, and thereby refuses everything else without asking.
            self.devtools.send("Browser.grantPermissions", permissions=[], browserContextId=self._context),
            self.devtools.send(
                "Target.setAutoAttach",
                autoAttach=True,
                waitForDebuggerOnStart=True,
                flatten=True,
                filter=[{"type": "page"}, {"type": "tab", "exclude": True}, {"exclude": True}],
            ),
        ]
        for command in commands:
            self.devtools.answer(command, START_S)

    def open_tab(self) -> tuple[str, str]:
        """Opens an empty tab in a window of its own, which waits before it loads anything.

        Returns:
            Its target and its session; watch the session with :meth:`watch`.
        """
        self._creating = True
        try:
            target = self.devtools.ask(
                "Target.createTarget", url="about:blank", browserContextId=self._context, newWindow=True
            )["targetId"]
            if not self.loop.until(lambda: target in self._attached or self.devtools.gone, START_S):
                raise DevtoolsError("a new tab did not appear")
            if self.devtools.gone:
                raise DevtoolsError("the browser is gone")
        finally:
            self._creating = False
        return target, self._attached.pop(target)

    def watch(self, session: str, tab: Watcher) -> None:
        """Gives a tab the events of its session."""
        self._tabs[session] = tab

    def close_tab(self, target: str, session: str) -> None:
        """Closes a tab; what it still has to say is not listened to."""
        self._tabs.pop(session, None)
        self.devtools.send("Target.closeTarget", targetId=target)

    @property
    def alive(self) -> bool:
        """Whether the browser still answers to its pipes, as far as is known."""
        return not self.devtools.gone

    def close(self) -> None:
        """Ends it and its sandbox; safe to repeat."""
        self.devtools.close()
        self.loop.forget(self.sandbox.control)
        self.sandbox.close()

    def _guardian(self, _: int) -> None:
        """Something from the guardian: what it ended, or its own end."""
        said = b""
        with contextlib.suppress(BlockingIOError):
            said = self.sandbox.control.recv(65536)
        if not said:
            self.loop.forget(self.sandbox.control)
            self.devtools.close()
            for tab in list(self._tabs.values()):
                tab.lost("the browser has ended")

    def _event(self, session: str, method: str, parameters: dict[str, Any]) -> None:
        tab = self._tabs.get(session)
        if tab is not None:
            tab.event(method, parameters)
        elif method == "Target.attachedToTarget":
            self._new_target(parameters["targetInfo"], parameters["sessionId"])
        elif method == "Target.detachedFromTarget":
            gone = self._tabs.pop(parameters["sessionId"], None)
            if gone is not None:
                gone.lost("the tab was closed")

    def _new_target(self, info: dict[str, Any], session: str) -> None:
        if self._creating and not info.get("openerId") and not info.get("openerFrameId"):
            self._attached[info["targetId"]] = session
            return
        # A window that a page opened: it is closed before it has loaded anything. First it must go on, for its opener,
        # whose thread it shares, waits with it; what it then asks for is held back.
        self.popups += 1
        self.devtools.send("Fetch.enable", session)
        self.devtools.send("Runtime.runIfWaitingForDebugger", session)
        self.devtools.send("Target.closeTarget", targetId=info["targetId"])
