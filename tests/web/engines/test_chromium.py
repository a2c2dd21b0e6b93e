"""Chromium as an engine: trusted deeds, one order, settled readings, saved tabs, episodes apart, and recovery."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from remalis_envs.web.engines import chromium_reading
from remalis_envs.web.engines.base import Deed, Done, EngineError
from remalis_envs.web.engines.chromium import ChromiumEngine
from remalis_envs.web.engines.chromium_tab import Tab
from remalis_envs.web.pages.items import Reading
from tests.web.sandbox.files_world import FilesWorld
from tests.web.toy_world import ToyWorld
from tests.web.walking import random_deed
from tests.web.widget_world import WidgetWorld

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def engine() -> Iterator[ChromiumEngine]:
    # Generous, because the machine that tests run on is shared: what is tested is the order of things, not their speed.
    engine = ChromiumEngine(settle_s=20.0, hang_s=60.0)
    yield engine
    engine.close()


def place(reading: Reading, role: str, name: str) -> int:
    return next(k for k, item in enumerate(reading.items) if item.role == role and item.name == name)


def do(engine: ChromiumEngine, kind: str, role: str = "", name: str = "", value: str = "", tab: int = 0) -> Done:
    item = place(engine.read([tab])[0], role, name) if role else -1
    return engine.act(tab, Deed(kind, item, value))


def texts(engine: ChromiumEngine, tab: int = 0) -> list[str]:
    return texts_of(engine.read([tab])[0])


def texts_of(reading: Reading) -> list[str]:
    return [item.name for item in reading.items]


def test_every_deed(engine: ChromiumEngine):
    world = ToyWorld()
    engine.reset(world, 2)
    assert engine.read([0])[0].url == "main/"
    assert do(engine, "fill", "textbox", "Note", "hello") == Done("done")
    assert do(engine, "fill", "textbox", "Note", "bye") == Done("done")
    assert do(engine, "choose", "combobox", "Size", "Large") == Done("done")
    assert do(engine, "fill", "date", "Day", "2027-03-15") == Done("done")
    assert do(engine, "fill", "date", "Day", "2026-12-31") == Done("done")
    assert do(engine, "fill", "spinbutton", "Pieces", "") == Done("done")
    assert do(engine, "toggle", "radio", "Now") == Done("done")
    assert do(engine, "toggle", "checkbox", "Only in stock") == Done("done")
    assert do(engine, "click", "button", "Save note") == Done("done", ("POST main/draft/note",))
    fields = (
        "[('day', '2026-12-31'), ('how', 'save'), ('note', 'bye'), ('pieces', ''), ('size', 'Large'), ('when', 'now')]"
    )
    assert world.log == [f"0 /draft/note {fields}"]
    do(engine, "fill", "searchbox", "Search for", "la")
    assert do(engine, "submit", "searchbox", "Search for") == Done("done", ("GET main/search",))
    assert do(engine, "click", "link", "Lamp") == Done("done", ("GET main/goods/Lamp",))
    assert do(engine, "back") == Done("done", ("GET main/search",))
    assert engine.read([0])[0].url == "main/search?q=la"
    assert do(engine, "visit", value="calculator/") == Done("done", ("GET calculator/",))
    assert engine.read([0])[0].title == "Calculator"


def test_what_is_refused(engine: ChromiumEngine):
    page = """<body><button disabled>Off</button><button>Covered</button><a href="/next">Next</a>
        <div id="lid" style="position:fixed;inset:0 0 auto 0;height:60px;background:white">A lid</div>
        <p style="height:3000px"></p><button onclick="this.remove()">Vanishing</button><select aria-label="S"><option>x
        </select><input aria-label="F" readonly></body>"""
    engine.reset(FilesWorld(start=page), 1)
    for name in ("Off", "Covered"):
        assert do(engine, "click", "button", name) == Done("refused"), name
    assert do(engine, "click", "link", "Next") == Done("refused")
    assert do(engine, "choose", "combobox", "S", "y") == Done("refused")
    assert do(engine, "click", "combobox", "S") == Done("refused")
    assert do(engine, "fill", "textbox", "F", "text") == Done("refused")
    assert do(engine, "back") == Done("refused")
    vanishing = place(engine.read([0])[0], "button", "Vanishing")  # far below: it is scrolled to
    assert engine.act(0, Deed("click", vanishing)) == Done("done")
    assert engine.act(0, Deed("click", vanishing)) == Done("refused")
    assert engine.act(0, Deed("click", 999)) == Done("refused")


def test_clicks_that_are_expected_are_aimed_at_once(engine: ChromiumEngine, monkeypatch: pytest.MonkeyPatch):
    page = """<body><button onclick="this.before(document.createElement('hr'))">Push</button>
        <button onclick="document.querySelector('output').textContent = 'hit'">Mark</button><output>none</output>
        <p style="height:3000px"></p><button onclick="document.querySelector('output').textContent = 'far'">Far</button>
        </body>"""
    engine.reset(FilesWorld(start=page), 2)
    reading = engine.read([0, 1])[0]
    push, mark, far = (place(reading, "button", name) for name in ("Push", "Mark", "Far"))

    def pressed(tab: int, *items: int) -> str:
        """What a tab says after some clicks without a reading in between, of which the first was expected."""
        for item in items:
            assert engine.act(tab, Deed("click", item)) == Done("done")
        (said,) = (item.name for item in engine.read([tab])[0].items if item.role == "status")
        return said

    asked = []
    with monkeypatch.context() as patch:
        patch.setattr(Tab, "hands", lambda tab, expression: asked.append(expression))
        engine.expect({0: Deed("click", mark), 1: Deed("click", mark)})
        assert [pressed(0, mark), pressed(1, mark)] == ["hit", "hit"]
    assert not asked, "each landed where it had been aimed ahead"

    # What is out of sight, covers nothing, or has moved since, is aimed at anew.
    engine.expect({0: Deed("click", far)})
    assert pressed(0, far) == "far"
    engine.expect({0: Deed("click", mark)})
    assert pressed(0, push, mark) == "hit"  # the first pushed the second aside
    engine.expect({0: Deed("click", mark), 1: Deed("click", 999), 7: Deed("click", mark)})
    engine.read([0])
    assert pressed(0, far, mark) == "hit"


def test_a_page_is_read_ahead(engine: ChromiumEngine, monkeypatch: pytest.MonkeyPatch):
    page = """<body><button onclick="this.before(button())">Push</button>
        <button onclick="document.querySelector('output').textContent = 'hit'">Mark</button><output>none</output>
        <script>const button = () => {
          const made = document.createElement("button");
          made.textContent = "Made";
          made.onclick = () => document.querySelector("output").textContent = "wrong";
          return made;
        };</script></body>"""
    engine.reset(FilesWorld(start=page), 2)
    reading = engine.read([0, 1])[0]
    push, mark = (place(reading, "button", name) for name in ("Push", "Mark"))

    with monkeypatch.context() as patch:
        patch.setattr(chromium_reading, "READ", "throw new Error('it was asked for a second time')")
        engine.act(0, Deed("click", push))
        engine.act(1, Deed("click", mark))
        pushed, marked = engine.read([0, 1])
        assert "Made" in texts_of(pushed) and "hit" in texts_of(marked)
        engine.act(0, Deed("click", place(pushed, "button", "Mark")))  # the items are those of the new reading
        assert "hit" in texts_of(engine.read([0])[0])

    # Until a tab is read, deeds speak of the items of the reading before, whatever has been read ahead.
    engine.act(1, Deed("click", push))
    engine.act(1, Deed("click", mark))
    (after,) = engine.read([1])
    assert "hit" in texts_of(after) and "wrong" not in texts_of(after)
    engine.act(1, Deed("click", place(after, "button", "Made")))
    assert "wrong" in texts_of(engine.read([1])[0])


def test_every_event_is_trusted(engine: ChromiumEngine):
    page = """<body><form action="/sent"><input aria-label="Text" name=t><input type=date aria-label="Day">
        <select aria-label="S"><option>one<option>two<option>three</select><input type=checkbox aria-label="Box">
        <button>Send</button></form><output></output><script>
        const seen = {};
        for (const kind of ["click", "mousedown", "mouseup", "keydown", "keyup", "input", "change", "submit"]) {
          addEventListener(kind, (event) => {
            seen[kind + event.isTrusted] = (seen[kind + event.isTrusted] || 0) + 1;
            if (kind === "submit") event.preventDefault();
            document.querySelector("output").textContent = JSON.stringify(seen);
          }, true);
        }</script></body>"""
    engine.reset(FilesWorld(start=page), 1)
    do(engine, "fill", "textbox", "Text", "abc")
    do(engine, "fill", "date", "Day", "2027-01-02")
    do(engine, "toggle", "checkbox", "Box")
    (before,) = (item.name for item in engine.read([0])[0].items if item.role == "status")
    do(engine, "choose", "combobox", "S", "three")
    (after,) = (item.name for item in engine.read([0])[0].items if item.role == "status")
    do(engine, "click", "button", "Send")
    assert "false" not in texts(engine)[-1]
    for kind in ("click", "keydown", "input", "change", "submit"):
        assert f"{kind}true" in texts(engine)[-1]
    import json

    assert json.loads(after)["changetrue"] == json.loads(before)["changetrue"] + 1  # not one for each option passed


def test_seven_writers_keep_their_order(engine: ChromiumEngine):
    logs = set()
    for _ in range(2):
        world = ToyWorld()
        engine.reset(world, 7)
        readings = engine.read(list(range(7)))
        for step in range(4):
            for tab in range(7):
                if readings[tab].url != "main/goods/Lamp":
                    engine.act(tab, Deed("visit", value="main/goods/Lamp"))
            readings = engine.read(list(range(7)))
            for tab in (tab if step % 2 else 6 - tab for tab in range(7)):
                engine.act(tab, Deed("click", place(readings[tab], "button", "Add to basket")))
            readings = engine.read(list(range(7)))
            assert [reading.url for reading in readings] == ["main/"] * 7
        order = [int(line.split()[0]) for line in world.log]
        assert order == [*range(6, -1, -1), *range(7)] * 2
        logs.add(world.save() + repr(readings).encode())
    assert len(logs) == 1


SLOW = """<body><output>nothing</output><input aria-label="Field">
    <button onclick="chain()">Chain</button><button onclick="later()">Later</button><a href="/away">Away</a>
    <button onclick="for (;;) { out('never'); break } endless()">Endless</button>
    <button onclick="post()">Post</button><button onclick="tick()">Microtasks</button><script>
    const out = (text) => document.querySelector("output").textContent = text;
    const piece = async () => (await (await fetch("/piece")).text()).replace(/<[^>]*>/g, "");
    async function chain() { const first = await piece(); setTimeout(async () => out(first + await piece()), 60) }
    function later() { out("at once"); setTimeout(() => out("later"), 3600000) }
    function endless() { setTimeout(endless, 50) }
    const x = new XMLHttpRequest();
    function post() { x.open("POST", "/posted"); x.onload = () => out("posted"); x.send() }
    async function tick() { for (let k = 0; k < 1000; k++) await null; out("ticked") }
    let waiting;
    document.querySelector("input").oninput = (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => out(event.target.value + " " + await piece()), 80);
    };</script></body>"""


def test_settled_is_settled(engine: ChromiumEngine):
    world = FilesWorld(start=SLOW)
    engine.reset(world, 1)
    assert do(engine, "click", "button", "Chain") == Done("done", ("GET main/piece", "GET main/piece"))
    assert "piece 1piece 2" in texts(engine)
    do(engine, "fill", "textbox", "Field", "word")
    assert "word piece 3" in texts(engine)
    assert do(engine, "click", "button", "Later") == Done("done")
    assert "at once" in texts(engine)
    do(engine, "click", "button", "Microtasks")
    assert "ticked" in texts(engine)
    assert do(engine, "click", "button", "Post") == Done("done", ("POST main/posted",))
    assert "posted" in texts(engine)
    assert do(engine, "click", "link", "Away") == Done("done", ("GET main/away",))
    assert engine.read([0])[0].url == "other/there"


def test_two_clicks_are_two_clicks(engine: ChromiumEngine):
    world = ToyWorld()
    engine.reset(world, 1)
    engine.act(0, Deed("visit", value="main/goods/Rug"))
    item = place(engine.read([0])[0], "button", "Add to basket")
    assert engine.act(0, Deed("click", item)).status == "done"
    engine.act(0, Deed("click", item))  # of a page that is no longer there: it must not hit what stands there now
    assert world.basket == ["Rug"]


def test_what_never_settles_is_said():
    engine = ChromiumEngine(settle_s=1.0, hang_s=60.0)
    try:
        engine.reset(FilesWorld(start=SLOW), 2)
        engine.read([0, 1])
        assert do(engine, "click", "button", "Endless").status == "unsettled"
        (reading, _) = engine.read([0, 1])
        assert engine.unsettled == {0} and reading.title == ""
    finally:
        engine.close()


def test_a_tab_is_saved_and_put_back(engine: ChromiumEngine):
    world = ToyWorld()
    engine.reset(world, 2)
    do(engine, "fill", "textbox", "Note", "a draft")
    do(engine, "toggle", "radio", "Now")
    do(engine, "click", "link", "Calculator")
    do(engine, "fill", "spinbutton", "First", "5")
    saved, kept = engine.save(), world.save()
    (before,) = engine.read([0])
    do(engine, "back")
    (behind,) = engine.read([0])
    for _ in range(2):
        world = ToyWorld()
        engine.reset(world, 2)
        world.load(kept)
        engine.restore(saved)
        assert engine.read([0]) == [before]
        assert world.save() == kept  # it was not asked for anything
        do(engine, "back")
        assert engine.read([0]) == [behind]
        assert do(engine, "back") == Done("refused")
    assert engine.read([1])[0].url == "main/"  # not opened before, opened now


@pytest.mark.parametrize("seed", range(3))
def test_open_widgets_are_put_back(engine: ChromiumEngine, seed: int):
    rng, world = random.Random(seed), WidgetWorld()
    engine.reset(world, 1)
    for _ in range(12):
        engine.act(0, random_deed(rng, engine.read([0])[0]))
    before = engine.read([0])
    saved, kept = engine.save(), world.save()
    deeds = [random_deed(rng, before[0])]
    engine.act(0, deeds[0])
    after = engine.read([0]), world.save()
    world = WidgetWorld()
    world.load(kept)
    engine.reset(world, 1)
    engine.restore(saved)
    assert engine.read([0]) == before
    engine.act(0, deeds[0])
    assert (engine.read([0]), world.save()) == after


def test_a_file_of_others_is_not_saved(engine: ChromiumEngine):
    engine.reset(FilesWorld(start="<p>Scripts of others cannot be put back where they were.</p>"), 1)
    engine.read([0])
    with pytest.raises(EngineError, match="served no page"):
        engine.save()
    engine.reset(ToyWorld(), 1)


def test_episodes_do_not_see_each_other(engine: ChromiumEngine):
    page = """<body><output></output><script>
        const host = location.hostname.split(".").slice(-2).join(".");
        const seen = document.cookie + (localStorage.getItem("mark") || "");
        document.cookie = "cookie=1; domain=" + host; document.cookie = "own=1"; localStorage.setItem("mark", "left");
        document.querySelector("output").textContent = "saw [" + seen + "]";</script></body>"""
    for _ in range(2):
        engine.reset(FilesWorld(start=page), 2)
        assert texts(engine) == ["saw []"]
        engine.act(0, Deed("visit", value="main/"))
        (again,) = texts(engine)
        assert "cookie=1" in again and "own=1" in again and "left" in again


def test_clock_and_dice_of_a_page(engine: ChromiumEngine):
    page = """<body><output></output><script>document.querySelector("output").textContent =
        [Date.now(), new Date().toISOString(), new Date(2020, 1, 1).getFullYear(), Math.random()].join(" ")
        </script></body>"""
    seen = []
    for seed in (1, 1, 2):
        engine.reset(FilesWorld(start=page), 1, seed)
        seen += texts(engine)
    assert seen[0] == seen[1] != seen[2]
    assert seen[0].startswith("1777593600000 2026-05-01T00:00:00.000Z 2020 0.")


def test_pictures_and_accessibility_on_request(engine: ChromiumEngine):
    engine.reset(ToyWorld(), 1)
    assert engine.screenshot(0).startswith(b"\x89PNG")
    names = {node.get("name", {}).get("value") for node in engine.accessibility_tree(0)}
    assert {"Save note", "Opening hours"} <= names


def broken(engine: ChromiumEngine, act) -> None:
    """After a failure every call says so, and the next reset works."""
    with pytest.raises(EngineError):
        act()
    with pytest.raises(EngineError):
        engine.read([0])
    begun = time.monotonic()
    engine.reset(ToyWorld(), 2)
    engine.repaired_s = time.monotonic() - begun
    assert engine.read([0])[0].url == "main/"


@pytest.fixture
def frail() -> Iterator[ChromiumEngine]:
    engine = ChromiumEngine(settle_s=2.0, hang_s=3.0)
    engine.reset(FilesWorld(start='<body><button onclick="for (;;);">Hang</button></body>'), 2)
    engine.read([0, 1])
    yield engine
    engine.close()


def test_recovery_from_a_page_that_hangs(frail: ChromiumEngine):
    broken(frail, lambda: do(frail, "click", "button", "Hang"))


def test_recovery_from_a_tab_that_crashed(frail: ChromiumEngine):
    frail._tabs[0].send("Page.crash")
    broken(frail, lambda: frail.read([0]))


def test_recovery_from_a_browser_that_was_killed(frail: ChromiumEngine):
    os.kill(frail._browser.sandbox.pid, signal.SIGKILL)
    broken(frail, lambda: frail.read([0]))


def test_recovery_from_a_guardian_that_was_killed(frail: ChromiumEngine):
    frail._browser.sandbox.guardian.kill()
    limit = time.monotonic() + 10.0
    while frail._browser.alive and time.monotonic() < limit:  # the kernel ends the browser when it gets to it
        frail._loop.once(0.05)
    broken(frail, lambda: frail.read([0]))


def test_recovery_from_a_killed_browser_that_nobody_noticed(frail: ChromiumEngine):
    os.kill(frail._browser.sandbox.pid, signal.SIGKILL)
    frail.reset(ToyWorld(), 1)
    assert frail.read([0])[0].url == "main/"


def test_recovery_from_a_site_that_failed(frail: ChromiumEngine):
    class Failing(ToyWorld):
        def handle(self, request):
            if request.path == "/search":
                raise ZeroDivisionError("a bug")
            return super().handle(request)

    frail.reset(Failing(), 1)
    broken(frail, lambda: do(frail, "click", "button", "Search"))


def test_recovery_from_a_dead_server(frail: ChromiumEngine):
    frail._server.close()
    broken(frail, lambda: frail.act(0, Deed("visit", value="main/x")))


def test_inside_a_running_loop_and_in_a_thread():
    engine = ChromiumEngine(settle_s=20.0, hang_s=60.0)

    async def cell() -> list[str]:
        engine.reset(ToyWorld(), 1)
        return texts(engine)

    def run(found: list[str]) -> None:
        engine.reset(ToyWorld(), 1)
        found += texts(engine)

    try:
        inside = asyncio.run(cell())
        found: list[str] = []
        thread = threading.Thread(target=run, args=(found,))
        thread.start()
        thread.join()
        assert inside == found and "Toy shop" in inside
    finally:
        engine.close()


def test_engines_side_by_side(engine: ChromiumEngine):
    other = ChromiumEngine(settle_s=20.0, hang_s=60.0)
    try:
        for one in (engine, other):
            one.reset(ToyWorld(), 1)
        do(engine, "fill", "textbox", "Note", "mine")
        assert "mine" in [item.value for item in engine.read([0])[0].items]
        assert "mine" not in [item.value for item in other.read([0])[0].items]
    finally:
        other.close()
    assert engine.read([0])[0].url == "main/"
