"""How Chromium plays pages of others: begins the episode in them, has their reader in place, asks how they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence

from remalis_envs.web.engines.chromium_tab import Tab, script_value
from remalis_envs.web.sites.protocol import ScriptedWorld

PATIENCE_MS = 500
"""What timers may take until a page is read, as long as BrowserGym waits: a list of suggestions opens after 300 ms."""


def begin(tabs: Sequence[Tab], world: ScriptedWorld) -> None:
    """Begins the episode in tabs that have opened the start page and settled.

    Raises:
        EngineError: the page's scripts failed, or it hangs.
    """
    for tab in tabs:
        tab.calm_down(False)
        world.begun(_value(tab, world.begin_script))


def attend(tabs: Sequence[Tab], world: ScriptedWorld) -> None:
    """Has the reader for pages of others in place, and the world hear how its page stands.

    Raises:
        EngineError: the page's scripts failed, or it hangs.
    """
    for tab in tabs:
        call = tab.send_script(world.reader_script)
        if call is not None:
            script_value(tab.answer(call))
        # In the page's own world, which no agent can reach: they have a mouse and a keyboard, and no scripts.
        world.hear(json.loads(_value(tab, f"JSON.stringify({world.watch_script})")))


def _value(tab: Tab, expression: str) -> str:
    return script_value(tab.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True))
