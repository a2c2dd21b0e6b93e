"""What is said of actions: of each legal action something, of different ones different things."""

from __future__ import annotations

import numpy as np
import pytest

import remalis_envs
from remalis_agents.web_film.words import answer, deed, place_of
from remalis_envs.web.actions import FIRST_BOOKMARK, FIRST_CANDIDATE, FIRST_TEXT
from remalis_envs.web.pages.items import Item, Reading


def test_every_legal_action_is_said_and_names_what_it_is_about():
    env = remalis_envs.web_v0("medium", engine="model", domains=["shop"])
    observations, _ = env.reset(seed=2)
    episode = env.episode
    for agent, desk in zip(env.agents, episode.desks, strict=True):
        for action in np.flatnonzero(observations[agent]["action_mask"]):
            said, place = deed(desk, int(action), episode.hosts), place_of(desk, int(action))
            assert said and (place >= 0) == (action >= FIRST_CANDIDATE)
            if place >= 0 and len(desk.reading.items[place].name) < 50:
                assert desk.reading.items[place].name in said
    there = FIRST_BOOKMARK + len(episode.hosts) - 1
    fixed = [deed(episode.desks[0], action, episode.hosts) for action in range(there)]
    assert len(set(fixed)) == there and all("not there" not in said for said in fixed)
    assert there == FIRST_TEXT or "not there" in deed(episode.desks[0], there, episode.hosts)
    env.close()


def test_words_of_ones_own_are_said_where_they_go():
    env = remalis_envs.web_v0("easy", engine="model", domains=["library"], team="solo")
    for seed in range(40):
        env.reset(seed=seed)
        fields = [item for item in env.readings()["alone"].items if item.kind == "text" and not item.disabled]
        if fields:
            break
    action = env.parse("alone", f'fill "{fields[0].name}" with "something else"')
    said = deed(env.episode.desks[0], action, env.episode.hosts)
    assert said == f"types “something else” into “{fields[0].name}”"
    assert env.readings()["alone"].items[place_of(env.episode.desks[0], action)].name == fields[0].name
    env.close()


@pytest.mark.parametrize(
    ("after", "outcome", "requested", "said"),
    [
        (Reading("main/b", "Second - Shop", ()), "done", (), "sees “Second”"),
        (Reading("main/a", "First - Shop", ()), "done", (), ""),
        (Reading("main/a", "First - Shop", ()), "done", ("GET main/a",), "sees “First”"),
        (Reading("main/a", "First - Shop", (Item("alert", "No."),)), "done", (), "“No.”"),
        (Reading("main/a", "First - Shop", (Item("status", "Old."),)), "done", (), ""),
        (Reading("main/a", "First - Shop", (), True), "done", (), "a dialog opens"),
        (Reading("main/a", "First - Shop", ()), "refused", (), "the page does not let it"),
    ],
)
def test_an_answer_is_what_is_new(after, outcome, requested, said):
    before = Reading("main/a", "First - Shop", (Item("status", "Old."),))
    assert answer(before, after, outcome, requested) == said
