"""BrowserGym's own MiniWoB tasks, in the virtual environment that the benchmark makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from web_speed.peer import Peer

from remalis_envs.web.others.wheel import pages

from .episodes import SCRIPT

PACKAGE = "browsergym-miniwob==0.14.3"
OPTIONS = {"slow_mo": 0, "tags_to_mark": "all"}
"""Of BrowserGym's environment: without the wait of 100 ms before each call of its driver, the half second after each
action kept; and with names for shapes of drawings, too, which are acted on here."""
EPISODE_S = 300.0


class Replay(Peer):
    """Plays recorded actions in BrowserGym.

    Raises:
        UnavailableError: it cannot be installed.
    """

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("replay_side.py"), PACKAGE)

    def write(self, folder: Path) -> None:
        """Writes the pages of the wheel."""
        for path, content in pages().items():
            place = folder / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def tasks(self) -> dict[str, bool]:
        """Its tasks, and whether it flags them nondeterministic."""
        return self.ask({"do": "tasks"})

    def versions(self) -> dict[str, str]:
        """Of its packages, and of Chromium, which both sides share."""
        return self.ask({"do": "versions"})

    def play(self, task: str, seed: int, actions: list[dict[str, Any]]) -> None:
        """Has it begin an episode of ``click-test`` and the like; :meth:`played` waits for its end."""
        asked = {"do": "play", "task": task, "seed": seed, "actions": actions, "script": SCRIPT, "options": OPTIONS}
        self.tell(asked)

    def played(self) -> dict[str, Any]:
        """``goal``, ``outline``, ``raw``, ``done`` and ``errors`` of the episode.

        Raises:
            UnavailableError: it failed.
        """
        return self.hear(EPISODE_S)
