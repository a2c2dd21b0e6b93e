"""Writes pages as HTML, and holds the static files that they need.

In a tree, a link or form that leads to another site of the world is written ``//host/path``; ``suffix`` makes
``//host<suffix>/path`` of it, which is what a browser needs.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.resources import files

from remalis_envs.errors import RemalisError
from remalis_envs.web.pages.elements import Element, Page

THEMES = ("plain", "civic", "market")
"""Names of the style sheets; whatever else a page names is shown as the first."""
ASSETS: dict[str, str] = {
    **{f"{theme}.css": "text/css; charset=utf-8" for theme in THEMES},
    "icon.svg": "image/svg+xml",
    "widgets.js": "text/javascript; charset=utf-8",
}
"""Static files that are served under ``/static/``, and their content types; nothing else is."""
_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#35618e"/></svg>'
)
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))
_ADDRESSES = frozenset(("href", "action", "formaction"))


def to_html(page: Page, suffix: str = "") -> str:
    """A whole document.

    Args:
        page: what it shows.
        suffix: what follows a site's name in the browser's addresses, such as ``.t0.e3.test:8080``.
    """
    theme = page.theme if page.theme in THEMES else THEMES[0]
    pieces = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title, quote=False)}</title>\n"
        f'<link rel="icon" href="/static/icon.svg">\n<link rel="stylesheet" href="/static/{theme}.css">\n'
        '<script src="/static/widgets.js" defer></script>\n</head>\n'
    ]
    _write(page.body, pieces, suffix)
    pieces.append("\n</html>\n")
    return "".join(pieces)


def fragment_to_html(element: Element, suffix: str = "") -> str:
    """One element, for what a page fetches by itself."""
    pieces: list[str] = []
    _write(element, pieces, suffix)
    return "".join(pieces)


@lru_cache(maxsize=16)
def asset(name: str) -> tuple[bytes, str]:
    """A static file and its content type.

    Raises:
        RemalisError: no such file is served.
    """
    if name not in ASSETS:
        raise RemalisError(f"There is no static file {name!r}; served are: {', '.join(ASSETS)}.")
    content = _ICON if name == "icon.svg" else _read(name)
    if name.endswith(".css"):
        content += _read("base.css")  # one file, so that a page waits for one
    return content, ASSETS[name]


@lru_cache(maxsize=1)
def reader_script() -> str:
    """The script that reads a rendered page; it is given to the browser, never served."""
    return _read("reader.js").decode()


def _read(name: str) -> bytes:
    return files("remalis_envs.web.pages").joinpath("assets", name).read_bytes()


def _write(element: Element, pieces: list[str], suffix: str) -> None:
    tag = element.tag
    pieces.append(f"<{tag}")
    content: str | None = None
    for name, value in element.attributes.items():
        if value is False or name[0] == ":":
            continue
        if tag == "dialog" and name == "open" and "data-modal" in element.attributes:
            continue  # widgets.js shows it as a modal one, which it cannot once it is open
        if tag == "textarea" and name == "value":
            content = str(value)
            continue
        if value is True:
            pieces.append(f" {name}")
            continue
        text = str(value)
        if name in _ADDRESSES and text.startswith("//"):
            host, slash, rest = text[2:].partition("/")
            text = f"//{host}{suffix}{slash}{rest}"
        pieces.append(f' {name}="{escape(text)}"')
    if tag == "form" and not element.has("novalidate"):
        pieces.append(" novalidate")  # sites check what they are sent; a browser's own bubbles are no part of a page
    pieces.append(">")
    if tag in _VOID:
        return
    if tag in ("script", "style"):
        raise RemalisError(f"A page holds a <{tag}> element; pages have no scripts or styles of their own.")
    if tag in ("textarea", "pre"):
        pieces.append("\n")  # the parser drops the first newline
    if content is not None:
        pieces.append(escape(content, quote=False))
    else:
        for child in element.children:
            if isinstance(child, str):
                pieces.append(escape(child, quote=False))
            else:
                _write(child, pieces, suffix)
    pieces.append(f"</{tag}>")
