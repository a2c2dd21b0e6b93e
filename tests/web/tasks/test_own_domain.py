"""The example of the guide to domain files is a domain: it loads from anywhere, and its tasks are solved."""

from __future__ import annotations

from pathlib import Path

import pytest

import remalis_envs.web
from remalis_envs.web.engines.model import ModelEngine
from remalis_envs.web.roles import ROLES
from remalis_envs.web.sites.domain import FIELD_KINDS, INPUT_KINDS, PLACES, SHOWN
from remalis_envs.web.sites.mechanics import MECHANICS
from remalis_envs.web.tasks.generate import draw_task
from remalis_envs.web.tasks.model import LEVELS, judge

GUIDE = (Path(remalis_envs.web.__file__).parent / "domains" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("level", LEVELS)
def test_example(tmp_path, level):
    path = tmp_path / "nursery.yaml"
    path.write_text(GUIDE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    team = {tab: frozenset(role.rights) for tab, role in enumerate(ROLES.values())}
    for seed in range(4):
        drawn, engine = draw_task(str(path), level, seed), ModelEngine()
        assert drawn.task.domain == "nursery"
        engine.reset(drawn.world, 7)
        for _ in range(drawn.task.budget):
            readings = dict(zip(team, engine.read(list(team)), strict=True))
            for tab, intent in drawn.oracle.intents(readings, team).items():
                if intent.deed is not None:
                    engine.act(tab, intent.deed)
            if drawn.world.ended:
                break
        assert judge(drawn.task, drawn.world.db)[1], drawn.task.instruction


def test_guide_names_everything():
    for name in (*FIELD_KINDS, *INPUT_KINDS, *PLACES, *SHOWN, *MECHANICS):
        assert f"`{name}`" in GUIDE, name
