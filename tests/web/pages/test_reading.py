"""What is read off a page, in what order, and under what names."""

from __future__ import annotations

import pytest

from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.pages.items import Item
from remalis_envs.web.pages.reading import read_elements, read_page


def read(*content: Element | str) -> tuple[Item, ...]:
    return read_page(e("body", *content), "main/here?x=1", "Title").items


def pairs(*content: Element | str) -> list[tuple[str, str]]:
    return [(item.role, item.name) for item in read(*content)]


def test_text_belongs_to_the_nearest_block():
    found = pairs(
        e("p", "One ", e("strong", "two"), ", ", e("a", "three", href="/3"), e("span", " four")),
        e("div", "loose", e("p", "inner"), "end"),
        e("ul", e("li", "first"), e("li", e("p", "second"))),
        e("dl", e("dt", "term"), e("dd", "definition")),
    )
    assert found == [
        ("text", "One two, four"),
        ("link", "three"),
        ("text", "loose end"),
        ("text", "inner"),
        ("listitem", "first"),
        ("text", "second"),
        ("term", "term"),
        ("definition", "definition"),
    ]


def test_inline_elements_put_no_space_between_words_blocks_and_breaks_do():
    assert pairs(e("p", "5", e("sup", "2"), e("br"), "m"))[0][1] == "52 m"
    assert pairs(e("a", e("div", "Flight"), e("div", "BA 1"), href="/"))[0][1] == "Flight BA 1"


@pytest.mark.parametrize(
    "hidden",
    [
        e("p", "x", hidden=True),
        e("p", "x", aria_hidden="true"),
        e("div", e("button", "x"), hidden=True),
        e("dialog", e("button", "x")),
        e("details", e("p", "x")),
        e("input", type="hidden", name="x", value="x"),
        e("template", e("p", "x")),
        e("datalist", e("option", "x")),
        e("div", e("span", " "), e("p")),
        e("label", "x", for_="nothing"),
    ],
)
def test_what_is_hidden_or_empty_is_not_read(hidden):
    assert read(hidden) == ()


def test_open_disclosures_and_dialogs_are_read():
    found = pairs(e("details", e("summary", "More"), e("p", "x"), open=True), e("dialog", e("p", "y"), open=True))
    assert found == [("summary", "More"), ("text", "x"), ("text", "y")]


def test_a_modal_dialog_hides_the_rest_and_the_last_one_opened_all_others():
    inner = e("dialog", e("h2", "Inner"), open=True, data_modal="2")
    outer = e("dialog", e("h2", "Outer"), open=True, data_modal="1")
    reading = read_page(e("body", e("p", "page"), inner, outer), "main/", "")
    assert reading.dialog and [item.name for item in reading.items] == ["Inner"]


def test_names_of_controls():
    found = pairs(
        e("input", name="a", aria_label="By aria", title="title"),
        e("label", "By ", e("em", "for"), for_="b"),
        e("input", id="b", placeholder="placeholder"),
        e("label", e("input", type="checkbox"), " Around "),
        e("input", placeholder="By placeholder"),
        e("input", placeholder="placeholder", title="By title"),
        e("input", type="submit"),
        e("input", type="submit", value="By value"),
        e("textarea", id="c"),
        e("label", "After", for_="c"),
        e("button", e("img", alt="By picture")),
    )
    assert [name for _, name in found] == [
        "By aria",
        "By for",
        "Around",
        "By placeholder",
        "By title",
        "Submit",
        "By value",
        "After",
        "By picture",
    ]


def test_roles_of_controls():
    types = ["", "text", "email", "tel", "password", "url", "search", "number", "date", "checkbox", "radio", "submit"]
    items = read(*[e("input", type=one or None, aria_label="x") for one in types])
    roles = "textbox textbox textbox textbox textbox textbox searchbox spinbutton date checkbox radio button"
    assert " ".join(item.role for item in items) == roles
    assert [item.kind for item in items] == ["text", *types[1:]]
    others = read(
        e("input", list="l", aria_label="x"),
        e("input", role="combobox", aria_label="x", aria_expanded="true"),
        e("select", e("option", "One"), e("option", "Two", selected=True), e("option", "No", disabled=True)),
        e("textarea", "a\n b", aria_label="x"),
        e("button", "x", role="tab", aria_selected="true"),
        e("a", "no link"),
    )
    assert [item.role for item in others] == ["combobox", "combobox", "combobox", "textbox", "tab", "text"]
    assert others[1].expanded is True and others[4].selected is True
    assert (others[2].value, others[2].options, others[2].kind) == ("Two", ("One", "Two"), "select")
    assert others[3].value == "a\n b"


