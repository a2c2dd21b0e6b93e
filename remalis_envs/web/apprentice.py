"""A demonstrator who knows the task but not the rules of the site: it shows only what can be learnt from what is seen.

The oracle goes straight to the one row that a site's rules allow. Rows that only a rule tells apart look the same, so
that nobody who sees no more than the page could learn to do so. Who has not read the rules tries such rows in the order
in which they stand, and goes on to the next where the site refuses.

The oracle knows as well what a row refers to, such as the wing that a test is done in, and where that stands in its own
list. Who has to find it out goes by the row's own page, follows the link there, and goes back when all is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from remalis_envs.errors import RemalisError
from remalis_envs.web.actions import BACK, FIRST_CANDIDATE, NEXT_REGION, PREVIOUS_REGION
from remalis_envs.web.desk import Desk
from remalis_envs.web.engines.base import Deed
from remalis_envs.web.episode import Episode
from remalis_envs.web.oracle import action_of
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.sites.details import MORE
from remalis_envs.web.sites.domain import Entity
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.sites.world import SiteWorld
from remalis_envs.web.tasks.model import Intent
from remalis_envs.web.tasks.moves import find, leads, reveal
from remalis_envs.web.tasks.oracle import TaskOracle
from remalis_envs.web.tasks.steps import Read, Start, Step
from remalis_envs.web.words import word_set


@dataclass(frozen=True)
class ReadBeyond(Read):
    """Records a fact of what a row refers to, by way of the row's own page.

    Attributes:
        row: address of that page.
        more: whether the link is among the facts that have to be opened there.
    """

    row: str = ""
    more: bool = False

    def act(self, reading: Reading) -> Deed | int | None:
        """Shows the link first."""
        if reading.url == self.row:
            move = reveal(reading, MORE if self.more else "")
            if move is not None:
                return move
        return super().act(reading)


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
        self.episode = episode
        self._begin = next((s for s in oracle.steps if isinstance(s, Start) and s.subtask.name == "begin"), None)
        self._base, self._form = "", ""
        self._excluded: set[str] = set()
        """Addresses of rows that the rules exclude."""
        self._likely: set[str] = set()
        """Those that have been seen beside the right one and look like it."""
        steps: Sequence[Step] = oracle.steps
        if self._begin is not None:
            entity = self._find_excluded(self._begin, world)
            if entity is not None:
                steps = [_by_the_row(step, self._begin.way, world, entity) for step in steps]
        self._oracle = TaskOracle(steps, world)
        self._steps = {step.subtask.name: step for step in steps}
        self._trails: list[list[str]] = [[] for _ in episode.desks]
        """Of each tab, the addresses that it can go back over, and where it is."""

    def _find_excluded(self, begin: Start, world: SiteWorld) -> Entity | None:
        """Finds what the rules exclude; returns what kind of thing the task is about."""
        self._form, _, number = begin.form.rpartition("/")
        service = world.domain.services.get(self._form.rpartition("/")[2])
        if service is None or not number.isdigit():
            return None
        self._base = begin.way[-1].rpartition("/")[0]
        mechanic = MECHANICS[service.mechanic]
        rows = world.site.rows[service.entity]
        self._excluded = {
            f"{self._base}/{row['id']}" for row in rows if mechanic.excluded(world.site, service, row)
        } - {begin.way[-1]}
        return world.domain.entities[service.entity]

    def actions(self) -> list[int]:
        """What each agent does next."""
        for desk, trail in zip(self.episode.desks, self._trails, strict=True):
            if not trail or trail[-1] != desk.reading.url:
                trail[desk.depth :] = [desk.reading.url]
        intents = self.episode.oracle_intents(self._oracle)
        chosen = self.episode.actions_for({k: self._or_back(k, intent) for k, intent in intents.items()})
        if self._begin is None or not self._excluded or "begin" in self._oracle.done():
            return chosen
        for desk in self.episode.desks:
            if self._begin.subtask.right in desk.rights:
                action = self._trying(self._begin, desk, chosen[desk.number])
                if self.episode.masks[desk.number, action]:
                    chosen[desk.number] = action
        return chosen

    def _or_back(self, agent: int, intent: Intent) -> Intent:
        """Goes back where that leads as far as the link which the oracle would follow."""
        deed, trail = intent.deed, self._trails[agent]
        step = self._steps.get(intent.subtask)
        reading = self.episode.desks[agent].reading
        if step is None or deed is None or deed.kind != "click" or len(trail) < 2 or trail[-2] not in step.way:
            return intent
        item = reading.items[deed.item]
        led = leads(reading, item)
        if item.role != "link" or led not in step.way or step.way.index(led) > step.way.index(trail[-2]):
            return intent
        return replace(intent, deed=Deed("back"))

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


def _by_the_row(step: Step, way: tuple[str, ...], world: SiteWorld, entity: Entity) -> Step:
    """A step that reads what the row at the end of a way refers to, by that way; every other step as it is."""
    if not isinstance(step, Read) or step.fact is None:
        return step
    owner, _, rest = step.fact.name.partition(".")
    name, dot, _ = rest.partition(".")
    if owner != "target" or not dot:
        return step
    spec = entity.field(name)
    if world.domain.entities[spec.entity].place != "catalogue":
        return step  # no link leads there
    beyond = tuple(address for address in step.way if address.startswith(f"main/item/{spec.entity}/"))
    at = (*way, f"{way[-1]}/more") if spec.shown == "apart" else way
    return ReadBeyond(step.subtask, (*at, *beyond), step.fact, way[-1], spec.shown == "more")
