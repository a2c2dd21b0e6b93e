"""Domain files read and checked: ``load_domain("library")``, or a file of one's own."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from remalis_envs.errors import unknown
from remalis_envs.web.sites.domain import (
    FIELD_KINDS,
    INPUT_KINDS,
    PLACES,
    RULE_KINDS,
    SHOWN,
    SORTABLE,
    Domain,
    Entity,
    FieldSpec,
    Homonym,
    Input,
    Message,
    Rule,
    Service,
)
from remalis_envs.web.sites.schema import DomainError, Section
from remalis_envs.web.vocabulary import CONCEPTS


def domain_names() -> tuple[str, ...]:
    """Names of the domains that come with the suite."""
    folder = resources.files("remalis_envs.web") / "domains"
    return tuple(sorted(one.name.removesuffix(".yaml") for one in folder.iterdir() if one.name.endswith(".yaml")))


@lru_cache(maxsize=256)
def load_domain(name: str) -> Domain:
    """A domain by name, or by the path of a file that ends in ``.yaml``.

    Raises:
        UnknownNameError: if there is none of that name.
        DomainError: if the file does not keep to the schema.
    """
    import yaml

    if name.endswith(".yaml"):
        text, place = Path(name).read_text(encoding="utf-8"), Path(name).name
    else:
        if name not in domain_names():
            raise unknown("domain", name, domain_names())
        text = (resources.files("remalis_envs.web") / "domains" / f"{name}.yaml").read_text(encoding="utf-8")
        place = f"{name}.yaml"
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise DomainError(f"{place} is no YAML: {error}") from error
    return read_domain(data, place)


SEARCH_NAMES, FORM_NAMES = ("q", "page", "sort"), ("version", "part")
"""What the forms of search and of drafts send beside their fields."""
MOST_SORTED = 4
"""Fields that rows can be sorted by, at most, so that the list of ways does not get too long."""


def read_domain(data: object, place: str) -> Domain:
    """A domain from what YAML gave.

    Args:
        data: the mapping.
        place: name of the file, for errors and as the domain's name.
    """
    top = Section(data, place)
    words = top.section("words", {})
    lists = {name: words.texts(name, least=2) for name in words.data}
    domain = Domain(
        name=place.removesuffix(".yaml"),
        titles=top.texts("titles", least=2),
        about=top.text("about"),
        currency=top.text("currency", "£"),
        words=lists,
        entities={name: _entity(name, section) for name, section in top.sections("entities")},
        services={name: _service(name, section) for name, section in top.sections("services")},
        rules=tuple(_rule(section) for section in top.list_of_sections("rules")),
        messages=tuple(_message(section) for section in top.list_of_sections("messages")),
        homonyms=tuple(_homonym(section) for section in top.list_of_sections("homonyms")),
        notices=top.texts("notices", ()),
    )
    top.finish()
    _check(domain, place)
    return domain


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _entity(name: str, section: Section) -> Entity:
    count = section.raw("count") or [12, 20]
    if not (isinstance(count, list) and len(count) == 2 and all(isinstance(n, int) for n in count)):
        raise DomainError(f"{section.place}.count must be a list of the fewest and the most rows, not {count!r}.")
    fields = tuple(_field(field, below) for field, below in section.sections("fields"))
    singular = section.text("singular", _plain(name))
    entity = Entity(
        name=name,
        singular=singular,
        plural=section.text("plural", singular + "s"),
        place=section.text("place", "catalogue", of=PLACES),
        count=(count[0], count[1]),
        title=section.text("title", fields[0].name if fields else ""),
        fields=fields,
        synonyms=section.texts("synonyms", ()),
        mapped=section.flag("mapped", False),
    )
    section.finish()
    if entity.place == "catalogue":
        _check_searchable(fields, section.place)
    if entity.title not in [spec.name for spec in fields]:
        raise DomainError(f"{section.place}.title is {entity.title!r}, which is none of its fields.")
    return entity


def _check_searchable(fields: tuple[FieldSpec, ...], place: str) -> None:
    """What the search form of a catalogue cannot show."""
    for spec in fields:
        if spec.name in SEARCH_NAMES:
            where = f"{place}.fields.{spec.name}"
            raise DomainError(f"{where} has the name of a part of the search form; call it otherwise.")
    sorted_by = [spec.name for spec in fields if spec.shown == "list" and spec.kind in SORTABLE]
    if len(sorted_by) > MOST_SORTED:
        raise DomainError(
            f"{place} lists {len(sorted_by)} fields that can be sorted by ({', '.join(sorted_by)}), and search offers "
            f"{MOST_SORTED}: show one as 'detail'."
        )


def _field(name: str, section: Section) -> FieldSpec:
    kind = section.text("kind", of=FIELD_KINDS)
    choices = section.raw("of")
    by = section.text("by", "")
    of_by: dict[str, tuple[str, ...]] = {}
    of: tuple[str, ...] = ()
    if by:
        below = section.section("of")
        of_by = {value: below.texts(value, least=1) for value in below.data}
    elif choices is not None:
        of = section.texts("of", least=1)
    weights = section.raw("weights") or []
    spec = FieldSpec(
        name=name,
        kind=kind,
        label=section.text("label", _plain(name).capitalize()),
        of=of,
        by=by,
        of_by=of_by,
        weights=tuple(float(w) for w in weights),
        low=section.number("low", 0),
        high=section.number("high", 0),
        step=section.number("step", 1),
        formula=section.formula("formula"),
        noise=section.number("noise", 0),
        chance=section.number("chance", 0.5),
        entity=section.text("entity", ""),
        unit=section.text("unit", ""),
        shown=section.text("shown", "detail", of=SHOWN),
        says=section.texts("says", ()),
        least=section.texts("least", ()),
        most=section.texts("most", ()),
        unique=section.flag("unique", False),
    )
    section.finish()
    if kind in ("text", "choice") and not (of or of_by):
        raise DomainError(f"{section.place} is a {kind} field and needs 'of'.")
    if kind in ("number", "money", "date", "time") and spec.formula is None and spec.high <= spec.low:
        raise DomainError(f"{section.place} needs a 'formula', or 'low' below 'high'.")
    if kind == "ref" and not spec.entity:
        raise DomainError(f"{section.place} is a reference and needs 'entity'.")
    if len(spec.weights) not in (0, len(of)):
        raise DomainError(f"{section.place}.weights must be as many as its choices.")
    return spec


def _service(name: str, section: Section) -> Service:
    service = Service(
        name=name,
        mechanic=section.text("mechanic"),
        entity=section.text("entity"),
        label=section.text("label"),
        final=section.text("final"),
        concept=section.text("concept", of=CONCEPTS),
        inputs=tuple(_input(field, below) for field, below in section.sections("inputs", {})),
        asks=section.texts("asks", least=3),
        closings=section.texts("closings", ()),
        options=dict(section.section("options", {}).data),
    )
    section.finish()
    for ask in service.asks:
        if "{target}" not in ask:
            raise DomainError(f"{section.place}.asks has {ask!r}, which lacks {{target}}.")
    return service


def _input(name: str, section: Section) -> Input:
    one = Input(
        name=name,
        kind=section.text("kind", of=INPUT_KINDS),
        label=section.text("label", _plain(name).capitalize()),
        of=section.texts("of", ()),
        low=section.number("low", 0),
        high=section.number("high", 0),
        value=section.formula("value"),
        fact=section.text("fact", ""),
        says=section.texts("says", ()),
        spoken=section.flag("spoken", False),
        optional=section.flag("optional", False),
    )
    section.finish()
    if name in FORM_NAMES:
        raise DomainError(f"{section.place} has the name of a hidden part of the form; call it otherwise.")
    drawn = one.value is None and not one.fact
    if drawn and one.kind in ("choice", "phrase") and len(one.of) < 2:
        raise DomainError(f"{section.place} is a {one.kind} and needs at least two texts in 'of'.")
    if drawn and one.kind in ("number", "money", "date") and one.high <= one.low:
        raise DomainError(f"{section.place} needs 'low' below 'high', a 'value' or a 'fact'.")
    if not one.says:
        raise DomainError(f"{section.place} needs 'says': phrases that tell its value.")
    if drawn and one.kind != "flag" and not all("{value}" in text for text in one.says):
        raise DomainError(f"{section.place}.says: each phrase needs {{value}}.")
    return one


def _rule(section: Section) -> Rule:
    rule = Rule(
        name=section.text("name"),
        service=section.text("service"),
        kind=section.text("kind", of=RULE_KINDS),
        text=section.text("text"),
        when=section.formula("when"),
    )
    section.finish()
    if rule.kind == "exclude" and rule.when is None:
        raise DomainError(f"{section.place} excludes rows and needs 'when'.")
    return rule


def _message(section: Section) -> Message:
    message = Message(section.text("sender"), section.text("subject"), section.text("text"))
    section.finish()
    return message


def _homonym(section: Section) -> Homonym:
    one = Homonym(section.text("label"), section.text("concept", of=CONCEPTS), section.text("leads", "help"))
    section.finish()
    return one


def _check(domain: Domain, place: str) -> None:
    """What no section can know by itself: names that point from one to another."""
    from remalis_envs.web.sites.mechanics import MECHANICS

    if not 3 <= len(domain.entities) <= 8:
        raise DomainError(f"{place} needs 3 to 8 entities, and has {len(domain.entities)}.")
    if not 2 <= len(domain.services) <= 6:
        raise DomainError(f"{place} needs 2 to 6 services, and has {len(domain.services)}.")
    if len(domain.rules) < 2:
        raise DomainError(f"{place} needs at least two rules, and has {len(domain.rules)}.")
    seen: list[str] = []
    for entity in domain.entities.values():
        for spec in entity.fields:
            if spec.kind == "ref" and spec.entity not in seen:
                where = f"{place}: entities.{entity.name}.fields.{spec.name}"
                raise DomainError(f"{where} refers to {spec.entity!r}, which is no entity above it.")
        seen.append(entity.name)
    for service in domain.services.values():
        where = f"{place}: services.{service.name}"
        if service.mechanic not in MECHANICS:
            raise unknown(f"mechanic ({where})", service.mechanic, MECHANICS)
        if service.entity not in domain.entities:
            raise unknown(f"entity ({where})", service.entity, domain.entities)
        source, own = MECHANICS[service.mechanic].source, domain.entities[service.entity].place
        if source != own:
            raise DomainError(f"{where} is a {service.mechanic} and needs an entity of place {source!r}, not {own!r}.")
    for rule in domain.rules:
        if rule.service not in domain.services:
            raise unknown(f"service ({place}: rule {rule.name!r})", rule.service, domain.services)
