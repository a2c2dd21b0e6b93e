"""The oracle's whole episodes, in Chromium and without it: the same readings all the way, the same bytes at the end."""

from __future__ import annotations

import pytest

from remalis_envs.web.engines.chromium import ChromiumEngine
from remalis_envs.web.engines.model import ModelEngine
from remalis_envs.web.roles import ROLES
from remalis_envs.web.sites.loading import domain_names
from remalis_envs.web.tasks.generate import draw_task
from remalis_envs.web.tasks.model import judge

pytestmark = pytest.mark.browser
TEAM = {tab: frozenset(role.rights) for tab, role in enumerate(ROLES.values())}


@pytest.fixture(scope="module")
def chromium():
    engine = ChromiumEngine()
    yield engine
    engine.close()


def both(chromium: ChromiumEngine, domain: str, level: str, seed: int) -> None:
    """Plays a task in both engines, step by step."""
    plays = [(draw_task(domain, level, seed), engine) for engine in (ModelEngine(), chromium)]
    for drawn, engine in plays:
        engine.reset(drawn.world, len(TEAM))
    for _ in range(plays[0][0].task.budget):
        read = [dict(zip(TEAM, engine.read(list(TEAM)), strict=True)) for _, engine in plays]
        assert read[0] == read[1]
        for (drawn, engine), readings in zip(plays, read, strict=True):
            for tab, intent in drawn.oracle.intents(readings, TEAM).items():
                if intent.deed is not None:
                    engine.act(tab, intent.deed)
        if plays[0][0].world.ended:
            break
    for drawn, _ in plays:
        assert judge(drawn.task, drawn.world.db) == (1.0, True, 0), drawn.task.instruction
    assert plays[0][0].world.save() == plays[1][0].world.save()


@pytest.mark.parametrize(("domain", "level"), [("airline", "easy"), ("university", "medium"), ("clinic", "hard")])
def test_some_domains(chromium, domain, level):
    both(chromium, domain, level, 4)


@pytest.mark.full
@pytest.mark.parametrize("domain", domain_names())
def test_every_domain(chromium, domain):
    both(chromium, domain, ("medium", "hard")[len(domain) % 2], sum(map(ord, domain)))
