"""Tests of addresses: links as a browser writes them."""

from __future__ import annotations

import pytest

from remalis_envs.web.pages import addresses
from remalis_envs.web.pages.addresses import Address


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("/", Address("main", "/")),
        ("/item/book/3?page=2&q=a%20b", Address("main", "/item/book/3", "page=2&q=a%20b")),
        ("/a/../b", Address("main", "/b")),
        ("/a b", Address("main", "/a%20b")),
        ("/a?", Address("main", "/a")),
        ("/a#part", Address("main", "/a", "", "part")),
        ("//map/from/harbour", Address("map", "/from/harbour")),
        ("more", Address("main", "/list/more")),
    ],
)
def test_links_lead_where_a_browser_would_go(href, address):
    assert addresses.resolve("main/list/book?page=1", href) == address


def test_items_name_links_without_their_own_host():
    assert addresses.shown_href("main/list", "/item/book/3?page=2") == "/item/book/3?page=2"
    assert addresses.shown_href("main/list", "//main/x y") == "/x%20y"
    assert addresses.shown_href("main/list", "//map/") == "map/"
