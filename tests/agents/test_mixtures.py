"""Several scenarios in one training: who plays what, padding, seeds, and a training on two sizes at once."""

from __future__ import annotations

import csv
import re

import gymnasium
import numpy as np
import pytest
from toys import Chain, Ring

from remalis_agents.configs import parse_experiment
from remalis_agents.configs.schema import ConfigError
from remalis_agents.evaluate import evaluate
from remalis_agents.mixtures import SCENARIO, Mixture, Place, place_of, scenario_names
from remalis_agents.registration import make_team_env
from remalis_agents.train import build_config, train
from remalis_envs.errors import RemalisError

SIZES = (3, 5, 4)
RINGS = {"scenarios": [{"agents": n} for n in SIZES], "horizon": 4}


def rings(context=None, **more):
    config = {**RINGS, **more}
    if context is None:
        return make_team_env("toys:Ring", config)
    for key, value in config.items():
        context[key] = value
    return make_team_env("toys:Ring", context)


class Context(dict):
    """What Ray gives an environment: in its new stack all of a runner's environments share one."""

    def __init__(self, worker_index, num_workers):
        super().__init__()
        self.worker_index, self.num_workers, self.vector_index = worker_index, num_workers, 0


def size_of(observation):
    return int(observation["alive"].sum())


def run(env, episodes, seed=0):
    """The first observation of each episode, each played to its end."""
    firsts = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        firsts.append(observation)
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(np.zeros(len(observation["alive"]), np.int64))
            over = terminated or truncated
    return firsts


def test_all_are_padded_to_the_largest_and_padded_rows_are_not_there():
    env = rings()
    for observation, size in zip(run(env, 3), SIZES, strict=True):
        assert env.observation_space.contains(observation)
        assert observation["obs"].shape == (5, 4)
        assert observation["alive"].tolist() == [1.0] * size + [0.0] * (5 - size)
        assert not observation["adjacency"][size:].any()
    assert rings(max_agents=8).observation_space["alive"].shape == (8,)


@pytest.mark.parametrize("options", [{"max_agents": 7}, {"scenarios": [{"agents": 2, "max_agents": 7}]}])
def test_a_size_that_is_given_holds(options):
    assert rings(**options).observation_space["alive"].shape == (7,)


@pytest.mark.parametrize(("runners", "each"), [(0, 3), (1, 3), (2, 2), (3, 1), (2, 3)])
def test_environments_share_out_the_scenarios(runners, each):
    contexts = [Context(runner, runners) for runner in (range(1, runners + 1) if runners else [0])]
    envs = [rings(context, environments_per_runner=each) for context in contexts for _ in range(each)]
    playing = [size_of(env.reset(seed=0)[0]) for env in envs]
    assert playing == [SIZES[number % 3] for number in range(len(envs))]
    again = [size_of(env.reset()[0]) for env in envs]
    assert again == playing, "as many environments as scenarios: each stays with its own"


def test_asynchronous_environments_know_their_numbers():
    context = Context(0, 0)
    envs = gymnasium.vector.AsyncVectorEnv([lambda: rings(context, environments_per_runner=3)] * 3)
    try:
        observation, _ = envs.reset(seed=0)
        assert tuple(observation["alive"].sum(axis=1)) == SIZES
    finally:
        envs.close()


@pytest.mark.parametrize("environments", [1, 2])
def test_fewer_environments_go_on_to_the_next_scenario_at_each_reset(environments):
    context = Context(0, 0)
    envs = [rings(context, environments_per_runner=environments) for _ in range(environments)]
    played = [[size_of(first) for first in run(env, 3)] for env in envs]
    assert played == [[SIZES[(k + environments * n) % 3] for n in range(3)] for k in range(environments)]
    assert {size for sizes in played for size in sizes} == set(SIZES)


def test_what_is_left_is_closed_and_only_one_is_open():
    opened, closed = [], []

    class Watched(Ring):
        def __init__(self, **options):
            opened.append(options["agents"])
            super().__init__(**options)

        def close(self):
            closed.append(len(self.possible_agents))

    def make(options):
        from remalis_envs.team import TeamEnv

        return TeamEnv(Watched(agents=options["agents"], horizon=2), 5)

    env = Mixture(make, [{"agents": n} for n in SIZES], Place(0, 1))
    assert opened == [3], "made when it is played"
    run(env, 4)
    assert (opened, closed) == ([3, 5, 4, 3], [3, 5, 4])


def test_the_same_seed_gives_the_same_episodes_in_every_scenario():
    def looks(seed):
        return [o["obs"].tobytes() for o in run(rings(horizon=2), 9, seed)]

    assert looks(1) == looks(1)
    assert looks(1) != looks(2)
    assert len(set(looks(1))) > 6, "a scenario that is played again is another episode"


def test_ones_own_options_come_before_the_common_ones():
    env = rings(scenarios=[{"agents": 2, "horizon": 1}, {"agents": 3}])
    for expected in (1, 4):
        env.reset(seed=0)
        steps, over = 0, False
        while not over:
            *_, truncated, _ = env.step(np.zeros(3, np.int64))
            steps, over = steps + 1, truncated
        assert steps == expected


def test_an_environment_alone_is_the_first():
    assert place_of({}, 4) == Place(0, 4)


@pytest.mark.parametrize(
    ("scenarios", "names"),
    [
        ([{"level": "easy"}, {"scenario": "resco/cologne3", "protocol": "resco"}], ["easy", "resco_cologne3"]),
        ([{"agents": 3}, {"agents": 5}], ["agents_3", "agents_5"]),
        (
            [{"level": "easy"}, {"level": "easy", "horizon_s": 60}, {"level": "hard", "horizon_s": 60}],
            ["level_easy", "level_easy_horizon_s_60", "hard"],
        ),
        ([{"level": "easy"}, {"level": "easy"}], ["level_easy_1", "level_easy_2"]),
        ([{"level": None, "scenario": "grid: 4x4, wide"}, {}], ["grid_4x4_wide", "scenario"]),
    ],
)
def test_every_scenario_has_a_name_that_loggers_take(scenarios, names):
    assert scenario_names(scenarios) == names


