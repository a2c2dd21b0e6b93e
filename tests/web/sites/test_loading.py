"""Domain files are checked: each of the suite's loads, and what is wrong is said with the place and the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from remalis_envs.errors import UnknownNameError
from remalis_envs.web.sites.loading import domain_names, load_domain, read_domain
from remalis_envs.web.sites.schema import DomainError


@pytest.fixture
def data() -> dict:
    import remalis_envs.web

    return yaml.safe_load((Path(remalis_envs.web.__file__).parent / "domains" / "library.yaml").read_text())


@pytest.mark.parametrize("name", domain_names())
def test_loads(name):
    domain = load_domain(name)
    assert 3 <= len(domain.entities) <= 8 and 2 <= len(domain.services) <= 6 and len(domain.rules) >= 2
    for entity in domain.entities.values():
        assert len(entity.fields) >= 4 and entity.title
    for service in domain.services.values():
        assert len(service.asks) >= 9, service.name


def test_unknown_domain_names_the_nearest():
    with pytest.raises(UnknownNameError, match="'library'"):
        load_domain("libary")


def broken(data: dict, path: str, value: object) -> dict:
    *way, last = path.split("/")
    place = data
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("entities/book/fields/pages/lo", 3, r"entities.book.fields.pages has 'lo'.*'low'"),
        ("entities/book/fields/pages/kind", "numbr", "Did you mean 'number'"),
        ("entities/book/fields/branch/entity", "nowhere", "no entity above it"),
        ("entities/book/title", "nothing", "none of its fields"),
        ("services/renew/mechanic", "renewel", "'renewal'"),
        ("services/renew/entity", "book", "place 'account'"),
        ("services/renew/asks", ["Renew it."] * 3, "lacks {target}"),
        ("services/renew/concept", "renewing", "Did you mean 'renew'"),
        ("rules", [], "at least two rules"),
        ("rules/0/when", "reference ==", "cannot be read"),
        ("rules/0/service", "reserve_boook", "'reserve_book'"),
        ("titles", "One", "at least 2"),
        ("about", ["x"], "must be a text"),
        ("entities/book/fields/sort", {"kind": "flag"}, "fields.sort has the name of a part of the search form"),
        ("services/renew/inputs/part", {"kind": "flag"}, "inputs.part has the name of a hidden part"),
    ],
)
def test_errors_name_the_place(data, path, value, message):
    with pytest.raises((DomainError, UnknownNameError), match=message):
        read_domain(broken(data, path, value), "library.yaml")


def test_no_list_can_be_sorted_in_more_ways_than_it_offers(data):
    for name in ("weight", "height", "depth"):
        data["entities"]["book"]["fields"][name] = {"kind": "number", "high": 9, "shown": "list"}
    with pytest.raises(DomainError, match=r"lists 5 fields that can be sorted by \(pages, year, weight"):
        read_domain(data, "library.yaml")


def test_a_key_that_yaml_takes_for_true_is_named(data):
    data["entities"]["book"]["fields"][True] = {"kind": "flag"}  # what `on: {kind: flag}` comes to
    with pytest.raises(DomainError, match=r"entities\.book\.fields has a key that YAML reads as True.*quotes"):
        read_domain(data, "library.yaml")


def test_own_file(data, tmp_path):
    data["titles"] = ["Here", "There"]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    assert load_domain(str(path)).name == "mine"
