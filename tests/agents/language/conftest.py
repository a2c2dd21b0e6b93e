"""A tiny random Llama, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from remalis_agents.language.tiny import make_tiny_llama


@pytest.fixture(scope="session")
def llama(tmp_path_factory) -> Path:
    return make_tiny_llama(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture(autouse=True)
def _seed(monkeypatch):
    monkeypatch.delenv("REMALIS_LANGUAGE_MODEL", raising=False)
    torch.manual_seed(0)
