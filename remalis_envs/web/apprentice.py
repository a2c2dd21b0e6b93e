"""A demonstrator who knows the task but not the rules of the site: it shows only what can be learnt from what is seen.

The oracle goes straight to the one row that a site's rules allow. Rows that only a rule tells apart look the same, so
that nobody who sees no more than the page could learn to do so. Who has not read the rules tries such rows in the order
in which they stand, and goes on to the next where the site refuses.
"""

from __future__ import annotations

from remalis_envs.errors import RemalisError
from remalis_envs.web.actions import BACK, FIRST_CANDIDATE, NEXT_REGION, PREVIOUS_REGION
from remalis_envs.web.desk import Desk
from remalis_envs.web.engines.base import Deed
from remalis_envs.web.episode import Episode
from remalis_envs.web.oracle import action_of
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.sites.world import SiteWorld
from remalis_envs.web.tasks.model import Intent
from remalis_envs.web.tasks.moves import find, leads
from remalis_envs.web.tasks.oracle import TaskOracle
from remalis_envs.web.tasks.steps import Start
from remalis_envs.web.words import word_set


class Apprentice:
    """Plays one episode.

    Args:
        episode: that has just begun.

    Raises:
        RemalisError: its task is none of the suite's own.
    """

    def __init__(self, episode: Episode) -> None:
        oracle = episode.drawn.oracle
        world = episode.drawn.world
        if not isinstance(oracle, TaskOracle) or not isinstance(world, SiteWorld):
            raise RemalisError("An apprentice plays the suite's own tasks only: of others nobody knows the answer.")
        self.episode, self._oracle = episode, oracle
        self._begin = next((s for s in oracle.steps if isinstance(s, Start) and s.subtask.name == "begin"), None)
        self._base, self._form = "", ""
        self._excluded: set[str] = set()
        """Addresses of rows that the rules exclude."""
        self._likely: set[str] = set()
        """Those that have been seen beside the right one and look like it."""
        if self._begin is not None:
            self._find_excluded(self._begin, world)

    def _find_excluded(self, begin: Start, world: SiteWorld) -> None:
        self._form, _, number = begin.form.rpartition("/")
        service = world.domain.services.get(self._form.rpartition("/")[2])
        if service is None or not number.isdigit():
            return
        self._base = begin.way[-1].rpartition("/")[0]
        mechanic = MECHANICS[service.mechanic]
        rows = world.site.rows[service.entity]
        self._excluded = {
            f"{self._base}/{row['id']}" for row in rows if mechanic.excluded(world.site, service, row)
        } - {begin.way[-1]}

    def actions(self) -> list[int]:
        """What each agent does next."""
        chosen = self.episode.oracle_actions()
        if self._begin is None or not self._excluded or "begin" in self._oracle.done():
            return chosen
        for desk in self.episode.desks:
            if self._begin.subtask.right in desk.rights:
                action = self._trying(self._begin, desk, chosen[desk.number])
                if self.episode.masks[desk.number, action]:
                    chosen[desk.number] = action
        return chosen

    def _trying(self, begin: Start, desk: Desk, right: int) -> int:
        """What an agent does who may begin the service, where the oracle would do ``right``."""
        reading = desk.reading
        base, _, number = reading.url.rpartition("/")
        if base == self._base and number.isdigit() and reading.url != begin.way[-1]:
            button = self._button(begin, reading, number) if reading.url in self._likely else -1
            if button < 0 or self.episode.was_done(reading.items[button], "press"):
                return BACK
            return self._click(desk, button)
        links = [(place, item) for place, item in enumerate(reading.items) if item.role == "link"]
        if any(item.name == "Back" and leads(reading, item) in self._excluded for _, item in links):
            return BACK  # refused
        target = next((place for place, item in links if leads(reading, item) == begin.way[-1]), -1)
        if target < 0 or not self._heads_for(desk, right, target):
            return right
        known = word_set(desk.instruction)
        wanted = known & word_set(reading.items[target].context)
        for place, item in links:
            if place < target and self._next(reading, item) and wanted <= word_set(item.context):
                self._likely.add(leads(reading, item))
                return self._click(desk, place)
        return right

    def _next(self, reading: Reading, item: Item) -> bool:
        """Whether a link leads to a row that the rules exclude and that was not tried yet."""
        return leads(reading, item) in self._excluded and not self.episode.was_done(item, "follow")

    def _heads_for(self, desk: Desk, action: int, target: int) -> bool:
        """Whether an action is the way to a link of the page."""
        if action >= FIRST_CANDIDATE:
            return desk.candidate(action - FIRST_CANDIDATE).place == target
        return action in (NEXT_REGION, PREVIOUS_REGION)

    def _button(self, begin: Start, reading: Reading, number: str) -> int:
        return find(reading, ("button",), begin.label, begin.slot, f"{self._form}/{number}")

    def _click(self, desk: Desk, place: int) -> int:
        return action_of(desk, Intent(deed=Deed("click", place)), self.episode.hosts, self.episode.home)
