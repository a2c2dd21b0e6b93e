"""Addresses as a browser writes them: links and forms are resolved, fields encoded, always the same way.

In a page, a link to another site of the world is written ``//host/path``, the host as the world names it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urljoin, urlsplit

from remalis_envs.web.sites.protocol import Fields, Request

_PATH_SAFE = "/%:@!$&'()*+,;=-._~[]|"
_QUERY_SAFE = "/%:@!$&()*+,;=-._~[]|?\\^`{}"


class Address(NamedTuple):
    """Where a tab is, or where a link leads.

    Attributes:
        host: as the world names it.
        path: percent-encoded, begins with a slash.
        query: percent-encoded, without its question mark.
        fragment: what follows ``#``; it is never sent.
    """

    host: str
    path: str
    query: str = ""
    fragment: str = ""

    @property
    def target(self) -> str:
        """``/path?query``."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def url(self) -> str:
        """``host/path?query``, as readings name a tab's place."""
        return self.host + self.target

    def request(self, method: str = "GET", form: Fields = (), tab: int = 0) -> Request:
        """The request that a browser in tab ``tab`` would send."""
        return request_of(self.host, self.target, method, form, tab)


@lru_cache(maxsize=65536)
def parse_fields(encoded: str) -> Fields:
    """Names and values of a query, or of a form's ``application/x-www-form-urlencoded`` body."""
    return tuple(parse_qsl(encoded, keep_blank_values=True))


def encode_fields(fields: Fields) -> str:
    """Fields as a browser writes them into a query or body."""
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in fields)


def _encode(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def request_of(host: str, target: str, method: str = "GET", form: Fields = (), tab: int = 0) -> Request:
    """The request for ``/path?query`` at a site; a server that got the same bytes makes it with this, too."""
    path, _, query = target.partition("?")
    return Request(
        host, unquote(path) if "%" in path else path, method, parse_fields(query) if query else (), form, tab
    )


@lru_cache(maxsize=65536)
def parse(url: str) -> Address:
    """The address that ``host/path?query`` names."""
    return resolve("", "//" + url)


@lru_cache(maxsize=65536)
def resolve(base: str, href: str) -> Address:
    """Where a link leads.

    Args:
        base: ``host/path?query`` of the page that it stands on.
        href: as written there.
    """
    if _is_plain(href) and "/" in base:
        path, _, query = href.partition("?")
        return Address(base.partition("/")[0], path, query)
    parts = urlsplit(urljoin(f"http://{base}", href.strip()))
    path = quote(parts.path, safe=_PATH_SAFE) or "/"
    return Address(parts.netloc, path, quote(parts.query, safe=_QUERY_SAFE), parts.fragment)


_PLAIN = re.compile(r"/(?:[\w-]+(?:/[\w-]+)*)?(?:\?[\w=&+%-]+)?", re.ASCII)


@lru_cache(maxsize=65536)
def _is_plain(href: str) -> bool:
    """Whether a link leads to a path of the same site, written as a browser writes it; most do."""
    return _PLAIN.fullmatch(href) is not None


def shown_href(base: str, href: str) -> str:
    """Where a link leads, as an item names it: without the host where that is the page's own."""
    return href if _is_plain(href) else _shown_href(base, href)


@lru_cache(maxsize=65536)
def _shown_href(base: str, href: str) -> str:
    address = resolve(base, href)
    shown = address.target if address.host == base.partition("/")[0] else address.url
    return f"{shown}#{address.fragment}" if address.fragment else shown


@lru_cache(maxsize=65536)
def shown_form(base: str, method: str, action: str) -> str:
    """What a form asks for, as an item names it: ``POST /path``; a form that closes its dialog asks for nothing."""
    method = method.upper()
    if method == "DIALOG":
        return ""
    address = resolve(base, action) if action else parse(base)
    path = address.path if address.host == base.partition("/")[0] else address.host + address.path
    return f"{'POST' if method == 'POST' else 'GET'} {path}"
