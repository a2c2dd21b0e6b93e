"""Rules of good order that can be put into the mask: what nobody may do now, or not this agent, whatever its rights.

``complete_before_final``: nothing is confirmed, paid or submitted while the draft lacks what its form asks for.
``keep_others_work``: nobody throws away a draft, or takes out of the basket, what another tab changed last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError
from remalis_envs.web.actions import FIRST_CANDIDATE, WINDOW
from remalis_envs.web.desk import Desk
from remalis_envs.web.pages.items import Item
from remalis_envs.web.roles import CONFIRM, EDIT

REMOVAL = "/basket/remove/"
_RULED = (CONFIRM, EDIT)


class OrderlyWorld(Protocol):
    """What the rules ask of a world."""

    @property
    def db(self) -> sqlite3.Connection:
        """All that lasts."""

    def lacking(self) -> list[str]:
        """Labels of what the open draft's form asks for and does not hold; empty where no draft is open."""


def _incomplete(world: OrderlyWorld, tab: int, item: Item, right: str) -> bool:
    return right == CONFIRM and bool(world.lacking())


def _throws_away(world: OrderlyWorld, tab: int, item: Item, right: str) -> bool:
    path = item.form.removeprefix("POST ")
    if path == "/draft/discard":
        begun = world.db.execute("SELECT tab FROM draft WHERE state = 'open'").fetchone()
    elif path.startswith(REMOVAL):
        begun = world.db.execute("SELECT tab FROM basket WHERE id = ?", (path.removeprefix(REMOVAL),)).fetchone()
    else:
        return False
    return begun is not None and begun[0] != tab


RULES: dict[str, Callable[[OrderlyWorld, int, Item, str], bool]] = {
    "complete_before_final": _incomplete,
    "keep_others_work": _throws_away,
}
"""Name -> whether a tab may not act on a control, which takes a right, now."""


class Order:
    """The rules of an episode, and what they have prevented.

    Args:
        names: of rules.
        world: that is played in.
        team: number of agents.

    Attributes:
        names: of its rules.
        prevented: actions that somebody chose although a rule forbade them.

    Raises:
        RemalisError: the world knows nothing of drafts.
    """

    def __init__(self, names: Sequence[str], world: object, team: int) -> None:
        if names and not hasattr(world, "lacking"):
            raise RemalisError(f"the rules {list(names)} speak of drafts, of which these tasks' sites have none")
        self.names = tuple(names)
        self._rules = [RULES[name] for name in names]
        self._world: OrderlyWorld = world  # type: ignore[assignment]
        self._barred = np.zeros((team, WINDOW), bool)
        self.prevented = 0

    def note(self, agent: int, action: int) -> None:
        """Counts a masked action that was chosen, if a rule masked it."""
        number = action - FIRST_CANDIDATE
        self.prevented += bool(self._rules and 0 <= number < WINDOW and self._barred[agent, number])

    def mask(self, desks: Sequence[Desk], masks: npt.NDArray[np.int8]) -> None:
        """Takes out of the masks ``(N, A)`` what the rules forbid now."""
        if not self._rules:
            return
        for k, desk in enumerate(desks):
            self._barred[k] = False
            for number, one in enumerate(desk.window()):
                if not one.offer.legal or one.offer.right not in _RULED:
                    continue
                item = desk.reading.items[one.place]
                barred = any(rule(self._world, desk.number, item, one.offer.right) for rule in self._rules)
                self._barred[k, number] = barred
                masks[k, FIRST_CANDIDATE + number] = not barred
