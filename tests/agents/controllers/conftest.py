"""One short environment for the tests of controllers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import remalis_envs
from remalis_envs.traffic.env import TrafficEnv


@pytest.fixture(scope="module")
def easy() -> Iterator[TrafficEnv]:
    env = remalis_envs.traffic_v0("easy", horizon_s=900.0, strict=True)
    yield env
    env.close()
