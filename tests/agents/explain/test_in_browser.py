"""The page in a browser: it asks for nothing, fits its width, and shows in words what is clicked."""

from __future__ import annotations

import pytest
from explained_teams import partners

from remalis_agents.explain import record_episode
from remalis_agents.explain.page import write_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def recording():
    env, team = partners(sample=True)
    return record_episode(env, team, 3)


@pytest.fixture(scope="module")
def browser(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened(browser, file, width=1280):
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.said = []
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("request", lambda request: request.url == file.as_uri() or tab.said.append(request.url))
    tab.goto(file.as_uri())
    return tab


@pytest.fixture(scope="module")
def file(recording, tmp_path_factory):
    return write_page(recording, tmp_path_factory.mktemp("page") / "explain.html")


@pytest.mark.parametrize("width", [1280, 420])
def test_it_fits_and_asks_for_nothing(browser, file, width):
    tab = opened(browser, file, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator(".node").count() == 4 and tab.locator(".arrow").count() == 4
    assert tab.locator("#graph .part").count() == 4 * 7, "an arrow has a part for each type"
    assert tab.said == []


def test_a_click_on_an_agent_says_what_it_thought(browser, file, recording):
    tab = opened(browser, file)
    tab.locator("#slider").evaluate("slider => { slider.value = 4; slider.dispatchEvent(new Event('input')); }")
    tab.locator(".node[data-agent='2']").click()
    words = tab.locator("#panel").inner_text()
    names, own = recording.meta["subgoals"], recording.plan[4, 2]
    assert words.startswith("partner_2 step 4")
    assert f"{names[own.argmax()]} {100 * own.max():.0f}%" in words
    assert ("it planned anew" in words) == bool(recording.replanned[4, 2])
    did = names[recording.served[4, 2]]
    assert f"{did} {'✓' if own.argmax() == recording.served[4, 2] else '✗'} beside the plan" in words
    assert "partner_2" in tab.locator("#readout").inner_text()


def test_a_click_on_an_arrow_says_what_was_told(browser, file, recording):
    tab = opened(browser, file)
    rows = recording.messages()
    one = rows[rows["step"] == tab.evaluate("+document.getElementById('slider').value")][0]
    tab.locator(f".arrow[data-edge='{one['sender']},{one['receiver']}'] .grip").click(force=True)
    words = tab.locator("#panel").inner_text()
    assert words.startswith(f"partner_{one['sender']} to partner_{one['receiver']}")
    total = rows["bytes"][(rows["step"] == one["step"]) & (rows["receiver"] == one["receiver"])].sum()
    assert f"{total} B in this step" in words
    for kind in recording.meta["kinds"]:
        assert kind in words
    tab.locator("#kinds button", has_text="planning").click()
    assert tab.locator("#graph .part").count() == 4 * 6


def test_the_timeline_shows_what_is_chosen_and_every_replanning(browser, file, recording):
    tab = opened(browser, file)
    tab.locator("#agents button").nth(1).click()
    assert tab.locator("#fired").inner_text() == f"{recording.replanned[:, 1].sum()} replannings of partner_1"
    assert tab.locator("#replannings tr").count() == recording.replanned[:, 1].sum()
    for what in ("goal", "plan"):
        tab.locator(f"#what button[data-what='{what}']").click()
        step = int(tab.locator("#slider").input_value())
        likeliest = recording.meta["subgoals"][getattr(recording, what)[step, 1].argmax()]
        assert f"{what} {likeliest}" in tab.locator("#readout").inner_text()
    assert tab.said == []


def test_a_team_that_does_not_talk_has_a_page_too(browser, tmp_path):
    env, team = partners(steps=3, communication="none", feedback=False)
    tab = opened(browser, write_page(record_episode(env, team, 0), tmp_path / "silent.html"))
    assert tab.locator(".arrow").count() == 0 and tab.locator(".node").count() == 4
    tab.locator(".node").last.click()
    assert tab.locator("#panel").inner_text().startswith("partner_")
    assert tab.said == []


def test_what_was_under_way_is_told_in_the_words_of_the_step_in_which_it_was_sent(browser, tmp_path):
    env, team = partners(sample=True, delay=2, gate_budget=0.5, steps=20)
    late = record_episode(env, team, 3)
    rows, names = late.messages(), late.meta["subgoals"]
    one = rows[(rows["kind"] == late.meta["kinds"].index("goal"))][5]
    sent, sender = one["step"], one["sender"]
    tab = opened(browser, write_page(late, tmp_path / "late.html"))
    set_step = f"slider => {{ slider.value = {sent + 2}; slider.dispatchEvent(new Event('input')); }}"
    tab.locator("#slider").evaluate(set_step)
    tab.locator(f".arrow[data-edge='{sender},{one['receiver']}'] .grip").click(force=True)
    words, goal = tab.locator("#panel").inner_text(), late.goal[sent, sender]
    assert f"its goal, likest {names[goal.argmax()]} {100 * goal.max():.0f}%" in words
    assert f"was in step {sent}, when this was sent, open (probability" in words
    assert tab.said == []
