"""The recordings that several tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture(scope="session")
def ring_file(tmp_path_factory):
    from demonstrations import recorded

    return recorded(tmp_path_factory.mktemp("demonstrations") / "ring.parquet", episodes=20)
