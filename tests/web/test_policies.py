"""What stands beside every figure, on the suite's own tasks."""

from __future__ import annotations

from typing import Any

import pytest

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.web.policies import make_policy
from tests.web.toy_tasks import ToyTasks


def success(level: str, policy: str, episodes: int, **options: Any) -> float:
    env = remalis_envs.web_v0(level, engine="model", **options)
    team, solved = make_policy(policy), 0.0
    for seed in range(episodes):
        observations, _ = env.reset(seed=seed)
        team.reset(env, seed)
        while env.agents:
            observations, *_ = env.step(team.act(observations))
        solved += env.metrics()["success"]
        if policy == "oracle":
            assert env.metrics()["free_texts"] == 0, "what the oracle fills in, anybody is offered"
    return solved / episodes


@pytest.mark.parametrize(("level", "episodes"), [("easy", 20), ("medium", 8), ("hard", 4)])
def test_the_oracle_solves_every_task_with_what_is_offered(level: str, episodes: int) -> None:
    assert success(level, "oracle", episodes) == 1


@pytest.mark.parametrize("roles", ["overlapping", "exclusive"])
def test_so_it_does_alone_and_with_exclusive_roles(roles: str) -> None:
    assert success("medium", "oracle", 4, roles=roles) == 1
    assert success("medium", "oracle", 4, team="solo") == 1


def test_random_and_overlap_are_floors() -> None:
    assert success("easy", "random", 20) <= 0.2
    assert 0.2 <= success("easy", "overlap", 20) <= 0.8
    assert success("medium", "overlap", 4) <= 0.25


def test_an_unknown_policy_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'oracle'"):
        make_policy("orcale")


@pytest.mark.browser
def test_the_oracle_solves_tasks_in_chromium_as_it_does_without() -> None:
    """The same observations, rewards and end, from pages that were rendered and from pages that were not."""
    plays = []
    for engine in ("model", "chromium"):
        env = remalis_envs.web_v0("medium", engine=engine)
        observations, _ = env.reset(seed=3)
        seen = []
        while env.agents:
            seen.append(
                {agent: (env.describe(agent), own["observation"].tobytes()) for agent, own in observations.items()}
            )
            observations, rewards, *_ = env.step(env.oracle())
            seen[-1]["rewards"] = tuple(rewards.values())
        assert env.metrics()["success"] == 1
        plays.append(seen)
        env.close()
    assert len(plays[0]) == len(plays[1])
    for step, (without, rendered) in enumerate(zip(*plays, strict=True)):
        for name in without:
            assert without[name] == rendered[name], f"step {step}, {name}"


def test_a_crew_that_talks_is_the_better_one() -> None:
    """Told who is on what, the same agents solve every task; silent ones put the same thing into the basket twice."""
    env = remalis_envs.web_v0("hard", engine="model", domains=["bakery", "shop", "hotel"])
    figures = {}
    for name in ("crew", "silent_crew"):
        team, found = make_policy(name), []
        for seed in range(6):
            observations, _ = env.reset(seed=seed)
            team.reset(env, seed)
            while env.agents:
                observations, *_ = env.step(team.act(observations))
            found.append(env.metrics())
        figures[name] = found
    assert all(one["success"] for one in figures["crew"])
    told, silent = (sum(one["steps"] for one in figures[name]) for name in ("crew", "silent_crew"))
    assert told < silent


def test_a_crew_with_exclusive_trades_solves_what_it_is_given() -> None:
    assert success("medium", "silent_crew", 6, roles="exclusive") == 1
    assert success("medium", "crew", 6, roles="exclusive") == 1


def test_an_apprentice_tries_the_rows_that_only_a_rule_tells_apart_and_solves_what_the_oracle_does() -> None:
    """Refused, it goes on to the next row, and never touches one that it was refused for again."""
    env = remalis_envs.web_v0("medium", engine="model", team="solo")
    refused = {"oracle": 0, "apprentice": 0}
    for name in refused:
        team = make_policy(name)
        for seed in range(20):
            observations, _ = env.reset(seed=seed)
            team.reset(env, seed)
            pressed = []
            while env.agents:
                observations, *_ = env.step(team.act(observations))
                if env.episode.desks[0].reading.title.startswith("This could not be done"):
                    pressed.append(env.readings()[env.possible_agents[0]].url)
            refused[name] += len(set(pressed))
            assert len(pressed) == len(set(pressed)), "nothing twice"
            assert env.metrics()["success"] == 1, (name, seed)
    assert refused["oracle"] == 0 < refused["apprentice"]


def test_an_apprentice_goes_by_the_row_to_what_it_refers_to_and_back() -> None:
    env, read = remalis_envs.web_v0("medium", engine="model", team="solo"), 0
    for seed in range(40):
        observations, _ = env.reset(seed=seed)
        steps = [one for one in env.episode.drawn.oracle.steps if one.subtask.name.count(".") == 2]
        ways = {one.way[-1].removesuffix("/more") for one in steps if one.way[-1].startswith("main/item/")}
        if not ways:
            continue
        team = make_policy("apprentice")
        team.reset(env, seed)
        (agent,) = env.agents
        urls = [env.readings()[agent].url]
        while env.agents:
            observations, *_ = env.step(team.act(observations))
            urls.append(env.readings()[agent].url)
        trail = [url for url, before in zip(urls, ["", *urls], strict=False) if url != before]
        assert env.metrics()["success"] == 1, seed
        for way in ways & set(trail):
            place = trail.index(way)
            row = trail[place - 1].removesuffix("/more")
            assert row.rpartition("/")[2].isdigit() and not row.startswith("main/list"), (seed, trail)
            assert row in trail[place + 1 :], "and back, to begin there"
            read += 1
    assert read >= 3


def test_pages_of_others_have_no_apprentice() -> None:
    env = remalis_envs.web_v0(engine="model", tasks=ToyTasks())
    env.reset(seed=0)
    with pytest.raises(RemalisError, match="suite's own tasks only"):
        make_policy("apprentice").reset(env, 0)
