"""Variants of ReMALIS: each changes what it says and nothing else, and their tables say what was measured."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pytest
from leaderboard.ablations import FIGURES, ablations
from leaderboard.cells import learned_cell
from leaderboard.report import write_report
from leaderboard.store import Store
from leaderboard.suites import SUITES, plan
from leaderboard.tasks import TASKS
from leaderboard.variants import METHOD, TABLES, VARIANTS
from made_up import ABOUT, done

from remalis_agents.networks.remalis.options import Losses, Options

EASY = TASKS["traffic/easy"]


def options(method):
    return learned_cell(EASY, method, 0, 1000, 2).experiment["config"]["rl_module"]["options"] or {}


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.method == METHOD])
def test_a_variant_changes_what_it_says_and_nothing_else(name):
    whole, changed = (dataclasses.asdict(Options.of(**options(method))) for method in (METHOD, name))
    said = {option.partition("=")[0] for option in VARIANTS[name].options}
    assert {key for key in whole if whole[key] != changed[key]} == said
    ours, theirs = (learned_cell(EASY, method, 0, 1000, 2).experiment for method in (METHOD, name))
    for one in (ours, theirs):
        one["config"]["rl_module"].pop("options")
    assert ours == theirs


def test_each_step_adds_one_part_up_to_the_whole():
    steps = [name for name in TABLES["Part after part"] if name != "ReMALIS/single"]
    built = [dataclasses.asdict(Options.of(**options(method))) for method in steps]
    added = [{key for key in a if a[key] != b[key]} for a, b in pairwise(built)]
    assert added == [{"feedback"}, {"rounds"}, {"composition", "shared_planning"}]


def test_special_words_arrive_as_words():
    assert Options.of(**options("ReMALIS/no-confusion")).confusion == "off"
    assert Options.of(**options("ReMALIS/no-messages")).communication == "none"
    assert set(dataclasses.astuple(Options.of(**options("ReMALIS/no-losses")).losses)) == {0.0}
    assert Options.of(**options(METHOD)).losses == Losses()


def test_no_two_cells_are_the_same():
    keys = [learned_cell(EASY, method, 0, 1000, 2).key for method in SUITES["ablations"].methods]
    assert len(set(keys)) == len(keys) == len(VARIANTS) + 1


def test_tables_have_their_rows_in_order_with_what_was_measured(tmp_path):
    store = Store(tmp_path)
    methods = ("ReMALIS/no-messages", "ReMALIS/basic", METHOD)
    wanted = plan(["traffic/easy"], methods, 2, 9000, 4, controllers=())
    store.ask_for(wanted.cells, wanted.without)
    for cell in wanted.cells:
        if cell.method == "ReMALIS/basic" and cell.seed == 1:
            continue
        result = {**done(cell, 20.0 + 2 * cell.seed), "acting_ms": 3.0}
        for episode in result["episodes"]:
            episode["aligned_share"] = 0.5
            if cell.method == METHOD:
                episode["belief_accuracy"] = 0.75
        store.save(cell, result)
    files = {path.name: path.read_text(encoding="utf-8") for path in write_report(store, ABOUT)}
    found = {table["title"]: table for table in json.loads(files["leaderboard.json"])["ablations"]}
    assert list(found) == ["One part left out or replaced", "Ways of communication"]
    rows = found["Ways of communication"]["rows"]
    assert [row["method"] for row in rows] == list(TABLES["Ways of communication"])
    runs = {row["method"]: (row["runs"], row["asked"]) for row in rows}
    assert runs == {"ReMALIS/no-messages": (2, 2), "ReMALIS/basic": (1, 2), "ReMALIS/selective": (0, 0),
                    "ReMALIS/half": (0, 0), METHOD: (2, 2)}  # fmt: skip
    whole = rows[-1]["figures"]
    assert set(whole) == {"mean_delay_s", "aligned_share", "belief_accuracy", "acting_ms"}
    assert whole["belief_accuracy"]["value"] == 0.75 and whole["acting_ms"]["value"] == 3.0
    assert "belief_accuracy" not in rows[0]["figures"]
    line = next(row for row in files["leaderboard.md"].splitlines() if row.startswith("| the whole method |"))
    assert "| 75.00 [75.00, 75.00] |" in line and "| 50.00 [50.00, 50.00] |" in line
    assert FIGURES["belief_accuracy"][0] in files["leaderboard.html"]


def test_without_variants_there_are_no_such_tables():
    assert ablations([(learned_cell(EASY, METHOD, 0, 1000, 2), None)]) == []
