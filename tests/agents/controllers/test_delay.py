"""What controllers achieve on held-out demand of `easy`, and that the text is enough for max pressure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

import remalis_envs
from remalis_agents.controllers import make_controller
from remalis_agents.evaluation import evaluate, summary
from remalis_envs.traffic.env import TrafficEnv

EASY = partial(remalis_envs.traffic_v0, level="easy", split="test", horizon_s=1200.0)
SEEDS = (0, 1)


@pytest.fixture(scope="module")
def delay_s() -> dict[str, float]:
    names = ("fixed_time", "webster", "actuated", "greedy", "max_pressure")
    results = [one for name in names for one in evaluate(make_controller(name), EASY, SEEDS)]
    assert all(result.metrics["collisions"] == 0 for result in results)
    return {name: own["mean_delay_s"].mean for name, own in summary(results).items()}


def test_order_of_controllers(delay_s: dict[str, float]) -> None:
    """Whoever looks at traffic beats who does not; a well-timed program beats a badly timed one."""
    assert delay_s["max_pressure"] < 0.8 * delay_s["fixed_time"]
    assert delay_s["greedy"] < 0.8 * delay_s["fixed_time"]
    assert delay_s["webster"] < 0.9 * delay_s["fixed_time"]
    assert delay_s["actuated"] < delay_s["webster"]


class Reader:
    """Max pressure by reading: shows the phase of the greatest pressure in the text, unless the gain is small."""

    name = "reader"
    own_program = False
    _line = re.compile(r"Phase (\d+) .*pressure ([-+][\d.]+)")

    def env_options(self) -> dict[str, Any]:
        return {}

    def reset(self, env: TrafficEnv, seed: int) -> None:
        self.env = env

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        return {agent: self.env.parse(agent, self._answer(self.env.describe(agent))) for agent in observations}

    def _answer(self, text: str) -> str:
        offered = [line for line in text.splitlines() if self._line.search(line)]
        pressure = {int(m[1]): float(m[2]) for line in offered for m in [self._line.search(line)] if m}
        best = max(pressure, key=lambda phase: pressure[phase])
        now = [int(m[1]) for line in offered if "[green now]" in line for m in [self._line.search(line)] if m]
        keeps = now and pressure[best] <= pressure[now[0]] + 0.5
        return f"phase {now[0] if keeps else best}"


def test_the_text_is_enough_for_max_pressure(delay_s: dict[str, float]) -> None:
    read = summary(evaluate(Reader(), EASY, SEEDS))["reader"]["mean_delay_s"].mean
    assert read == pytest.approx(delay_s["max_pressure"], rel=0.05)
