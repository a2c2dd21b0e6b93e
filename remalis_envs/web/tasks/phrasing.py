"""Instructions in natural wording: what is wanted, clause by clause, each with the sub-task that it speaks of."""

from __future__ import annotations

from random import Random

from remalis_envs.web.sites import maps
from remalis_envs.web.sites.domain import FieldSpec, Input, Service
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.showing import long_date, shown
from remalis_envs.web.tasks.goals import EQUAL, LEAST, MOST, NAMED, Condition, Goal, Pick, Wanted

PIECES = " pieces of "
"""Between a quantity and what it is of."""
CLOSINGS = (
    "Then confirm it.",
    "When all is filled in, make it final.",
    "Finish by confirming.",
    "Check it once more and confirm.",
    "Do not forget to confirm.",
    "Complete it.",
    "Send it off when it is right.",
    "Make it binding at the end.",
)
RULES = (
    "Mind the rules: not every {one} is open to me.",
    "It has to be one that the rules allow.",
    "Take only one for which this is allowed.",
    "Leave out those that the rules rule out.",
)
_SLOTS = {
    "given": ("Take {date} at {time}.", "It should be on {date} at {time}.", "The time is {time} on {date}."),
    "earliest": (
        "Take the earliest free time.",
        "The first time that is still free is best.",
        "As early as they have.",
    ),
    "free": (
        "Take the first free time at which my calendar is free, too.",
        "It has to be the first time that fits my calendar.",
        "Look into my calendar and take the first time that does not clash.",
    ),
    "latest": ("Take the latest free time.", "The last time that is still free is best.", "As late as they have."),
}

_SEATS = ("It should be seat {seat}.", "Take seat {seat}.", "The seat is to be {seat}.")
_ENTRIES = (
    'Put it into the calendar as "{entry}".',
    'The calendar should have it as "{entry}".',
    'Note date and time in the calendar, called "{entry}".',
)

_DATES = (
    'The date under "{label}" goes into the calendar as "{entry}".',
    'Enter "{entry}" in the calendar for the date under "{label}".',
    'Put the date called "{label}" into the calendar as "{entry}".',
)


_RESULTS = (
    'Under "{label}" put {value}.',
    'Write {value} for "{label}".',
    'For "{label}" it comes to {value}.',
    'I have worked out "{label}": {value}.',
    '"{label}" is {value}.',
)
"""What the instruction says where somebody has done the sum already."""


def entry_clause(goal: Goal, rng: Random) -> str:
    """The sentence about the calendar entry."""
    assert goal.entry is not None
    forms = _DATES if goal.entry.label else _ENTRIES
    return rng.choice(forms).replace("{entry}", goal.entry.title).replace("{label}", goal.entry.label)


def target_phrase(site: Site, service: Service, pick: Pick, rng: Random) -> str:
    """What names the target: ``the cheapest room with a screen``."""
    entity = site.domain.entities[service.entity]
    noun = rng.choice((entity.singular, *entity.synonyms))
    named = next((one for one in pick.conditions if one.kind == NAMED), None)
    if named is not None:
        return f'the {noun} "{named.value}"'
    extreme = next((one for one in pick.conditions if one.kind in (LEAST, MOST)), None)
    equal = [_equal(site, one, rng) for one in pick.conditions if one.kind == EQUAL]
    rng.shuffle(equal)
    head = f"the {noun}"
    if extreme is not None:
        words = extreme.spec.least if extreme.kind == LEAST else extreme.spec.most
        head = f"the {rng.choice(words)} {noun}"
    return " ".join([head, *equal])


def clue_phrase(site: Site, spec: FieldSpec, value: object, clue: FieldSpec) -> str:
    """A referenced row, told by a field of it instead of its name.

    Args:
        site: the data.
        spec: the reference.
        value: id of the row.
        clue: the field that tells it.
    """
    other = site.domain.entities[spec.entity]
    if maps.landmark_of(clue):
        return f"the {other.singular} {clue.label}"
    row = site.row(other.name, int(str(value)))
    assert row is not None
    label = clue.label[0].lower() + clue.label[1:]
    return f'the {other.singular} whose {label} is "{shown(site, clue, row[clue.name])}"'


def _equal(site: Site, one: Condition, rng: Random) -> str:
    value = long_date(one.value) if one.spec.kind == "date" else shown(site, one.spec, one.value)
    if one.clue is not None:
        # Whoever reads this has to find out first which of them it is.
        value = clue_phrase(site, one.spec, one.value, one.clue)
    return rng.choice(one.spec.says).replace("{value}", value).replace("the the ", "the ")


def ask(site: Site, goal: Goal, rng: Random) -> str:
    """The sentence that names the service and what it is about."""
    phrases = []
    for pick in goal.picks:
        phrase = target_phrase(site, goal.service, pick, rng)
        if pick.quantity > 1:
            phrase = f"{pick.quantity}{PIECES}{phrase}"
        phrases.append(phrase)
    joined = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
    text = rng.choice(goal.service.asks).replace("{target}", joined)
    text = text[:1].upper() + text[1:]
    if any(pick.ruled for pick in goal.picks):
        one = site.domain.entities[goal.service.entity].singular
        text = f"{text} {rng.choice(RULES).replace('{one}', one)}"
    return text


def slot_clause(goal: Goal, rng: Random) -> str:
    """The sentence about the time."""
    date, _, time = goal.slot.partition(" ")
    if not time:
        return rng.choice(_SEATS).replace("{seat}", goal.slot)
    return rng.choice(_SLOTS[goal.slot_asked]).replace("{date}", long_date(date)).replace("{time}", time)


def says(one: Input, value: str, rng: Random) -> str:
    """The sentence that tells a value; "" for a box that stays empty because nothing was said."""
    if one.kind == "flag" and value == "no" and one.value is None and not one.fact:
        return ""
    told = long_date(value) if one.kind == "date" else value
    return rng.choice(one.says).replace("{value}", told)


def _told(wanted: Wanted, rng: Random) -> str:
    if not wanted.worked_out:
        return says(wanted.field, wanted.value, rng)
    return rng.choice(_RESULTS).replace("{label}", wanted.field.label).replace("{value}", wanted.value)


def input_clauses(goal: Goal, rng: Random) -> list[tuple[Wanted | None, str]]:
    """Sentences about the form, in the order of its fields; None stands with what is only told."""
    told: list[tuple[Wanted | None, str]] = []
    fields = {one.field.name: one for one in goal.wanted}
    for one in goal.service.inputs:
        if one.name in goal.spoken:
            told.append((None, says(one, goal.spoken[one.name], rng)))
        elif one.name in fields:
            told.append((fields[one.name], _told(fields[one.name], rng)))
    return [(wanted, text) for wanted, text in told if text]


def closing(service: Service, rng: Random) -> str:
    """The sentence about the end."""
    return rng.choice((*CLOSINGS, *service.closings))