def test_state_of_controls():
    box, closed, fixed, free = read(
        e("input", type="checkbox", checked=True, aria_label="x"),
        e("fieldset", e("input", aria_label="x"), disabled=True),
        e("input", aria_label="x", readonly=True, value="v"),
        e("input", aria_label="x"),
    )
    assert box.checked is True and (closed.disabled, fixed.disabled, free.disabled) == (True, True, False)
    assert fixed.value == "v"


def test_what_controls_ask_for():
    form = e(
        "form",
        e("button", "a"),
        e("button", "b", formaction="/other?q=1"),
        e("button", "c", type="button"),
        action="/do/it?x=2",
        method="post",
        id="f",
    )
    items = read(
        form,
        e("button", "d", form="f"),
        e("form", e("button", "e")),
        e("form", e("button", "f"), action="//desk/x"),
        e("form", e("button", "g"), method="dialog"),
        e("button", "h"),
    )
    asked = ["POST /do/it", "POST /other", "POST /do/it", "POST /do/it", "GET /here", "GET desk/x", "", ""]
    assert [item.form for item in items] == asked
    links = read(*[e("a", "x", href=href) for href in ("/a?b=c d", "d", "?y=2", "//desk/", "#part", "//main/e")])
    hrefs = ["/a?b=c%20d", "/d", "/here?y=2", "desk/", "/here?x=1#part", "/e"]
    assert [item.href for item in links] == hrefs


def test_contexts():
    table = e(
        "table",
        e("thead", e("tr", e("th", "Flight"), e("th", e("button", "Price", type="button")), e("th"))),
        e("tbody", e("tr", e("td", "BA 1"), e("td", "90 EUR"), e("td", e("a", "Book", href="/")))),
    )
    items = read(
        e("h1", "Top"),
        table,
        e("section", e("h2", "Nearby"), e("ul", e("li", e("a", "Map", href="/")), e("li", "Far", e("button", "Go")))),
        e("fieldset", e("legend", "Seat"), e("label", e("input", type="radio"), "Aisle")),
        e("dl", e("dt", "Fee"), e("dd", "3 EUR"), e("dt", "Form"), e("dd", e("a", "Get", href="/"))),
        e("nav", e("a", "Home", href="/"), aria_label="Main"),
        e("section", e("p", "x"), aria_label="long " * 40),
    )
    contexts = {(item.role, item.name): item.context for item in items}
    assert contexts == {
        ("heading", "Top"): "",
        ("columnheader", "Flight"): "Top",
        ("button", "Price"): "Top",
        ("cell", "BA 1"): "Flight",
        ("cell", "90 EUR"): "Price · BA 1",
        ("link", "Book"): "BA 1 90 EUR Book",
        ("heading", "Nearby"): "Top",
        ("link", "Map"): "Nearby",
        ("listitem", "Far"): "Nearby",
        ("button", "Go"): "Far",
        ("legend", "Seat"): "Top",
        ("radio", "Aisle"): "Seat",
        ("term", "Fee"): "Top",
        ("definition", "3 EUR"): "Fee",
        ("term", "Form"): "Top",
        ("link", "Get"): "Form",
        ("link", "Home"): "Main",
        ("text", "x"): ("long " * 40)[:80],
    }


def test_status_and_alert_are_one_text_with_their_controls_after():
    found = pairs(e("div", e("p", "Saved."), e("a", "Undo", href="/u"), e("p", "Really."), role="status"))
    assert found == [("status", "Saved. Really."), ("link", "Undo")]


def test_elements_stand_for_items():
    box = e("input", type="checkbox", aria_label="x")
    form = e("form", e("p", "text"), box)
    read_off = read_elements(e("body", form), "main/", "")
    assert read_off.elements[1] is box and read_off.forms[1] is form


def test_line_ends_are_as_a_parser_reads_them():
    area, line = read(e("textarea", "a\r\nb\rc", aria_label="x"), e("input", value="a\r\nb", aria_label="x"))
    assert area.value == "a\nb\nc" and line.value == "ab"


def test_a_disabled_fieldset_reaches_into_disclosures_and_no_disclosure_is_closed_by_it():
    inner = e("details", e("summary", "More"), e("input", aria_label="x"), open=True)
    summary, field = read(e("fieldset", inner, disabled=True))
    assert summary.expanded is True and field.disabled
