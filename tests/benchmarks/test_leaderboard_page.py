"""The page in a browser: it sorts, shows how a row was made, fits its width, and has a dark side."""

from __future__ import annotations

import pytest
from leaderboard.report import write_report
from leaderboard.store import Store
from leaderboard.suites import plan
from made_up import ABOUT, done

pytestmark = pytest.mark.browser
DELAYS = {"fixed_time": 51.0, "max_pressure": 24.0, "IPPO": 9.5, "CommNet": 108.0}


@pytest.fixture(scope="module")
def page(tmp_path_factory, chromium_path):
    from playwright.sync_api import sync_playwright

    store = Store(tmp_path_factory.mktemp("store"))
    wanted = plan(
        ["traffic/easy"], ["IPPO", "CommNet", "MAPPO"], 2, 5000, 4, controllers=("fixed_time", "max_pressure")
    )
    store.ask_for(wanted.cells, {})
    for cell in wanted.cells:
        if cell.method in DELAYS:
            store.save(cell, done(cell, DELAYS[cell.method]))
    file = write_report(store, ABOUT)[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1400, "height": 900})
        opened.errors = []
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.goto(file.as_uri())
        yield opened
        browser.close()


def order(page) -> list[str]:
    return page.locator("table").first.locator("tbody").evaluate_all("all => all.map(one => one.dataset.m)")


def test_a_click_sorts_by_number_and_leaves_what_is_missing_at_the_end(page):
    best_first = ["IPPO", "max_pressure", "fixed_time", "CommNet", "MAPPO"]
    assert order(page) == best_first
    head = page.locator("table").first.locator("th", has_text="mean delay")
    head.click()
    assert order(page) == best_first, "9.5 before 108, which text would not do"
    head.click()
    assert order(page) == [*best_first[3::-1], "MAPPO"]
    assert page.errors == []


def test_a_row_shows_its_commands(page):
    row = page.locator("tbody[data-m='IPPO']").first
    command = row.locator("pre").first
    assert not command.is_visible()
    row.locator("button.open").click()
    assert command.is_visible()
    assert "rllib train file traffic_easy_ippo" in command.inner_text()
    row.locator("button.open").click()
    assert not command.is_visible()


def test_it_fits_and_turns_dark(page):
    wide, shown = page.locator(".scroll").first.evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert wide <= shown
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.evaluate(colour) != light
