"""What is written as HTML is what a parser reads back, and only listed files are served."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from remalis_envs.errors import RemalisError
from remalis_envs.web.pages.elements import Element, Page, e
from remalis_envs.web.pages.html import ASSETS, THEMES, asset, fragment_to_html, to_html


class Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[object] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.seen.append(data)


def parsed(element: Element) -> list[object]:
    collector = Collector()
    collector.feed(fragment_to_html(element))
    collector.close()
    return collector.seen


def test_text_and_attributes_survive_whatever_they_hold():
    wild = "\"'<b>&amp;&#39; </p><script>alert(1)</script> é 日 >"
    assert parsed(e("p", wild, title=wild)) == [("p", {"title": wild}), wild]


def test_attributes_without_values_and_void_elements():
    text = fragment_to_html(e("p", e("input", type="checkbox", checked=True, disabled=False), e("br"), "x"))
    assert text == '<p><input type="checkbox" checked><br>x</p>'


def test_the_first_newline_of_a_text_area_is_kept():
    assert fragment_to_html(e("textarea", "\na<b")) == "<textarea>\n\na&lt;b</textarea>"


def test_links_to_other_sites_get_the_suffix_and_nothing_else_does():
    element = e("a", "//desk/x", href="//desk/x?y=//z", title="//desk/")
    text = fragment_to_html(element, ".t0.e1.test:80")
    assert text == '<a href="//desk.t0.e1.test:80/x?y=//z" title="//desk/">//desk/x</a>'
    assert fragment_to_html(e("a", "x", href="/x"), ".t0.e1.test") == '<a href="/x">x</a>'


def test_a_document_says_language_charset_and_title():
    text = to_html(Page("A & B", e("body", e("h1", "x")), "civic"))
    assert text.startswith("<!DOCTYPE html>") and '<html lang="en">' in text and '<meta charset="utf-8">' in text
    assert "<title>A &amp; B</title>" in text and "/static/civic.css" in text and "/static/widgets.js" in text
    assert "/static/plain.css" in to_html(Page("x", e("body"), "no such theme"))


def test_pages_have_no_scripts_of_their_own():
    with pytest.raises(RemalisError, match="script"):
        fragment_to_html(e("p", e("script", "x")))


def test_what_engines_keep_beside_a_field_is_not_written():
    field = e("input", value="now")
    field.attributes[":default"] = "before"
    assert fragment_to_html(field) == '<input value="now">'


def test_listed_files_are_served_and_no_others():
    for name in ASSETS:
        content, kind = asset(name)
        assert content and "/" in kind
    assert b"--accent" in asset("plain.css")[0] and b"dialog" in asset("plain.css")[0]
    assert len({asset(f"{theme}.css")[0] for theme in THEMES}) == 3
    for name in ("reader.js", "../html.py", "base.css", ""):
        with pytest.raises(RemalisError, match="served are"):
            asset(name)


def test_forms_are_never_checked_by_the_browser():
    assert fragment_to_html(e("form")) == "<form novalidate></form>" == fragment_to_html(e("form", novalidate=True))
