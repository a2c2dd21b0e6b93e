"""The map: how far the places of a site are from some landmarks."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from remalis_envs.web.sites.domain import FieldSpec
from remalis_envs.web.sites.drawing import Site

LANDMARKS = ("harbour", "market", "station", "cathedral", "stadium", "hospital")


@lru_cache(maxsize=4096)
def _position(domain: str, seed: int, what: str) -> tuple[float, float]:
    rng = Random(f"{domain}/{seed}/map/{what}")
    return 12 * rng.random(), 12 * rng.random()


def distance_km(site: Site, landmark: str, entity: str, number: int) -> float:
    """How far a row's place is from a landmark, in kilometres to one place."""
    x, y = _position(site.domain.name, site.seed, landmark)
    a, b = _position(site.domain.name, site.seed, f"{entity}/{number}")
    return round(((x - a) ** 2 + (y - b) ** 2) ** 0.5, 1)


def nearest(site: Site, landmark: str, entity: str) -> int:
    """Id of the row whose place is nearest to a landmark; 0 where two are equally near."""
    found = sorted((distance_km(site, landmark, entity, row["id"]), row["id"]) for row in site.rows[entity])
    return 0 if len(found) > 1 and found[0][0] == found[1][0] else int(found[0][1])


def clue_of(landmark: str) -> FieldSpec:
    """That a place is the nearest to a landmark, as something that can tell it from others."""
    return FieldSpec(name=f"nearest:{landmark}", kind="text", label=f"nearest to the {landmark}", shown="apart")


def landmark_of(clue: FieldSpec) -> str:
    """The landmark of a clue that :func:`clue_of` made; "" for any other field."""
    kind, _, landmark = clue.name.partition(":")
    return landmark if kind == "nearest" else ""
