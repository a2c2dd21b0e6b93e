"""The browserless engine does with links, forms and history what a browser does."""

from __future__ import annotations

import pytest

from remalis_envs.errors import RemalisError
from remalis_envs.web.engines.base import Deed, Done, EngineError
from remalis_envs.web.engines.model import ModelEngine
from remalis_envs.web.pages.elements import e
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.sites.protocol import Response
from tests.web.toy_world import ToyWorld


def place(reading: Reading, role: str, name: str) -> int:
    return next(k for k, item in enumerate(reading.items) if item.role == role and item.name == name)


class Player:
    """One tab, acted in by the names of its controls."""

    def __init__(self, world: ToyWorld | None = None) -> None:
        self.world, self.engine = world or ToyWorld(), ModelEngine()
        self.engine.reset(self.world, 2)

    @property
    def reading(self) -> Reading:
        return self.engine.read([0])[0]

    def do(self, kind: str, role: str = "", name: str = "", value: str = ""):
        item = place(self.reading, role, name) if role else -1
        return self.engine.act(0, Deed(kind, item, value))


def test_first_reading():
    reading = Player().reading
    assert reading.url == "main/" and reading.title == "Toy shop"
    shown = [(item.role, item.name, item.value) for item in reading.items]
    assert shown == [
        ("link", "Home", ""),
        ("link", "Calculator", ""),
        ("heading", "Toy shop", ""),
        ("text", "The basket holds 0 things.", ""),
        ("searchbox", "Search for", ""),
        ("checkbox", "Only in stock", ""),
        ("button", "Search", ""),
        ("legend", "Note to the shop", ""),
        ("textbox", "Note", ""),
        ("radio", "Now", ""),
        ("radio", "Later", ""),
        ("combobox", "Size", "Small"),
        ("spinbutton", "Pieces", "1"),
        ("date", "Day", ""),
        ("button", "Save note", ""),
        ("summary", "Opening hours", ""),
    ]
    assert reading.items[1].href == "calculator/"
    assert reading.items[6].form == "GET /search" and reading.items[14].form == "POST /draft/note"
    assert reading.items[9].context == "Note to the shop"


def named(reading: Reading, name: str):
    return next(item for item in reading.items if item.name == name and item.is_control)


def test_search_follows_the_form_and_back_restores_what_was_typed():
    player = Player()
    player.do("fill", "searchbox", "Search for", "l")
    player.do("toggle", "checkbox", "Only in stock")
    done = player.do("submit", "searchbox", "Search for")
    assert done == Done("done", ("GET main/search",))
    assert player.reading.url == "main/search?q=l&stock=1"
    assert player.do("back").requested == ("GET main/",)
    assert named(player.reading, "Search for").value == "l" and named(player.reading, "Only in stock").checked
    assert player.do("back").status == "refused"


def test_script_state_is_lost_on_the_way_back():
    player = Player()
    player.do("click", "summary", "Opening hours")
    assert player.reading.items[-1].name == "From nine to five."
    player.do("click", "link", "Calculator")
    player.do("back")
    assert player.reading.items[-1].expanded is False


def test_form_sends_its_fields_in_order_with_the_button_that_was_pressed():
    player = Player()
    player.do("fill", "textbox", "Note", "ring\ntwice")
    player.do("toggle", "radio", "Now")
    player.do("choose", "combobox", "Size", "Large")
    player.do("fill", "date", "Day", "2026-05-03")
    done = player.do("click", "button", "Save note")
    assert done.requested == ("POST main/draft/note",)  # the redirect is left out
    fields = [("note", "ring\r\ntwice"), ("when", "now"), ("size", "Large"), ("pieces", "1"), ("day", "2026-05-03")]
    assert player.world.log == [f"0 /draft/note {sorted([*fields, ('how', 'save')])}"]
    assert player.reading.url == "main/" and named(player.reading, "Note").value == "ring\ntwice"


