"""Rules of good order in the mask: they forbid what they say, count who tries, and leave every task solvable."""

from __future__ import annotations

import pytest

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.web.actions import FIRST_CANDIDATE
from remalis_envs.web.oracle import action_of
from remalis_envs.web.rules import RULES
from remalis_envs.web.tasks.model import Intent
from remalis_envs.web.tasks.moves import follow
from remalis_envs.web.web_v0 import WebEnv

LAST = "verifier"


def env_with(*rules: str, level: str = "medium", **options: object) -> WebEnv:
    return remalis_envs.web_v0(level, engine="model", domains=["hotel", "gym"], rules=rules, **options)  # type: ignore[arg-type]


def final_action(env: WebEnv) -> int:
    """The verifier's action that would end the task; -1 where it does not see one."""
    desk = env.episode.desks[env.possible_agents.index(LAST)]
    for number, one in enumerate(desk.window()):
        if one.offer.right == "confirm":
            return FIRST_CANDIDATE + number
    return -1


def until_the_review(env: WebEnv, seed: int) -> int:
    """Plays until the verifier sees the final control of a draft that lacks something; its action."""
    env.reset(seed=seed)
    while env.agents:
        actions = env.oracle()
        if env.episode.drawn.world.lacking():  # type: ignore[attr-defined]
            # From now on nobody fills in anything, and the verifier opens the review.
            actions = dict.fromkeys(env.agents, 0)
            if final_action(env) >= 0:
                return final_action(env)
            desk = env.episode.desks[env.possible_agents.index(LAST)]
            deed = follow(desk.reading, ("main/", "main/draft", "main/review"))
            actions[LAST] = action_of(desk, Intent(deed), env.episode.hosts, env.episode.home)
        env.step(actions)
    raise AssertionError("the episode ended before")


def test_nothing_is_made_final_while_the_draft_lacks_something():
    free, ruled = env_with(), env_with("complete_before_final")
    action = until_the_review(free, 1)
    assert until_the_review(ruled, 1) == action
    for env, legal in ((free, 1), (ruled, 0)):
        assert env.episode.masks[env.possible_agents.index(LAST), action] == legal
        env.step(dict.fromkeys(env.agents, 0) | {LAST: action})
        assert env.agents, "an incomplete draft is refused by the site as well"
        assert env.metrics()["prevented_actions"] == 1 - legal
    saved = ruled.snapshot()
    ruled.step(dict.fromkeys(ruled.agents, 0) | {LAST: action})
    assert ruled.metrics()["prevented_actions"] == 2
    ruled.restore(saved)
    assert ruled.metrics()["prevented_actions"] == 1


def test_nobody_throws_away_what_another_has_begun():
    env = env_with("keep_others_work")
    until_the_review(env, 1)
    world = env.episode.drawn.world
    (owner,) = world.db.execute("SELECT tab FROM draft WHERE state = 'open'").fetchone()
    editors = [desk for desk in env.episode.desks if "edit" in desk.rights]
    assert len(editors) > 1
    for _ in range(4):
        actions = dict.fromkeys(env.agents, 0)
        for desk in editors:
            deed = follow(desk.reading, ("main/", "main/draft", "main/review"))
            actions[desk.name] = action_of(desk, Intent(deed), env.episode.hosts, env.episode.home)
        env.step(actions)
    for desk in editors:
        places = [k for k, one in enumerate(desk.reading.items) if one.name == "Discard draft"]
        numbers = [n for n, one in enumerate(desk.window()) if one.place in places and one.offer.legal]
        assert len(numbers) == 1, desk.reading.url
        assert env.episode.masks[desk.number, FIRST_CANDIDATE + numbers[0]] == (desk.number == owner)


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_every_task_can_be_solved_under_all_rules(level):
    env = remalis_envs.web_v0(level, engine="model", rules=list(RULES))
    for seed in range(4):
        env.reset(seed=seed)
        while env.agents:
            env.step(env.oracle())
        assert env.metrics()["success"] == 1 and env.metrics()["prevented_actions"] == 0


def test_a_wrong_rule_is_a_sentence():
    with pytest.raises(UnknownNameError, match="Did you mean 'keep_others_work'"):
        env_with("keep_others_wrk")
    with pytest.raises(RemalisError, match="list of names"):
        remalis_envs.web_v0(engine="model", rules="keep_others_work")
