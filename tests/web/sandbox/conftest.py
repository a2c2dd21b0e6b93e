"""Both kinds of Chromium, where a machine has them."""

from __future__ import annotations

import shutil

import pytest

from remalis_envs.web.sandbox import find

KINDS = {"shell": find.SHELLS, "browser": find.BROWSERS}


@pytest.fixture(params=KINDS)
def chromium(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind that the test's sandbox starts: a headless shell, or a whole browser."""
    elsewhere = find.find_chromium()  # a download, or what CHROMIUM names
    names = (*KINDS[request.param], *([elsewhere] if find.is_shell(elsewhere) == (request.param == "shell") else []))
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"there is no {request.param} here")
    monkeypatch.setenv("CHROMIUM", found)
    return request.param