def test_the_end_of_an_episode_says_which_scenario_it_was():
    env, named = rings(), []
    for episode in range(4):
        observation, info = env.reset(seed=0 if episode == 0 else None)
        over = False
        while not over:
            assert SCENARIO not in info
            *_, over, info = env.step(np.zeros(len(observation["alive"]), np.int64))
        named.append(info[SCENARIO])
    assert named == ["agents_3", "agents_5", "agents_4", "agents_3"]


@pytest.mark.parametrize(
    ("scenarios", "says"),
    [
        ([], "scenarios must be a list such as"),
        ("easy", "scenarios must be a list such as"),
        (["easy"], "Each of scenarios is a mapping"),
    ],
)
def test_what_is_no_list_of_scenarios_is_a_sentence(scenarios, says):
    with pytest.raises(RemalisError, match=says) as caught:
        rings(scenarios=scenarios)
    assert "\n" not in str(caught.value)


def test_scenarios_of_other_agents_are_refused_in_a_sentence():
    with pytest.raises(RemalisError, match=re.escape("vectors of length 2 and 2 actions")):
        make_team_env("test_mixtures:ring_or_chain", {"scenarios": [{"kind": "ring"}, {"kind": "chain"}]})


def ring_or_chain(kind):
    return Ring() if kind == "ring" else Chain()


def test_an_option_that_no_scenario_has_is_a_config_error():
    with pytest.raises(ConfigError, match=r"does not fit toys:Ring"):
        build_config(experiment("environment.env_config.scenarios=[{agentz: 3}]"))


BASE = {
    "env": "toys:Ring",
    "stop": {"training_iteration": 4},
    "config": {
        "environment": {"env_config": {"scenarios": [{"agents": 3}, {"agents": 6}], "horizon": 5}},
        "env_runners": {"num_env_runners": 0, "num_envs_per_env_runner": 2},
        "training": {"lr": 3e-3, "gamma": 0.5, "train_batch_size_per_learner": 1000, "minibatch_size": 250},
    },
}


def experiment(*changes):
    return parse_experiment({"rings": BASE}, changes)[1]


def test_the_trainer_tells_runners_the_size_and_their_number():
    config = build_config(experiment())
    assert config.env_config["max_agents"] == 6
    assert config.env_config["environments_per_runner"] == 2
    assert config.observation_space["alive"].shape == (6,)


@pytest.mark.ray
@pytest.mark.parametrize("runners", [0, 2])
def test_a_team_trains_on_two_sizes_at_once(ray_session, tmp_path, runners):
    result = train("rings", experiment(f"env_runners.num_env_runners={runners}"), storage=tmp_path, callbacks=[])
    played = evaluate(result.checkpoint, episodes=6)
    assert played.env_config["scenarios"] == [{"agents": 3}, {"agents": 6}], "both, in turn"
    assert played.interval("right_share")[0] > 0.95, "chance is 1/3"
    assert evaluate(result.checkpoint, env="toys:Ring", env_config={"scenarios": [{"agents": 9}]}, episodes=2)


@pytest.mark.ray
def test_each_scenario_has_its_figures_under_its_own_name(ray_session, tmp_path):
    """Two lengths of an episode: returns of 2 and of 8 steps, which a common mean would hide."""
    scenarios = "environment.env_config.scenarios=[{horizon: 2, agents: 3}, {horizon: 8, agents: 3}]"
    result = train("rings", experiment(scenarios), storage=tmp_path, callbacks=[])
    found = result.metrics["env_runners"]["scenarios"]
    assert set(found) == {"horizon_2_agents_3", "horizon_8_agents_3"}
    for name, steps in (("horizon_2_agents_3", 2), ("horizon_8_agents_3", 8)):
        # Paid 1 for each right answer, so the return is their share of all steps; both are of the same episodes.
        assert found[name]["episode_return_mean"] == pytest.approx(steps * found[name]["right_share"])
    rows = list(csv.DictReader((result.trial_dir / "progress.csv").open()))
    assert float(rows[-1]["env_runners/scenarios/horizon_8_agents_3/right_share"]) > 0.9
    assert result.metrics["env_runners"]["metrics"]["right_share"] > 0.9, "the mean over all is there, too"


def test_traffic_of_two_maps_stacks():
    worlds = [{"level": "easy"}, {"scenario": "resco/cologne3", "protocol": "resco"}]
    config = {"scenarios": worlds, "horizon_s": 30, "reward": "delay"}
    envs = gymnasium.vector.SyncVectorEnv(
        [
            lambda number=number: make_team_env("remalis/TrafficTeam-v0", as_context(config, number))
            for number in range(2)
        ]
    )
    try:
        observation, _ = envs.reset(seed=0)
        assert observation["alive"].sum(axis=1).tolist() == [9.0, 3.0]
        for _ in range(2):
            actions = observation["action_mask"].argmax(axis=2)
            observation, rewards, terminated, truncated, info = envs.step(actions)
            assert np.isfinite(rewards).all() and not terminated.any() and not truncated.any()
        assert info["online"].sum(axis=1).tolist() == [9.0, 3.0]
    finally:
        envs.close()


def as_context(config, number):
    context = Context(0, 0)
    context.update(config, environments_per_runner=2)
    context.vector_index = number
    return context
