"""Finds Chromium, the headless shell first, and the program behind a distribution's start script.

The shell is Chromium without the windows, panels and services of a browser for people: the same pages, rendered and
scripted by the same code, with less to attack; one tab loads a page in two thirds of the time, seven in half.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from remalis_envs.errors import RemalisError

SHELLS = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Start scripts load extensions and flags of the machine, and cost time; what they start is one of these.
BEHIND_SCRIPTS = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
)


_DOWNLOADS = {
    "chromium_headless_shell-*": ("*/headless_shell", "*/chrome-headless-shell"),
    "chromium-*": ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*"),
}
"""Of Playwright: folders of downloads, and programs in them."""


class BrowserMissingError(RemalisError, FileNotFoundError):
    """There is no Chromium on this machine, or ``CHROMIUM`` names something else."""


def find_chromium() -> str:
    """The path of the Chromium to start.

    Looked for in this order: ``$CHROMIUM``, headless shells on the ``PATH``, browsers there, browsers in the usual
    places, Playwright's downloads.

    Raises:
        BrowserMissingError: none was found.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        path = shutil.which(named)
        if path is None:
            raise BrowserMissingError(
                f"CHROMIUM names {named}, which is not a program that can be run: correct it or unset it."
            )
        return program_behind(path)
    for candidate in (*SHELLS, *BROWSERS, *PLACES):
        if path := shutil.which(candidate):
            return program_behind(path)
    own = _of_playwright()
    if own is None:
        raise BrowserMissingError(
            "Chromium was not found: `make browser` or `python -m playwright install chromium` gets it, CHROMIUM names "
            'one elsewhere, and engine="model" needs none.'
        )
    return own


def is_shell(program: str) -> bool:
    """Whether a program is a headless shell, which knows no policies of an administrator and no pages of its own."""
    return Path(program).name in SHELLS


def program_behind(path: str) -> str:
    """The program that a start script starts, where it is one that is known; else the path itself."""
    real = Path(path).resolve()
    with real.open("rb") as file:
        if file.read(2) != b"#!":
            return str(real)
    for candidate in BEHIND_SCRIPTS:
        # Where several are installed, a script of /opt/google must not end in Debian's Chromium, nor a browser's in a
        # shell.
        same_brand = ("google" in candidate) == ("google" in str(real))
        if same_brand and is_shell(candidate) == is_shell(path) and os.access(candidate, os.X_OK):
            return candidate
    return str(real)


def _of_playwright() -> str | None:
    """Playwright's own download, the newest first; starting its driver to ask where it is would take half a second."""
    package = importlib.util.find_spec("playwright")
    inside = Path(package.origin or "").parent / "driver/package/.local-browsers" if package else None
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "0")
    roots = [
        inside if named == "0" else Path(named),
        Path("~/.cache/ms-playwright"),
        Path("~/Library/Caches/ms-playwright"),
    ]
    for folders, tails in _DOWNLOADS.items():
        for root in filter(None, roots):
            for folder in sorted(root.expanduser().glob(folders), reverse=True):
                for found in (path for tail in tails for path in sorted(folder.glob(tail))):
                    if os.access(found, os.X_OK):
                        return str(found)
    return None
