"""The environment keeps the contracts of PettingZoo and Gymnasium, and its own."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.traffic.network.model import Intersection, Movement
from remalis_envs.traffic.observations import ARM_FEATURES, LAYOUT, PHASE_FEATURES, VEHICLE_SCALE
from remalis_envs.traffic.traffic_v0 import SUMO_RL
from tests.traffic.conftest import LEVELS, legal_actions

WORLDS: list[dict[str, Any]] = [*({"level": level} for level in LEVELS), {"scenario": "resco/cologne8"}]
IDS = [next(iter(world.values())) for world in WORLDS]


@pytest.mark.parametrize("world", WORLDS, ids=IDS)
def test_pettingzoo_conformance(world: dict[str, Any]) -> None:
    env = remalis_envs.traffic_v0(**world, horizon_s=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parallel_api_test(env, num_cycles=25)
    env.close()


@pytest.mark.parametrize("world", WORLDS, ids=IDS)
def test_pettingzoo_seeds(world: dict[str, Any]) -> None:
    parallel_seed_test(lambda: remalis_envs.traffic_v0(**world, horizon_s=100, backend="worker"))


@pytest.mark.parametrize("world", WORLDS, ids=IDS)
def test_gymnasium_conformance_of_the_team_view(world: dict[str, Any]) -> None:
    env = gymnasium.make("remalis/TrafficTeam-v0", **world, horizon_s=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_the_registry_of_pettingzoo_builds_it() -> None:
    env = pettingzoo.make("parallel", "remalis/traffic-v0", level="easy")
    assert len(env.possible_agents) == 9
    assert not env.agents
    env.close()


@pytest.mark.parametrize(
    ("level", "agents", "fewest", "most"),
    [("easy", 9, 2, 9), ("medium", 25, 10, 15), ("hard", 64, 16, 32), ("hell", 100, 26, 32)],
)
def test_levels_have_the_promised_size(level: str, agents: int, fewest: int, most: int) -> None:
    env = remalis_envs.traffic_v0(level=level)
    counts = [len(env.phases(agent)) for agent in env.possible_agents]
    assert len(counts) == agents or (level == "hell" and len(counts) >= agents)
    assert fewest <= min(counts) <= max(counts) <= most
    for inter in env.network.intersections:
        served = {m for phase in inter.phases for m in phase.major + phase.minor}
        assert served == {m.index for m in inter.movements}, f"{inter.id} leaves a movement red for ever"
        assert 3 <= len(inter.arms) <= 6
        assert len({phase.state for phase in inter.phases}) == len(inter.phases)


def test_spaces_are_the_same_for_every_agent_of_every_level() -> None:
    spaces = set()
    for level in LEVELS:
        env = remalis_envs.traffic_v0(level=level)
        for agent in env.possible_agents:
            assert env.observation_space(agent) is env.observation_space(agent)
            spaces.add((str(env.observation_space(agent)), str(env.action_space(agent))))
    assert len(spaces) == 1


def test_a_fresh_green_may_not_be_changed_and_an_old_one_must_be(easy: Any) -> None:
    observations, _ = easy.reset(seed=1)
    agent = easy.possible_agents[4]
    hold = {a: int(np.flatnonzero(o["action_mask"])[0]) for a, o in observations.items()}
    greens = []
    for _ in range(30):
        mask = observations[agent]["action_mask"]
        current = int(LAYOUT.phase_features(observations[agent]["observation"])[:, 1].argmax())
        greens.append((mask.sum(), bool(mask[current])))
        actions = {
            a: hold[a] if o["action_mask"][hold[a]] else int(np.flatnonzero(o["action_mask"])[0])
            for a, o in observations.items()
        }
        observations, *_ = easy.step(actions)
    assert greens[0] == (1, True), "the first green has not lasted its minimum"
    assert greens[1] == (8, True)
    assert greens[12] == (7, False), "60 s is the longest green"
    assert greens[13][0] == 1, "between phases only the coming one is legal"


def test_masked_actions_become_the_safe_default_and_are_counted(easy: Any) -> None:
    observations, _ = easy.reset(seed=1)
    agent = easy.possible_agents[0]
    forbidden = int(np.flatnonzero(observations[agent]["action_mask"] == 0)[0])
    actions = {a: int(np.flatnonzero(o["action_mask"])[0]) for a, o in observations.items()}
    _, _, _, _, infos = easy.step({**actions, agent: forbidden})
    assert infos[agent]["masked"]
    assert not infos[easy.possible_agents[1]]["masked"]
    assert easy.metrics()["masked_actions"] == 1


def test_strict_makes_masked_actions_errors() -> None:
    env = remalis_envs.traffic_v0(level="easy", strict=True)
    observations, _ = env.reset(seed=1)
    with pytest.raises(RemalisError, match=r"masked now; legal are \[0\]"):
        env.step(dict.fromkeys(env.agents, 5))
    env.step(legal_actions(observations, np.random.default_rng(0)))
    env.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"A0": 32}, "outside Discrete"),
        ({"A0": -1}, "outside Discrete"),
        ({"A0": 1.5}, "one integer"),
        ({"A0": None}, "one integer"),
        ({"A0": [1, 2]}, "one integer"),
        ({"Z9": 1}, "Unknown agent 'Z9'"),
    ],
)
def test_actions_outside_the_space_are_errors(easy: Any, change: dict[str, Any], message: str) -> None:
    easy.reset(seed=0)
    with pytest.raises(RemalisError, match=message):
        easy.step({**dict.fromkeys(easy.agents, 0), **change})
    easy.step(dict.fromkeys(easy.agents, 0))  # and nothing is broken


@pytest.mark.parametrize("actions", [None, [0] * 9, 3])
def test_actions_that_are_no_mapping_are_an_error(easy: Any, actions: Any) -> None:
    easy.reset(seed=0)
    with pytest.raises(RemalisError, match="takes a mapping"):
        easy.step(actions)


def test_a_missing_agent_is_an_error(easy: Any) -> None:
    easy.reset(seed=0)
    with pytest.raises(RemalisError, match="none was given for 'A1'"):
        easy.step({agent: 0 for agent in easy.agents if agent != "A1"})


def test_order_of_calls_is_checked() -> None:
    env = remalis_envs.traffic_v0(level="easy", horizon_s=10)
    with pytest.raises(RemalisError, match="call reset"):
        env.step({})
    with pytest.raises(RemalisError, match="no episode yet"):
        env.metrics()
    env.reset(seed=0)
    actions = dict.fromkeys(env.agents, 0)
    env.step(actions)
    _, _, terminations, truncations, _ = env.step(actions)
    assert all(truncations.values())
    assert not any(terminations.values())
    assert env.agents == []
    assert env.metrics()["running_veh"] >= 0, "figures outlast the episode"
    with pytest.raises(RemalisError, match="has ended"):
        env.step(actions)
    env.close()
    with pytest.raises(RemalisError, match="closed"):
        env.step(actions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "esy"}, "Did you mean 'easy'"),
        ({"level": "easy", "reward": "queu"}, "Did you mean 'queue'"),
        ({"level": "easy", "reward": {"queue": 1.0, "spede": 2.0}}, "Did you mean 'speed'"),
        ({"level": "easy", "reward_scope": "teem"}, "Did you mean 'team'"),
        ({"level": "easy", "split": "tests"}, "Did you mean 'test'"),
        ({"level": "easy", "backend": "inlin"}, "Did you mean 'inline'"),
        ({"level": "easy", "render_mode": "rgb"}, "Did you mean 'rgb_array'"),
        ({"level": "easy", "fidelity": "mikro"}, "Did you mean 'micro'"),
        ({"levle": "easy"}, "Unknown option 'levle'. Did you mean 'level'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        remalis_envs.traffic_v0(**arguments)


def test_names_of_sumo_rl_are_answered_with_what_does_it_here() -> None:
    found = importlib.util.find_spec("sumo_rl")
    assert found is not None and found.submodule_search_locations
    source = Path(found.submodule_search_locations[0], "environment", "env.py").read_text(encoding="utf-8")
    theirs = next(node for node in ast.walk(ast.parse(source)) if getattr(node, "name", "") == "__init__")
    ours = inspect.signature(remalis_envs.traffic_v0).parameters
    for name, words in SUMO_RL.items():
        assert name in {one.arg for one in theirs.args.args} and name not in ours
        assert set(re.findall(r"\w+", words)) & {*ours, "TeamEnv"}, "names something that there is"
        with pytest.raises(UnknownNameError, match=f"Unknown option '{name}'. Here it is {re.escape(words)}"):
            remalis_envs.traffic_v0(**{name: 1})
    with pytest.raises(UnknownNameError, match="'sumo_rl/average-speed', by sumo-rl's own formula"):
        remalis_envs.traffic_v0(reward="average-speed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decision_s": 0}, "decision_s"),
        ({"decision_s": 2.5}, "decision_s"),
        ({"decision_s": True}, "decision_s"),
        ({"max_green_s": True}, "max_green_s"),
        ({"yellow_s": -1}, "yellow_s"),
        ({"yellow_s": 1e9}, "yellow_s"),
        ({"all_red_s": -np.inf}, "all_red_s"),
        ({"decision_s": np.float64(2.5)}, "decision_s must be a multiple of SUMO's step of 1 s and positive, not 2.5"),
        ({"strict": "no"}, "strict must be True or False, not 'no'"),
        ({"emissions": np.nan}, "emissions must be True or False"),
        ({"protocol": [1]}, "Unknown protocol"),
        ({"min_green_s": 70, "max_green_s": 60}, "max_green_s"),
        ({"horizon_s": 0}, "horizon_s"),
        ({"blocker_patience_s": 0}, "blocker_patience_s"),
        ({"network_seed": -1}, "network_seed"),
        ({"reward": "emissions"}, "emissions=True"),
        ({"reward": {}}, "names no part"),
        ({"reward": {"queue": "much"}}, "must be a finite number"),
        ({"reward": {"queue": float("nan")}}, "must be a finite number"),
        ({"reward": 3}, "must be a name"),
        ({"scenario": "resco/cologne1"}, "exclude each other"),
    ],
)
def test_impossible_options_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RemalisError, match=message):
        remalis_envs.traffic_v0(level="easy", **arguments)


def test_times_may_be_numpys() -> None:
    times = dict.fromkeys(("decision_s", "yellow_s", "all_red_s", "min_green_s", "max_green_s"), np.float32(6))
    timing = remalis_envs.traffic_v0(**times).config.scenario.timing
    assert {name: getattr(timing, name) for name in times} == dict.fromkeys(times, 6.0)
    assert type(timing.decision_s) is float


def test_unknown_reset_options_warn_and_are_ignored(easy: Any) -> None:
    with pytest.warns(UserWarning, match="'wether' is unknown"):
        easy.reset(seed=0, options={"wether": 1})


def test_an_agent_goes_offline_and_comes_back(easy: Any) -> None:
    agent = easy.possible_agents[4]
    observations, infos = easy.reset(seed=0, options={"outages": [(agent, 10, 30)]})
    online, phases, rng = [infos[agent]["online"]], [], np.random.default_rng(0)
    for _ in range(10):
        observations, _, _, _, infos = easy.step(legal_actions(observations, rng))
        online.append(infos[agent]["online"])
        phases.append(int(LAYOUT.phase_features(observations[agent]["observation"])[:, 1].argmax()))
        assert agent in easy.agents
    assert online == [True] * 2 + [False] * 4 + [True] * 5
    assert len(set(phases[2:6])) == 1, "offline it keeps its phase, whatever its actions say"


def test_an_offline_agent_is_not_heard(easy: Any) -> None:
    agent, everyone = easy.possible_agents[4], easy.adjacency()
    observations, _ = easy.reset(seed=0, options={"outages": [(agent, 5, 10)]})
    assert (easy.adjacency() == everyone).all()
    rng = np.random.default_rng(0)
    observations, *_ = easy.step(legal_actions(observations, rng))
    assert not easy.adjacency()[4].any() and not easy.adjacency()[:, 4].any()
    assert (np.delete(np.delete(easy.adjacency(), 4, 0), 4, 1) == np.delete(np.delete(everyone, 4, 0), 4, 1)).all()
    easy.step(legal_actions(observations, rng))
    assert (easy.adjacency() == everyone).all()


def test_observations_say_what_is_on_the_road(easy: Any) -> None:
    observations, _ = easy.reset(seed=5)
    rng = np.random.default_rng(0)
    for _ in range(40):
        observations, *_ = easy.step(legal_actions(observations, rng))
    sumo, queue, vehicles = easy._backend.simulation.sumo, ARM_FEATURES.index("queue"), ARM_FEATURES.index("vehicles")
    compared = 0
    for inter in easy.network.intersections:
        arms = LAYOUT.arm_features(observations[inter.id]["observation"])
        for arm in inter.arms:
            halting = sum(sumo.edge.getLastStepHaltingNumber(edge) for edge in arm.in_edges)
            number = sum(sumo.edge.getLastStepVehicleNumber(edge) for edge in arm.in_edges)
            assert arms[arm.index, queue] * VEHICLE_SCALE == pytest.approx(min(halting, 3 * VEHICLE_SCALE))
            assert arms[arm.index, vehicles] * VEHICLE_SCALE == pytest.approx(min(number, 3 * VEHICLE_SCALE))
            compared += number
        phases = LAYOUT.phase_features(observations[inter.id]["observation"])
        served = [m for m in (inter.phases[0].major + inter.phases[0].minor) if inter.movements[m].kind != "crossing"]
        lanes = {lane for m in served for lane in inter.movements[m].lanes}
        at_line = sum(sumo.lane.getLastStepVehicleNumber(lane) for lane in lanes)
        assert phases[0, PHASE_FEATURES.index("vehicles")] * VEHICLE_SCALE >= at_line - 1e-4
    assert compared > 20


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_an_arm_says_how_many_are_on_the_lanes_for_each_turn(level: str) -> None:
    """Beside phases that make one turn of some arms green and nothing else: their vehicles are those of the turns."""
    env = remalis_envs.traffic_v0(level=level)
    observations, _ = env.reset(seed=0)
    compared, kinds = 0, set()
    for _ in range(30):
        observations, *_ = env.step({a: int(own["action_mask"].argmax()) for a, own in observations.items()})
        for inter in env.network.intersections:
            vector = observations[inter.id]["observation"]
            arms, phases = LAYOUT.arm_features(vector), LAYOUT.phase_features(vector)
            for number, phase in enumerate(inter.phases):
                moves = [inter.movements[m] for m in phase.major + phase.minor if inter.movements[m].kind != "crossing"]
                kind = {m.kind for m in moves}
                if len(kind) != 1 or kind == {"uturn"} or {m.from_arm for m in moves} & _shared(inter, moves):
                    continue
                turn = ARM_FEATURES.index(f"vehicles_{kind.copy().pop()}")
                there = sum(arms[arm, turn] for arm in {m.from_arm for m in moves})
                assert phases[number, PHASE_FEATURES.index("vehicles")] == pytest.approx(there, abs=1e-5)
                compared += there > 0
                kinds |= kind
    assert compared > 20 and "left" in kinds
    env.close()


def _shared(inter: Intersection, moves: list[Movement]) -> set[int]:
    """Arms of which these movements are not all that turn the same way."""
    return {other.from_arm for other in inter.movements if other.kind == moves[0].kind and other not in moves}


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_a_phase_says_how_much_of_each_arm_it_serves(level: str) -> None:
    env = remalis_envs.traffic_v0(level=level)
    observations, _ = env.reset(seed=0)
    first, partly = LAYOUT.served_arms, 0
    for inter in env.network.intersections:
        rows = LAYOUT.phase_features(observations[inter.id]["observation"])[:, first : first + LAYOUT.arm_count]
        for number, phase in enumerate(inter.phases):
            for arm in inter.arms:
                mine = [m for m in inter.movements if m.kind != "crossing" and m.from_arm == arm.index]
                lanes = {lane for m in mine for lane in m.lanes}
                green = {lane for m in mine if phase.state[m.links[0]] in "Gg" for lane in m.lanes}
                assert rows[number, arm.index] == pytest.approx(len(green) / max(len(lanes), 1))
                partly += 0 < len(green) < len(lanes)
        assert not rows[len(inter.phases) :].any() and not rows[:, len(inter.arms) :].any()
    assert partly > 0
    env.close()


def test_observations_given_out_are_not_overwritten(easy: Any) -> None:
    first, _ = easy.reset(seed=0)
    kept = {a: o["observation"].copy() for a, o in first.items()}
    for _ in range(5):
        easy.step(dict.fromkeys(easy.agents, 0))
    assert all(np.array_equal(kept[a], first[a]["observation"]) for a in first)


def test_adjacency_joins_road_neighbours(easy: Any) -> None:
    near, names = easy.adjacency(), easy.possible_agents
    assert near.dtype == bool
    assert (near == near.T).all()
    assert not near.diagonal().any()
    degrees = sorted(near.sum(axis=1).tolist())
    assert degrees == [2, 2, 2, 2, 3, 3, 3, 3, 4], "a 3x3 grid"
    assert near[names.index("A0"), names.index("A1")]
    assert not near[names.index("A0"), names.index("B1")]


def test_everyone_as_neighbour_is_an_option_for_small_teams() -> None:
    env = remalis_envs.traffic_v0(level="easy", neighbours="all")
    assert (env.adjacency() == ~np.eye(9, dtype=bool)).all()
    with pytest.raises(RemalisError, match="25 agents"):
        remalis_envs.traffic_v0(level="hard", neighbours="all")


def test_state_is_in_its_space_and_changes(easy: Any) -> None:
    easy.reset(seed=0)
    first = easy.state()
    assert easy.state_space.contains(first)
    for _ in range(20):
        easy.step(dict.fromkeys(easy.agents, 0))
    assert not np.array_equal(first, easy.state())


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_seed_is_a_whole_number(easy: Any, seed: Any) -> None:
    with pytest.raises(RemalisError, match="a seed is an integer of at least 0"):
        easy.reset(seed=seed)


def test_a_seed_may_come_from_numpy(easy: Any) -> None:
    first, _ = easy.reset(seed=np.int64(3))
    second, _ = easy.reset(seed=3)
    assert all(np.array_equal(first[a]["observation"], second[a]["observation"]) for a in first)


@pytest.mark.parametrize("outages", [5, [("A0", 0)], [("A0", "x", 5)]])
def test_outages_are_checked(easy: Any, outages: Any) -> None:
    with pytest.raises(RemalisError, match="outages is a list"):
        easy.reset(seed=0, options={"outages": outages})


@pytest.mark.parametrize("times", [(5, 2), (0, float("nan"))])
def test_an_outage_begins_before_it_ends(easy: Any, times: tuple[float, float]) -> None:
    with pytest.raises(RemalisError, match="must begin before it ends"):
        easy.reset(seed=0, options={"outages": [(easy.possible_agents[0], *times)]})


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"level": ["easy"]}, "Did you mean 'easy'"),
        ({"horizon_s": 1e12}, "horizon_s must be a positive number of seconds, below"),
        ({"max_green_s": "long"}, "max_green_s must be at least"),
        ({"seed": "first"}, "a seed is an integer"),
    ],
)
def test_an_option_of_another_type_is_a_sentence(option: dict[str, Any], says: str) -> None:
    with pytest.raises(RemalisError, match=says):
        remalis_envs.traffic_v0(**option)


def test_an_episode_ends_at_its_horizon() -> None:
    env = remalis_envs.traffic_v0(level="easy", decision_s=7, horizon_s=30)
    env.reset(seed=0)
    steps = 0
    while env.agents:
        env.step(dict.fromkeys(env.agents, 0))
        steps += 1
    assert steps == 5
    assert env._backend.simulation.sumo.simulation.getTime() == 30
    env.close()


def test_the_minimum_green_comes_before_the_maximum() -> None:
    env = remalis_envs.traffic_v0(level="easy", decision_s=10, min_green_s=15, max_green_s=15, horizon_s=300)
    observations, _ = env.reset(seed=0)
    rng = np.random.default_rng(0)
    while env.agents:
        assert all(observation["action_mask"].any() for observation in observations.values())
        observations, *_ = env.step(legal_actions(observations, rng))
    assert env.metrics()["masked_actions"] == 0
    env.close()


@pytest.mark.parametrize("odd", [10**30, np.uint64(77)])
def test_an_odd_integer_is_named_with_its_agent(easy: Any, odd: Any) -> None:
    easy.reset(seed=0)
    agent = easy.agents[1]
    with pytest.raises(RemalisError, match=f"of '{agent}' is outside"):
        easy.step(dict.fromkeys(easy.agents, 0) | {agent: odd})
    easy.step(dict.fromkeys(easy.agents, 0) | {agent: np.uint64(0)})


@pytest.mark.parametrize("answer", [None, 5, "phase " + "9" * 5000])
def test_an_answer_that_is_none_is_a_sentence(easy: Any, answer: Any) -> None:
    easy.reset(seed=0)
    with pytest.raises(RemalisError, match=r"parse|names no phase") as said:
        easy.parse(easy.agents[0], answer)
    assert len(str(said.value)) < 300
