"""Writes the leaderboard's files from what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leaderboard.html import page
from leaderboard.markdown import markdown
from leaderboard.marl_eval import marl_eval
from leaderboard.results import leaderboard
from leaderboard.store import Store, write_json, write_text


def write_report(store: Store, about: Mapping[str, Any]) -> list[Path]:
    """Writes ``leaderboard.json``, ``.md``, ``.html`` and ``marl_eval.json``; returns their paths."""
    content = leaderboard(store, about)
    files = [store.out / name for name in ("leaderboard.html", "leaderboard.md", "leaderboard.json", "marl_eval.json")]
    write_text(files[0], page(content))
    write_text(files[1], markdown(content))
    write_json(files[2], content)
    write_json(files[3], marl_eval(content, store))
    return files
