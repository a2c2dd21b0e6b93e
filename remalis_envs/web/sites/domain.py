"""What a domain file holds: kinds of things and their fields, services over them, rules of its own, words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from remalis_envs.web.sites.expressions import Formula

FIELD_KINDS = ("text", "choice", "number", "money", "date", "time", "flag", "ref")
"""``text``: from patterns with ``{words}``; ``choice``: of a list; ``number``, ``money``; ``date``: days from today;
``time``: of the day; ``flag``: yes or no; ``ref``: another entity."""
SHOWN = ("list", "detail", "more", "apart")
"""Where a field can be read: in lists too, with the details, on a second tab of them, on a page apart."""
PLACES = ("catalogue", "account", "profile")
"""Where an entity's rows are: for all to see, the login's own, the login's one record of itself."""
INPUT_KINDS = ("choice", "number", "money", "date", "time", "phrase", "flag", "code")
RULE_KINDS = ("exclude", "value")
SORTABLE = ("number", "money", "date", "time")
"""Kinds of fields that rows can be sorted by."""


@dataclass(frozen=True)
class FieldSpec:
    """A field of an entity; keys of the same names in the file.

    Attributes:
        name: of the column.
        kind: one of :data:`FIELD_KINDS`.
        label: as pages call it.
        of: patterns or choices.
        by: name of an earlier field that decides among ``of_by``.
        of_by: choices for each value of ``by``.
        weights: of the choices.
        low, high, step: of numbers; days from today of dates; minutes since midnight of times.
        formula: what the value follows, of earlier fields (``ref.field`` for a referenced row).
        noise: share by which a number strays from its formula.
        chance: of a flag.
        entity: that a reference is to.
        unit: after a number.
        shown: one of :data:`SHOWN`.
        says: phrases for "with this value", holding ``{value}``; for a flag, phrases for yes.
        least, most: adjectives for the smallest and largest.
        unique: whether no two rows may share a value.
    """

    name: str
    kind: str
    label: str
    of: tuple[str, ...] = ()
    by: str = ""
    of_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weights: tuple[float, ...] = ()
    low: float = 0
    high: float = 0
    step: float = 1
    formula: Formula | None = None
    noise: float = 0
    chance: float = 0.5
    entity: str = ""
    unit: str = ""
    shown: str = "detail"
    says: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    most: tuple[str, ...] = ()
    unique: bool = False


@dataclass(frozen=True)
class Entity:
    """A kind of thing.

    Attributes:
        name: of the table.
        singular, plural: as pages and instructions call it; further words for it in ``synonyms``.
        place: one of :data:`PLACES`.
        count: rows that a site has, fewest and most.
        title: the field that names a row.
        fields: in the order in which they are drawn.
        synonyms: other words for the singular.
        mapped: whether its rows are places, which the map shows.
    """

    name: str
    singular: str
    plural: str
    place: str
    count: tuple[int, int]
    title: str
    fields: tuple[FieldSpec, ...]
    synonyms: tuple[str, ...] = ()
    mapped: bool = False

    def field(self, name: str) -> FieldSpec:
        """A field by its name."""
        return next(spec for spec in self.fields if spec.name == name)


@dataclass(frozen=True)
class Input:
    """Something that a service asks for.

    Attributes:
        name: of the form field.
        kind: one of :data:`INPUT_KINDS`.
        label: as the form calls it.
        of: choices, or phrases to draw from.
        low, high: of numbers; days from today of dates.
        value: what the right value follows: target's fields, ``profile.x``, other inputs; None where it is drawn.
        fact: ``profile.x`` or ``target.x`` or ``target.ref.x``: where the right value can be read; "" for none.
        says: phrases that tell it, holding ``{value}``.
        spoken: whether it is told only, and no field of the form (``value`` of another uses it).
        optional: whether the form can go without it; then only hard tasks ask for it.
    """

    name: str
    kind: str
    label: str
    of: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    value: Formula | None = None
    fact: str = ""
    says: tuple[str, ...] = ()
    spoken: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Rule:
    """A rule of the domain's own that changes the right answer.

    Attributes:
        name: short.
        service: that it is about.
        kind: ``exclude`` (rows for which the service is refused) or ``value`` (what an input must be; the formula
            stands with the input).
        when: of an exclusion, holds for the rows that are excluded.
        text: as the site puts it.
    """

    name: str
    service: str
    kind: str
    text: str
    when: Formula | None = None


@dataclass(frozen=True)
class Service:
    """Something that can be done on the site.

    Attributes:
        name: in addresses.
        mechanic: how it goes, one of ``mechanics.MECHANICS``.
        entity: of what.
        label: of the control that begins it.
        final: of the control that ends it.
        concept: one of ``vocabulary.CONCEPTS``.
        inputs: that it asks for.
        asks: ways to ask for it, holding ``{target}`` or ``{targets}``.
        closings: ways to ask for the end of it.
        options: parameters of the mechanic.
    """

    name: str
    mechanic: str
    entity: str
    label: str
    final: str
    concept: str
    inputs: tuple[Input, ...]
    asks: tuple[str, ...]
    closings: tuple[str, ...]
    options: Mapping[str, object]

    @property
    def form(self) -> tuple[Input, ...]:
        """The inputs that are fields of its form."""
        return tuple(one for one in self.inputs if not one.spoken)


@dataclass(frozen=True)
class Message:
    """A message in the login's inbox.

    Attributes:
        sender: who wrote it.
        subject: of it.
        text: holds ``{profile.x}``; a field of the profile that a message tells is not shown in the account.
    """

    sender: str
    subject: str
    text: str


@dataclass(frozen=True)
class Homonym:
    """A control whose word means another thing here than in a service's label.

    Attributes:
        label: of the decoy.
        concept: what it really does.
        leads: help topic, entity or ``news`` that it opens.
    """

    label: str
    concept: str
    leads: str = "help"


@dataclass(frozen=True)
class Domain:
    """A whole domain file.

    Attributes:
        name: of the file.
        titles: names that a site may have.
        about: what it is, in a line.
        currency: before amounts of money.
        words: lists that patterns draw from.
        entities: by name, in the order in which they are drawn.
        services: by name.
        rules: at least two.
        messages: in the inbox.
        homonyms: decoys of dense pages.
        notices: lines of news.
    """

    name: str
    titles: tuple[str, ...]
    about: str
    currency: str
    words: Mapping[str, tuple[str, ...]]
    entities: Mapping[str, Entity]
    services: Mapping[str, Service]
    rules: tuple[Rule, ...]
    messages: tuple[Message, ...]
    homonyms: tuple[Homonym, ...]
    notices: tuple[str, ...]

    @property
    def profile(self) -> Entity | None:
        """The entity that the login's own record is of."""
        return next((one for one in self.entities.values() if one.place == "profile"), None)

    def rules_of(self, service: str) -> tuple[Rule, ...]:
        """The rules about a service."""
        return tuple(rule for rule in self.rules if rule.service == service)