@pytest.mark.parametrize(
    ("kind", "role", "name", "value"),
    [
        ("fill", "button", "Search", "x"),
        ("click", "combobox", "Size", ""),
        ("choose", "combobox", "Size", "Huge"),
        ("fill", "date", "Day", "2026-02-30"),
        ("fill", "date", "Day", "3 May"),
        ("fill", "spinbutton", "Pieces", "two"),
        ("toggle", "link", "Home", ""),
        ("submit", "textbox", "Note", ""),
        ("click", "heading", "Toy shop", ""),
    ],
)
def test_deeds_that_do_not_fit_are_refused_and_change_nothing(kind, role, name, value):
    player = Player()
    before = player.reading
    assert player.do(kind, role, name, value) == Done("refused")
    assert player.reading is before


def test_unknown_deeds_are_an_error():
    with pytest.raises(RemalisError, match="toggle"):
        Player().do("togle", "checkbox", "Only in stock")


def test_items_of_a_page_that_was_left_are_refused():
    player = Player()
    calculator, note = (place(player.reading, *one) for one in (("link", "Calculator"), ("textbox", "Note")))
    player.engine.act(0, Deed("click", calculator))
    assert player.engine.act(0, Deed("fill", note, "x")) == Done("refused")


def test_a_site_may_answer_the_same_page_twice():
    player = Player()
    page = player.world._home()
    player.world._home = lambda: page
    before = page.body.copy()
    player.do("fill", "textbox", "Note", "mine")
    player.do("click", "summary", "Opening hours")
    assert repr(list(page.body.elements())) == repr(list(before.elements()))
    assert named(player.engine.read([1])[0], "Note").value == ""


def test_saved_tabs_come_back_as_often_as_wanted():
    player = Player()
    player.do("fill", "textbox", "Note", "first")
    player.do("click", "link", "Calculator")
    player.do("fill", "spinbutton", "First", "4")
    saved, world, before = player.engine.save(), player.world.save(), player.reading
    for _ in range(2):
        player.do("fill", "spinbutton", "Second", "5")
        player.do("click", "button", "Add")
        assert player.reading.items[-1].name == "9"
        player.do("back")
        player.do("back")
        assert named(player.reading, "Note").value == "first"
        player.engine.restore(saved)
        player.world.load(world)
        assert player.reading == before


def test_an_unchanged_tab_gives_the_same_reading():
    player = Player()
    other = player.engine.read([1])[0]
    player.do("toggle", "checkbox", "Only in stock")
    assert player.engine.read([1])[0] is other


def test_places_that_answer_no_page_are_an_error():
    player = Player()
    player.world.handle = lambda request: Response(fragment=e("ul"))
    with pytest.raises(EngineError, match="main/ answered no page"):
        player.engine.act(1, Deed("visit", value="main/search"))


class Story(ToyWorld):
    """A page with places to jump to, and a form that is answered on the spot."""

    def handle(self, request):
        if request.method == "POST":
            return Response(page=self._frame("Refused", e("a", "On", href="/search")), status=409)
        if request.path != "/":
            return super().handle(request)
        links = [e("a", name, href=f"#{name}") for name in ("one", "two")]
        form = e("form", e("input", name="word", aria_label="Word"), e("button", "Send"), method="post", action="/send")
        return Response(page=self._frame("Story", *links, form))


def test_jumps_in_a_page_load_nothing_and_are_gone_back_through():
    player = Player(Story())
    player.reading  # noqa: B018
    for name in ("one", "one", "two"):
        assert player.do("click", "link", name) == Done("done")
    player.do("fill", "textbox", "Word", "typed")
    player.do("click", "link", "Calculator")
    assert player.do("back").requested == ("GET main/",) and named(player.reading, "Word").value == "typed"
    # The page was loaded again, yet it is the same one to the places before it.
    assert [player.do("back") for _ in range(3)] == [Done("done"), Done("done"), Done("refused")]
    assert named(player.reading, "Word").value == "typed"


def test_back_passes_over_a_page_that_answered_a_post():
    player = Player(Story())
    player.do("fill", "textbox", "Word", "typed")
    assert player.do("click", "button", "Send").requested == ("POST main/send",)
    assert player.reading.title == "Refused"
    player.do("click", "link", "On")
    assert player.do("back").requested == ("GET main/",)
    assert named(player.reading, "Word").value == "typed"
    assert player.do("back") == Done("refused")
