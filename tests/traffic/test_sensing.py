"""Where detectors do not see everything, an agent's own last outcome does not tell the truth that they miss."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import remalis_envs
from remalis_envs.traffic.detectors import Detectors
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.network.model import MAX_ARMS
from remalis_envs.traffic.observations import ARM_FEATURES, INTERSECTION_FEATURES, LAYOUT, LIMIT, VEHICLE_SCALE
from remalis_envs.traffic.vocabulary import HOLD, SUBGOALS
from tests.traffic.conftest import legal_actions

POOR = Detectors(range_m=40.0, miss_rate=0.3, speed_noise_m_s=0.5, failure_rate_per_h=20.0, failure_s=300.0)
DEAD = Detectors(failure_rate_per_h=5000.0, failure_s=1e9)


def sensing(detectors: Detectors, **options) -> TrafficEnv:
    config = remalis_envs.traffic_v0("easy", horizon_s=600.0, **options).config
    scenario = dataclasses.replace(config.scenario, detectors=detectors)
    return TrafficEnv(dataclasses.replace(config, scenario=scenario), backend="inline")


def episode(env: TrafficEnv):
    """Yields (vectors, rewards, infos, world) of each decision."""
    observations, _ = env.reset(seed=3)
    rng = np.random.default_rng(0)
    while env.agents:
        observations, rewards, _, _, infos = env.step(legal_actions(observations, rng))
        rows = np.stack([one["observation"] for one in observations.values()])
        yield rows, np.array(list(rewards.values())), infos, env._backend
    env.close()


def own(rows: np.ndarray, name: str) -> np.ndarray:
    return LAYOUT.intersection_features(rows)[:, INTERSECTION_FEATURES.index(name)]


def arm(rows: np.ndarray, name: str) -> np.ndarray:
    return LAYOUT.arm_features(rows)[:, :, ARM_FEATURES.index(name)]


def last_subgoal(rows: np.ndarray) -> np.ndarray:
    first = INTERSECTION_FEATURES.index("last_reward") - len(SUBGOALS)
    return LAYOUT.intersection_features(rows)[:, first : first + len(SUBGOALS)].argmax(axis=1)


def test_the_last_reward_is_what_the_detectors_can_tell() -> None:
    """The delay of what is seen can be worked out from the vector's own arms, and is not what was paid."""
    differences = []
    for rows, rewards, _, _ in episode(sensing(POOR)):
        seen = -(arm(rows, "vehicles") * (1.0 - arm(rows, "speed"))).sum(axis=1)
        assert own(rows, "last_reward") == pytest.approx(seen, abs=1e-5)
        differences.append(np.abs(own(rows, "last_reward") - rewards).max())
    assert np.mean(differences) > 0.1


def test_cars_that_leave_are_counted_where_the_detector_works() -> None:
    hidden = other = 0
    for rows, _, infos, world in episode(sensing(POOR)):
        by_arm = world.last.events.discharged.reshape(-1, MAX_ARMS)
        seen = np.where(arm(rows, "sensor_ok") > 0, by_arm, 0)
        assert own(rows, "last_discharged") * VEHICLE_SCALE == pytest.approx(seen.sum(axis=1), abs=1e-4)
        served = last_subgoal(rows)
        counted = seen.sum(axis=1) > 0
        assert np.array_equal(served[counted], seen.argmax(axis=1)[counted])
        hidden += int((by_arm - seen).sum())
        other += int((served != [info["subgoal"] for info in infos.values()]).sum())
    assert hidden > 20 and other > 10


@pytest.mark.parametrize(
    "reward", ["queue", {"delay": 1.0, "speed": 0.5}, "diff_waiting_time", "sumo_rl/queue"], ids=str
)
def test_with_no_detector_left_nothing_is_known(reward) -> None:
    paid = 0.0
    for rows, rewards, _, _ in episode(sensing(DEAD, reward=reward)):
        nothing = 0.5 if isinstance(reward, dict) else 0.0  # an arm on which nobody is seen counts as free
        assert np.array_equal(own(rows, "last_reward"), np.full(9, nothing, np.float32))
        assert not own(rows, "last_discharged").any()
        assert (last_subgoal(rows) == HOLD).all()
        paid += float(np.abs(rewards).sum())
    assert paid > 1.0


def test_what_no_detector_measures_is_left_out_of_the_last_reward() -> None:
    paid = 0.0
    for rows, rewards, _, _ in episode(sensing(POOR, reward={"emissions": 1.0}, emissions=True)):
        assert not own(rows, "last_reward").any()
        paid += float(np.abs(rewards).sum())
    assert paid > 0


def test_detectors_that_see_all_tell_the_truth() -> None:
    for rows, rewards, infos, world in episode(sensing(Detectors())):
        assert np.array_equal(own(rows, "last_reward"), rewards.clip(-LIMIT, LIMIT).astype(np.float32))
        discharged = world.last.events.discharged_by_agent
        assert own(rows, "last_discharged") * VEHICLE_SCALE == pytest.approx(discharged, abs=1e-4)
        assert last_subgoal(rows).tolist() == [info["subgoal"] for info in infos.values()]
