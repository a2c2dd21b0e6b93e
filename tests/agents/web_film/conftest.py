"""What the tests of films share: one recorded episode without a browser."""

from __future__ import annotations

from typing import Any

import pytest

import remalis_envs
from remalis_agents.web_film.recorder import Recorder
from remalis_agents.web_film.recording import Recording
from remalis_envs.web.policies import make_policy

OPTIONS: dict[str, Any] = {"level": "medium", "domains": ["shop"], "split": "test", "engine": "model"}
SEED = 4


@pytest.fixture(scope="session")
def recording() -> Recording:
    """The oracle on a medium task of the shop."""
    env = remalis_envs.web_v0(**OPTIONS)
    recorder = Recorder(env, make_policy("oracle"), SEED, OPTIONS, "the oracle")
    for _ in recorder.moments():
        pass
    env.close()
    return recorder.recording
