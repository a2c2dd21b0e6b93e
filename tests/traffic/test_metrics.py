"""Figures of an episode against SUMO's own account of the same run, and RESCO's formula against its definition."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import remalis_envs
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.metrics import EpisodeRecord, gini, later_departure, vehicles_due_s
from remalis_envs.traffic.protocols import with_option

ROUNDING_S = 0.02
"""SUMO gives its means, and the trips' own figures, to two decimals."""


def run_with_tripinfo(env: TrafficEnv, file: Path, policy, seed: int = 3) -> dict[str, float]:
    """Plays an episode that SUMO writes its own report of, unfinished and undeparted trips included."""
    scenario = env.config.scenario
    files = scenario.files
    for name, value in (
        ("tripinfo-output", str(file)),
        ("tripinfo-output.write-unfinished", "true"),
        ("tripinfo-output.write-undeparted", "true"),
    ):
        files = with_option(files, name, value)
    scenario = dataclasses.replace(scenario, files=files)
    env = TrafficEnv(dataclasses.replace(env.config, scenario=scenario))
    observations, _ = env.reset(seed=seed)
    while env.agents:
        observations, *_ = env.step({agent: policy(agent, o, env) for agent, o in observations.items()})
    metrics = env.metrics()
    env.close()
    return metrics


