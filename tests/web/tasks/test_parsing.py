"""An instruction alone means one thing: the service and the rows that the task is about."""

from __future__ import annotations

import pytest

from remalis_envs.web.sites.loading import domain_names
from remalis_envs.web.tasks.generate import draw_task
from remalis_envs.web.tasks.parsing import meanings
from remalis_envs.web.tasks.steps import Start


@pytest.mark.parametrize("domain", domain_names())
def test_one_meaning(domain):
    for level in ("medium", "hard"):
        for seed in range(100, 112):
            drawn = draw_task(domain, level, seed)
            begins = [s for s in drawn.oracle.steps if isinstance(s, Start) and s.subtask.name.startswith("begin")]
            found = meanings(drawn.world.site, drawn.task.instruction)
            assert len(found) == 1, (seed, drawn.task.instruction, found)
            (one,) = found
            assert one.service == begins[0].form.split("/")[-2]
            assert list(one.targets) == [int(begin.form.split("/")[-1]) for begin in begins], drawn.task.instruction
            assert list(one.quantities) == [int(begin.quantity or 1) for begin in begins]


def test_nonsense_means_nothing():
    drawn = draw_task("library", "medium", 1)
    assert not meanings(drawn.world.site, "Please sing.")
    assert not meanings(drawn.world.site, "Renew the loan about nothing at all. Then confirm it.")
