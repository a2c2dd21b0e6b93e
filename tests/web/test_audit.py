"""What the suite's tasks are held to: kinds, wordings, one meaning each, solvable and unsolved; and its command."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from remalis_agents.audit import DOMAINS_A_SKELETON, INSTRUCTIONS, SKELETONS, WORDINGS
from remalis_agents.cli import remalis_main
from remalis_envs import web_v0
from remalis_envs.web.audit import masked, skeleton, skeletons, wordings, work
from remalis_envs.web.sites.expressions import Formula
from remalis_envs.web.sites.loading import domain_names, load_domain
from remalis_envs.web.tasks.generate import draw_task


def test_there_are_many_kinds_of_tasks_and_none_is_everywhere():
    kinds = skeletons(domain_names())
    assert len(kinds) >= SKELETONS
    assert {one: names for one, names in kinds.items() if len(names) > DOMAINS_A_SKELETON} == {}


def test_a_skeleton_has_no_words_of_its_domain():
    library = load_domain("library")
    found = skeleton(library, library.services["reserve_book"])
    assert found == (
        "collection of catalogue: choice told; code fact of the profile; money x + # optional; number told | 1 exclude"
    )


@pytest.mark.parametrize(
    ("formula", "shape"),
    [("target.fee * 3 + 2", "x * # + #"), ("max(price, 4) if kind == 'a' else 0", "max(x, #) if x == # else #")],
)
def test_the_shape_of_a_formula(formula, shape):
    assert Formula(formula).shape == shape
    assert Formula(formula).text == formula


def test_masking_leaves_no_values():
    drawn = draw_task("library", "medium", 4, site_seed=2)
    told = masked(drawn.world.site, drawn.task.instruction)
    assert "_" in told and not any(letter.isdigit() for letter in told) and '"' not in told
    values = {str(row["subject"]) for row in drawn.world.site.rows["book"]}
    assert not values & set(told.replace(".", " ").replace(",", " ").split())


def _few_repeat(count: int) -> Counter[str]:
    found = wordings(domain_names(), count)
    assert sum(found.values()) == count
    assert len(found) >= WORDINGS * count // INSTRUCTIONS
    return found


def test_instructions_are_worded_in_many_ways():
    _few_repeat(600)


@pytest.mark.full
def test_ten_thousand_instructions_are_worded_in_many_ways():
    _few_repeat(INSTRUCTIONS)


def test_work_is_what_the_oracle_takes():
    env = web_v0(level="medium", domains=["hotel"], engine="model")
    found = work(env, "hotel", "medium", 3)
    assert found.solved and found.unsolved_before
    assert found.critical_path <= found.steps < 40 and found.pages > 2 and found.branching > 2 and found.items > 20
    env.reset(seed=3)
    steps = 0
    while env.agents:
        env.step(env.oracle())
        steps += 1
    assert steps == found.steps


def test_the_command_writes_figures_and_a_picture(tmp_path, capsys):
    given = ["audit", "web", "--domains", "hotel", "museum", "--seeds", "1", "--instructions", "8", "--processes", "1"]
    assert remalis_main([*given, "--out", str(tmp_path)]) == 1  # two domains do not have sixty skeletons
    about = json.loads((tmp_path / "audit.json").read_text())["about"]
    assert about["command"].startswith("remalis audit web --seeds") and about["versions"]["numpy"]
    found = json.loads((tmp_path / "audit.json").read_text())
    assert set(found["by_domain"]) == {"hotel", "museum"} and len(found["tasks"]) == 6
    met = {one["what"]: one["met"] for one in found["figures"]}
    assert not met.pop("different task skeletons") and all(met.values())
    assert (tmp_path / "audit.png").read_bytes().startswith(b"\x89PNG")
    assert "different task skeletons" in capsys.readouterr().out


def test_an_unknown_domain_is_a_sentence(capsys):
    assert remalis_main(["audit", "web", "--domains", "libary"]) == 2
    assert "'library'" in capsys.readouterr().err