def trips_of(file: Path, now_s: float) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Trips that departed and trips that were due but did not, as SUMO reports them."""
    rows = [{k: float(v) for k, v in t.attrib.items() if _number(v)} for t in ET.parse(file).iter("tripinfo")]
    departed = [row for row in rows if row["depart"] >= 0]
    # SUMO also lists trips that it has read ahead and that are not due yet.
    never = [row for row in rows if row["depart"] < 0 and row["departDelay"] > 0]
    return departed, never


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def stubborn(agent, observation, env):
    """Hardly ever changes the phase, so that many cars cannot even enter."""
    return 0 if env._backend.now_s % 600 < 500 else 1


def at_random(rng):
    return lambda agent, observation, env: int(rng.choice(np.flatnonzero(observation["action_mask"])))


@pytest.mark.parametrize(
    "which", ["stubborn on cologne1", "random on cologne1", "random on ingolstadt1", "random on easy"]
)
def test_means_are_those_of_sumos_report(which, tmp_path):
    name = which.split()[-1]
    if name != "easy":
        env = remalis_envs.traffic_v0(scenario=f"resco/{name}", protocol="resco", horizon_s=1500.0)
    else:
        env = remalis_envs.traffic_v0("easy", horizon_s=900.0)
    now_s = env.config.scenario.files.begin_s + env.config.scenario.horizon_s
    policy = stubborn if "stubborn" in which else at_random(np.random.default_rng(0))
    metrics = run_with_tripinfo(env, tmp_path / "tripinfo.xml", policy)
    departed, never = trips_of(tmp_path / "tripinfo.xml", now_s)
    assert metrics["arrived_veh"] + metrics["running_veh"] == len(departed)
    assert metrics["never_departed_veh"] == len(never)
    if "stubborn" in which:
        assert len(never) > 50
    total = len(departed) + len(never)
    outside_s = sum(row["departDelay"] for row in departed + never)
    for ours, theirs in (
        ("mean_delay_s", "timeLoss"),
        ("mean_travel_time_s", "duration"),
        ("mean_waiting_time_s", "waitingTime"),
    ):
        expected = (sum(row[theirs] for row in departed) + outside_s) / total
        assert metrics[ours] == pytest.approx(expected, abs=ROUNDING_S), ours
    # A single car's delay is known to a few seconds only, because nobody asks when within a decision it arrived.
    delays = np.array([row["timeLoss"] + row["departDelay"] for row in departed] + [r["departDelay"] for r in never])
    assert metrics["delay_gini"] == pytest.approx(gini(delays), rel=0.015)
    worst = np.sort(delays)[-math.ceil(len(delays) / 10) :]
    assert metrics["worst_decile_delay_s"] == pytest.approx(worst.mean(), rel=0.015)


def resco_formula(tripinfo: Path, routes: Path, end_s: float) -> float:
    """RESCO's formula from SUMO's files, as its definition reads; trips without departure are not in its report."""
    rows = [row for row in ET.parse(tripinfo).iter("tripinfo") if float(row.get("depart")) >= 0]
    latest = max(float(row.get("depart")) for row in rows)
    last = next(row for row in rows if float(row.get("depart")) == latest)
    listed = ET.parse(routes).getroot()
    planned = next(float(item.get("depart")) for item in listed if item.get("id") == last.get("id"))
    missing = [float(v.get("depart")) for v in listed.iter("vehicle") if float(v.get("depart")) > planned]
    total = sum(float(row.get("timeLoss")) + float(row.get("departDelay")) for row in rows)
    total += sum(end_s - depart for depart in missing)
    return total / (len(rows) + len(missing))


@pytest.mark.parametrize("name", ["cologne3", "cologne1"])
def test_resco_delay_is_their_formula(name, tmp_path):
    """cologne3 lists vehicles, cologne1 trips, which the formula does not see."""
    end_s = 25200.0 + 1200.0
    env = remalis_envs.traffic_v0(scenario=f"resco/{name}", protocol="resco", horizon_s=1200.0)
    routes = Path(env.config.scenario.files.route_files[0])
    metrics = run_with_tripinfo(env, tmp_path / "tripinfo.xml", stubborn)
    shortened = tmp_path / "due.rou.xml"  # their script reads whole files: give it the first 1200 s
    root = ET.parse(routes).getroot()
    for item in [i for i in root if float(i.get("depart", "0")) > end_s]:
        root.remove(item)
    ET.ElementTree(root).write(shortened)
    expected = resco_formula(tmp_path / "tripinfo.xml", shortened, end_s)
    assert metrics["resco_delay_s"] == pytest.approx(expected, abs=ROUNDING_S)
    assert abs(metrics["resco_delay_s"] - metrics["mean_delay_s"]) > 1.0


def test_delay_of_a_car_at_the_door_counts_from_when_it_was_due(tmp_path):
    """A road behind a red light: whoever cannot enter has lost all the time since he wanted to."""
    env = remalis_envs.traffic_v0(scenario="resco/cologne1", protocol="resco", horizon_s=900.0)
    env.reset(seed=1)
    while env.agents:
        env.step(dict.fromkeys(env.agents, 0))
    record: EpisodeRecord = env._backend.record
    listed = ET.parse(env.config.scenario.files.route_files[0]).iter("trip")
    planned = {trip.get("id"): float(trip.get("depart")) for trip in listed}
    assert len(record.trips) > 100
    assert all(abs(trip.due_s - planned[name]) < 0.01 for name, trip in record.trips.items())
    env.close()


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_cars_that_still_drive_count_with_what_they_have_lost(fidelity):
    """In a jam everyone who waits is late, whatever the model."""
    env = remalis_envs.traffic_v0(level="easy", fidelity=fidelity, horizon_s=600.0, max_green_s=math.inf)
    env.reset(seed=3)
    while env.agents:
        env.step(dict.fromkeys(env.agents, 0))
    metrics = env.metrics()
    env.close()
    assert metrics["running_veh"] > 2 * metrics["arrived_veh"]
    assert metrics["mean_delay_s"] > metrics["mean_waiting_time_s"] > 30


def test_gini():
    assert gini(np.array([3.0, 3.0, 3.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)


def test_vehicles_due_are_read_from_vehicles_only(tmp_path):
    file = tmp_path / "some.rou.xml"
    file.write_text(
        '<routes><vehicle id="a" depart="3"><route edges="x"/></vehicle><trip id="b" depart="4"/>'
        '<vehicle id="c" depart="triggered"/><vehicle id="d" depart="1.5"/></routes>'
    )
    assert vehicles_due_s(((str(file), 0.0),)).tolist() == [3.0, 1.5]


def test_the_last_departure_of_two_at_once_is_the_one_due_first():
    assert later_departure((5.0, 5.0), (5.0, 2.0)) == (5.0, 2.0)
    assert later_departure((5.0, 1.0), (6.0, 6.0)) == (6.0, 6.0)
