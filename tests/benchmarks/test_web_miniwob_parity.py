"""The comparison with BrowserGym: its pairs, how actions are told, what its report counts; and, long, itself."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import web_miniwob_parity
from web_parity import episodes, report

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.web.actions import FIRST_CANDIDATE
from remalis_envs.web.others import wheel

REACH = {"miniwob/a": "", "miniwob/b": "", "miniwob/c": "something has to be dragged", "miniwob/d": ""}
FLAGGED = {"a": False, "b": True, "c": False}


def side(raw: float, done: bool = True, **more: Any) -> dict[str, Any]:
    base = {"goal": "Click  it.", "outline": ["div"], "raw": raw, "done": done, "reason": ""}
    return base | {"actions": [], "tries": 1, "errors": [], "retries": 0} | more


def pair(ours: dict[str, Any], theirs: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    return report.compare("miniwob/a", seed, ours, theirs)


def test_tasks_out_of_reach_flagged_or_unknown_to_browsergym_do_not_qualify():
    assert web_miniwob_parity.qualifying(REACH, FLAGGED) == ["miniwob/a"]
    with pytest.raises(UnknownNameError, match="miniwob/a"):
        web_miniwob_parity.qualifying(REACH, FLAGGED, ["b"])


def test_pairs_are_all_different_and_every_task_comes_before_a_second_seed():
    known = [f"miniwob/t{k}" for k in range(90)]
    pairs = web_miniwob_parity.drawn(known[:80], known, 300)
    assert len(pairs) == len(set(pairs)) == 300
    assert [name for name, _ in pairs[:80]] == known[:80]
    first = dict(reversed(pairs))
    assert first["miniwob/t0"] == 28  # as the published protocol has it


def test_agreement_is_of_the_raw_reward_and_of_the_end():
    played = [
        pair(side(1.0), side(1.0, goal="Click it.")),
        pair(side(0.5), side(1.0)),
        pair(side(0.0, done=False), side(0.0, done=False)),
        pair(side(0.0, done=False), side(0.0), seed=7),
    ]
    found = report.summary(played)
    assert (found["episodes"], found["agree"], found["agree_percent"]) == (4, 2, 50.0)
    assert (found["same_raw_reward"], found["same_success"], found["positive"]) == (3, 4, 2)
    assert (found["same_goal"], found["same_page"]) == (4, 4)
    assert not found["meets_target"]
    assert [one["seed"] for one in found["disagreements"]] == [0, 7]
    assert found["by_task"]["miniwob/a"] == {"episodes": 4, "agree": 2, "positive": 2, "ended": 2}


def test_who_ends_otherwise_when_it_plays_again_disagrees_with_itself():
    same, other = {"raw": -1.0, "done": True}, {"raw": 1.0, "done": True}
    firm = pair(side(1.0), side(-1.0)) | {"browsergym_again": [same, same]}
    moody = pair(side(1.0), side(-1.0)) | {"browsergym_again": [same, other]}
    assert report.summary([firm, moody, pair(side(1.0), side(1.0))])["browsergym_disagrees_with_itself"] == 1


def test_the_target_is_met_from_99_in_a_hundred_on():
    right, wrong = pair(side(1.0), side(1.0)), pair(side(1.0), side(-1.0))
    assert report.summary([right] * 297 + [wrong] * 3)["meets_target"]
    assert not report.summary([right] * 296 + [wrong] * 4)["meets_target"]
    low, high = report.interval(297, 300)
    assert low == pytest.approx(0.971, abs=0.001)  # Wilson's interval, worked out by hand
    assert high == pytest.approx(0.9966, abs=0.0005)


def test_another_page_is_told_with_both_outlines():
    other = pair(side(1.0), side(1.0, outline=["div", "p"]))
    assert not other["same_page"]
    assert other["outlines"] == {"ours": ["div"], "browsergym": ["div", "p"]}
    assert report.agrees(other)


@pytest.fixture
def env():
    try:
        wheel.pages()
    except RemalisError as error:
        pytest.skip(str(error))
    env = remalis_envs.web_v0(tasks="miniwob")
    yield env
    env.close()


@pytest.mark.browser
def test_the_path_of_an_action_leads_to_its_element_also_where_a_persons_display_is_gone(env):
    env.choice.domains = ("miniwob/enter-text",)
    observations, _ = env.reset(seed=2)
    wanted = env.task.instruction.split('"')[1]
    legal = np.flatnonzero(observations["alone"]["action_mask"][FIRST_CANDIDATE:])
    acts = [int(k) for k in legal if env.episode.desks[0].candidate(int(k)).deed is not None]  # not what is recorded
    told = [episodes.translate(env, FIRST_CANDIDATE + k) for k in acts]
    fill = next(one for one in told if one["operation"] == "fill" and one["value"] == wanted)
    press = next(one for one in told if one["name"] == "button Submit")
    assert (fill["tag"], press["tag"], press["operation"]) == ("input", "button", "click")
    # BrowserGym takes these off the page.
    gone = 'for (const id of SKIPPED) document.getElementById(id)?.remove(); return "true";'
    tab = env.episode.engine._tabs[0]
    tab.hands(f"(() => {{ {episodes.SCRIPT}; {gone} }})()")
    assert episodes._ask(env, f"elementAt({fill['path']})")["tag"] == "input"
    assert episodes._ask(env, f"elementAt({press['path']})")["tag"] == "button"


@pytest.mark.browser
def test_an_episode_is_recorded_the_same_each_time(env):
    first, second = (episodes.record(env, "miniwob/click-button", 3) for _ in range(2))
    assert first == second
    assert first["raw"] > 0
    assert first["actions"][-1]["operation"] == "click"
    assert first["actions"][-1]["path"]


@pytest.mark.full
@pytest.mark.browser
def test_both_sides_agree_on_a_few_tasks_and_leave_nothing_behind(tmp_path):
    out = tmp_path / "parity.json"
    command = [sys.executable, web_miniwob_parity.__file__, "--episodes", "4", "--out", str(out), "--tasks"]
    done = subprocess.run([*command, "click-test", "enter-text"], capture_output=True, text=True, check=False)
    if "could not be installed" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())["found"]
    assert (found["episodes"], found["agree"], found["same_goal"], found["same_page"]) == (4, 4, 4, 4)
    assert found["positive"] >= 2
    # A second run has nothing left to play.
    again = subprocess.run([*command, "click-test", "enter-text"], capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert json.loads(out.read_text())["found"] == found
