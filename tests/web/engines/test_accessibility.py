"""What Chromium's own accessibility tree says of controls, readings say, too."""

from __future__ import annotations

import pytest

from remalis_envs.web.engines.base import Deed
from remalis_envs.web.engines.chromium import ChromiumEngine
from tests.web.accessibility import controls_in_reading, controls_in_tree
from tests.web.toy_world import ToyWorld
from tests.web.widget_world import WidgetWorld

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    engine = ChromiumEngine()
    yield engine
    engine.close()


def compare(engine: ChromiumEngine) -> None:
    (reading,) = engine.read([0])
    expected = controls_in_tree(engine._tabs[0].ask("Accessibility.getFullAXTree")["nodes"])
    found = controls_in_reading(reading)
    for one, other in zip(found, expected, strict=False):
        assert one == other, reading.url
    assert len(found) == len(expected), reading.url


@pytest.mark.parametrize(
    ("world", "addresses"),
    [
        (ToyWorld, ("main/", "main/search?q=", "main/goods/Lamp", "calculator/?a=1&b=2")),
        (WidgetWorld, ("main/", "main/form", "main/form?wrong=1", "main/table", "main/echo?a=b", "desk/")),
    ],
)
def test_controls_agree_page_by_page(chromium, world, addresses):
    chromium.reset(world(), 1)
    for address in addresses:
        chromium.act(0, Deed("visit", value=address))
        compare(chromium)


def test_controls_agree_while_widgets_are_open(chromium):
    chromium.reset(WidgetWorld(), 1)
    deeds = [
        ("main/", "Opening hours", ""),
        ("main/", "By week", ""),
        ("main/", "Show more", ""),
        ("main/", "Read the terms", ""),
        ("main/form", "Open calendar for Day", ""),
        ("main/form", "Town", "b"),
        ("main/table", "Price", ""),
    ]
    for address, name, text in deeds:
        chromium.act(0, Deed("visit", value=address))
        (reading,) = chromium.read([0])
        place = next(k for k, item in enumerate(reading.items) if item.name == name and item.is_control)
        assert chromium.act(0, Deed("fill" if text else "click", place, text)).status == "done"
        compare(chromium)
