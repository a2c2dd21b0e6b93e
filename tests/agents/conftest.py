"""What the trainer's tests share: the toy games on the path, and one Ray for the whole session."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)
# Ray's workers and the commands that tests start find the toy games by it.
os.environ["PYTHONPATH"] = os.pathsep.join(p for p in (HERE, os.environ.get("PYTHONPATH")) if p)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """Ray with room for a trial and two runners, whatever the machine has."""
    import ray

    from remalis_agents.rllib.quiet import hush_ray
    from remalis_agents.train import start_ray

    hush_ray()
    start_ray(cpus=4)
    yield
    ray.shutdown()
