"""Finds Chromium in the order of ``scripts/browser.sh``, and the program behind a distribution's start script."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from remalis_envs.errors import RemalisError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Start scripts load extensions and flags of the machine, and cost time; what they start is one of these.
BEHIND_SCRIPTS = (
    "/usr/lib/chromium/chromium",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
)


class BrowserMissingError(RemalisError, FileNotFoundError):
    """There is no Chromium on this machine, or ``CHROMIUM`` names something else."""


def find_chromium() -> str:
    """The path of the Chromium to start.

    Looked for in this order: ``$CHROMIUM``, the usual names on the ``PATH``, the usual places, Playwright's download.

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
    for candidate in (*NAMES, *PLACES):
        if path := shutil.which(candidate):
            return program_behind(path)
    own = _of_playwright()
    if own is None:
        raise BrowserMissingError(
            "Chromium was not found: `make browser` or `python -m playwright install chromium` gets it, CHROMIUM names "
            'one elsewhere, and engine="model" needs none.'
        )
    return own


def program_behind(path: str) -> str:
    """The program that a start script starts, where it is one that is known; else the path itself."""
    real = Path(path).resolve()
    with real.open("rb") as file:
        if file.read(2) != b"#!":
            return str(real)
    for candidate in BEHIND_SCRIPTS:
        # A script of /opt/google must not end in Debian's Chromium, where both are installed.
        same_brand = ("google" in candidate) == ("google" in str(real))
        if same_brand and os.access(candidate, os.X_OK):
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
    tails = ("chrome-linux/chrome", "chrome-linux64/chrome", "chrome-mac/Chromium.app/Contents/MacOS/Chromium")
    for root in filter(None, roots):
        for folder in sorted(root.expanduser().glob("chromium-*"), reverse=True):
            for tail in tails:
                if os.access(folder / tail, os.X_OK):
                    return str(folder / tail)
    return None
