"""Engines by name; each is imported when it is asked for, since a browser's takes a while."""

from __future__ import annotations

from remalis_envs.web.engines.base import Engine

ENGINES = ("chromium", "model")


def open_engine(name: str) -> Engine:
    """An engine without an episode.

    Args:
        name: one of :data:`ENGINES`.
    """
    if name == "model":
        from remalis_envs.web.engines.model import ModelEngine

        return ModelEngine()
    from remalis_envs.web.engines.chromium import ChromiumEngine

    return ChromiumEngine()
