"""The data of a site: the same from the same seed, correlated as the file says, unique where it has to be."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

from remalis_envs.web.sites.database import site_blob
from remalis_envs.web.sites.domain import PLACES, FieldSpec
from remalis_envs.web.sites.drawing import draw_site, draw_value
from remalis_envs.web.sites.loading import domain_names, load_domain

SHOW = """
import hashlib
from remalis_envs.web.sites.database import site_blob
from remalis_envs.web.tasks.generate import draw_task
whole = hashlib.sha256(site_blob("library", 3))
for level in ("easy", "medium", "hard"):
    drawn = draw_task("clinic", level, 5)
    whole.update(drawn.world.save() + drawn.task.instruction.encode())
print(whole.hexdigest())
"""


@pytest.mark.parametrize("name", domain_names())
def test_rows(name):
    domain, site = load_domain(name), draw_site(name, 7)
    for entity in domain.entities.values():
        rows = site.rows[entity.name]
        assert entity.place in PLACES and [row["id"] for row in rows] == list(range(1, len(rows) + 1))
        names = [site.name(entity.name, row) for row in rows]
        assert len(set(names)) == len(names)
        for spec in entity.fields:
            values = {row[spec.name] for seed in range(7, 12) for row in draw_site(name, seed).rows[entity.name]}
            if spec.kind in ("choice", "flag", "number", "money") and entity.place == "catalogue" and len(rows) >= 14:
                assert len(values) > 1, f"{entity.name}.{spec.name} tells no rows apart"


def test_correlations():
    flights = [row for seed in range(4) for row in draw_site("airline", seed).rows["flight"]]
    by_cabin = {
        cabin: sum(row["fare"] for row in flights if row["cabin"] == cabin)
        / sum(row["cabin"] == cabin for row in flights)
        for cabin in ("economy", "business")
    }
    assert by_cabin["business"] > 1.5 * by_cabin["economy"]
    towns = load_domain("airline").entities["flight"].field("destination").of_by
    assert all(row["destination"] in towns[row["origin"]] for row in flights)


def test_seeds_differ():
    assert site_blob("library", 1) != site_blob("library", 2)


def test_same_bytes_in_two_processes():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SHOW], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(("kind", "high"), [("date", 2), ("time", 10), ("number", 2), ("choice", 0)])
def test_a_field_of_few_values_stays_unique(kind, high):
    spec = FieldSpec("when", kind, "When", low=0, high=high, step=5 if kind == "time" else 1, of=("one",), unique=True)
    taken: set[object] = set()
    drawn = [draw_value(draw_site("library", 1), spec, {"id": 1}, Random(k), taken) for k in range(400)]
    assert len(set(drawn)) == len(drawn) == len(taken)
    assert len({len(str(one)) for one in drawn}) == 1 or kind in ("number", "choice")
