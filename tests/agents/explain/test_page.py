"""The page: everything is on it, it needs nothing else, and what its script is given is what was recorded."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from explained_teams import partners

from remalis_agents.explain import record_episode
from remalis_agents.explain.figures import beliefs, bytes_by_kind
from remalis_agents.explain.page import SILENT, page

SECTIONS = ("timeline", "talk", "beliefs", "concepts", "bytes", "about")
ABOUT = {"env": "remalis/PartnersTeam-v0", "env_config": {"symbols": 4}, "checkpoint": "runs/one", "command": "remalis"}


@pytest.fixture(scope="module")
def recording():
    env, team = partners(gate_budget=0.5, sample=True)
    return record_episode(env, team, 3, about=ABOUT)


@pytest.fixture(scope="module")
def text(recording):
    return page(recording)


def given(text):
    """What the script is given."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def unpacked(one):
    kind = {"u1": np.uint8, "i2": "<i2", "f4": "<f4"}[one["type"]]
    return np.frombuffer(base64.b64decode(one["data"]), kind).reshape(one["shape"])


def test_it_has_every_section_and_needs_nothing_but_itself(text):
    assert re.findall(r'<section id="s-(\w+)">', text) == list(SECTIONS)
    assert not re.search(r"https?:|//\w+\.|<link|@import|url\(|src=", text)
    assert "4 agents on remalis/PartnersTeam-v0 (symbols=4), seed 3, 12 steps" in text
    assert "<code>runs/one</code>" in text
    for name in ("partner_0", "name symbol 3", "symbol 3", "recursion"):
        assert name in text


def test_figures_on_it_are_those_of_the_recording(recording, text):
    found = beliefs(recording)
    assert f"<b>{100 * float(found.share(found.right)):.0f}%</b><span>of beliefs were right" in text
    total = bytes_by_kind(recording).sum() / recording.steps
    assert f"<b>{total:,.0f} B</b><span>said in a step" in text
    row = re.search(r'<tr class="total">.*?</tr>', text)[0]
    assert f"{len(recording.messages()) / recording.steps:,.1f}" in row and f"{total:,.0f} B" in row


def test_the_script_is_given_what_was_recorded(recording, text):
    data = given(text)
    assert data["agents"] == recording.agents and data["steps"] == 12
    arrays = {name: unpacked(one) for name, one in data["arrays"].items()}
    for name in ("goal", "next_subgoal", "plan", "assignment", "belief", "gate"):
        np.testing.assert_allclose(arrays[name] / 255, getattr(recording, name), atol=0.5 / 255 + 1e-6, err_msg=name)
    for name in ("served", "neighbour", "concept_true", "plan_age", "error", "uncertainty", "replanned", "gate_open"):
        np.testing.assert_array_equal(arrays[name], getattr(recording, name), err_msg=name)
    for p, kind in enumerate(data["kinds"]):
        assert kind["name"] == recording.meta["kinds"][p] and kind["bytes"] == 4 * recording.floats[p]
        np.testing.assert_array_equal(arrays["sent"] >> p & 1, recording.sent[p])


def test_names_cannot_break_out_of_it():
    recording = record_episode(*partners(steps=3), 0)
    recording.meta["agents"] = ["</script><b>", "a&b", '"c"', "d"]
    text = page(recording)
    assert given(text)["agents"] == recording.agents
    assert "</script><b>" not in text and "&lt;/script&gt;&lt;b&gt;" in text


@pytest.mark.parametrize(
    "options", [{"communication": "none"}, {"communication": "basic", "feedback": False, "losses": {"belief": 0.0}}]
)
def test_a_team_that_has_less_gets_a_page_that_says_so(options):
    env, team = partners(steps=3, **options)
    text = page(record_episode(env, team, 0))
    assert re.findall(r'<section id="s-(\w+)">', text) == list(SECTIONS)
    if options["communication"] == "none":
        assert SILENT in text and not given(text)["kinds"] and "sent" not in given(text)["arrays"]
    else:
        assert "holds no beliefs" in text and "replanned" not in given(text)["arrays"]
