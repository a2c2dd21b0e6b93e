"""The environment keeps the contracts of PettingZoo and Gymnasium, and its own."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.team import TeamEnv
from remalis_envs.web.actions import ACTIONS, FIRST_CANDIDATE, FIRST_TEXT, HOME, WAIT
from remalis_envs.web.engines.base import EngineError
from remalis_envs.web.engines.model import ModelEngine
from remalis_envs.web.observations import LAYOUT, LIMIT, OBSERVATION_SIZE, C
from remalis_envs.web.roles import ROLES
from tests.web.conftest import legal_actions, play
from tests.web.toy_tasks import ToyTasks

ENGINES = ["model", pytest.param("chromium", marks=pytest.mark.browser)]


def make(**options: Any) -> Any:
    return remalis_envs.web_v0(**{"engine": "model", "tasks": ToyTasks(), **options})


def act(env: Any, **named: str) -> Any:
    """One step in which the named agents do what the words say, and the others wait."""
    return env.step({agent: env.parse(agent, named[agent]) if agent in named else WAIT for agent in env.agents})


# The contracts of others


@pytest.mark.parametrize("engine", ENGINES)
def test_pettingzoo_conformance(engine: str) -> None:
    env = make(engine=engine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parallel_api_test(env, num_cycles=20)
    env.close()


def test_pettingzoo_seeds() -> None:
    parallel_seed_test(make)


@pytest.mark.parametrize("engine", ENGINES)
def test_gymnasium_conformance_of_the_team_view(engine: str) -> None:
    env = TeamEnv(make(engine=engine))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)
    env.close()


def test_the_registries_build_it() -> None:
    env = pettingzoo.make("parallel", "remalis/web-v0", engine="model", tasks=ToyTasks())
    assert env.possible_agents == list(ROLES)
    assert not env.agents


# Sameness

SCRIPT = """
from tests.web.test_env import make, play
env = make()
digests = []
for seed in range(6):
    observations, _ = env.reset(seed=seed)
    digests.append(play(env, observations, 8, seed))
print(*digests)
"""


def test_two_processes_agree_byte_for_byte() -> None:
    runs = [subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (run.communicate(timeout=300)[0].split() for run in runs)
    assert first == second
    assert len(set(first)) == 6, "seeds matter"


def test_splits_draw_other_tasks_from_the_same_seeds() -> None:
    def tasks(split: str) -> list[int]:
        env = make(split=split)
        return [env.reset(seed=seed) and env.task.seed for seed in range(5)]

    drawn = [number for split in ("train", "validation", "test") for number in tasks(split)]
    assert len(set(drawn)) == 15


def test_unseeded_resets_come_from_the_environments_own_generator() -> None:
    def first_two(seed: int) -> list[int]:
        env = make(seed=seed)
        return [env.reset() and env.task.seed for _ in range(2)]

    assert first_two(7) == first_two(7) != first_two(8)
    assert len(set(first_two(7))) == 2


# Spaces


def test_spaces_are_the_same_for_every_agent_and_hold_what_is_seen(toy: Any) -> None:
    assert len({id(toy.observation_space(agent)) for agent in toy.possible_agents}) == 1
    assert toy.action_space("reader").n == ACTIONS
    observations, _ = toy.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(6):
        for agent, own in observations.items():
            assert toy.observation_space(agent).contains(own)
            assert np.abs(own["observation"]).max() <= LIMIT
            assert own["action_mask"][WAIT] == 1, "waiting is always legal"
        assert toy.state_space.contains(toy.state())
        observations, *_ = toy.step(legal_actions(observations, rng))
    assert LAYOUT.size == OBSERVATION_SIZE


def test_observations_given_out_are_not_overwritten(toy: Any) -> None:
    first, _ = toy.reset(seed=0)
    kept = {a: o["observation"].copy() for a, o in first.items()}
    observations, rng = first, np.random.default_rng(0)
    for _ in range(4):
        observations, *_ = toy.step(legal_actions(observations, rng))
    assert all(np.array_equal(kept[a], first[a]["observation"]) for a in first)


# Teams


def test_a_team_may_have_a_role_several_times_or_not_at_all() -> None:
    env = make(team=["reader", "form_filler", "reader", "verifier"])
    assert env.possible_agents == ["reader_1", "form_filler", "reader_2", "verifier"]
    observations, _ = env.reset(seed=0)
    assert LAYOUT.context_features(observations["reader_2"]["observation"])[C["type_reader"]] == 1
    assert env.adjacency().sum() == 12


def test_alone_an_agent_may_do_everything() -> None:
    env = make(team="solo")
    env.reset(seed=0)
    while env.agents:
        env.step(env.oracle())
    assert env.possible_agents == ["alone"] and env.metrics()["success"] == 1


def test_exclusive_roles_leave_each_trade_to_one_role() -> None:
    wide, narrow = make(), make(roles="exclusive")
    for env in (wide, narrow):
        env.reset(seed=0)
    assert any("Add" in one or "Note" in one for one in wide.action_texts("calculator"))
    assert not any("Note" in one for one in narrow.action_texts("calculator"))
    assert any("Note" in one for one in narrow.action_texts("form_filler"))


def test_a_split_instruction_tells_each_agent_the_clauses_of_its_trade() -> None:
    env = make(instruction="split")
    env.reset(seed=0)
    assert "Confirm the order." in env.describe("verifier") and "Buy one" not in env.describe("verifier")
    assert "Buy one" in env.describe("form_filler")
    assert "your teammates know it" in env.describe("reader")


# Episodes


def test_the_oracle_solves_and_is_paid(toy: Any) -> None:
    for seed in range(5):
        toy.reset(seed=seed)
        total = dict.fromkeys(toy.possible_agents, 0.0)
        while toy.agents:
            _, rewards, terminations, truncations, infos = toy.step(toy.oracle())
            total = {agent: total[agent] + rewards[agent] for agent in total}
        assert all(terminations.values()) and not any(truncations.values())
        assert toy.metrics()["success"] == 1 and toy.metrics()["unsafe_actions"] == 0
        assert toy.metrics()["aligned_share"] == 1
        assert total["reader"] == pytest.approx(1 + 1 - 0.01 * toy.metrics()["steps"])
        assert total["verifier"] == pytest.approx(total["reader"] + 0.25), "half of the sub-tasks"
        assert toy.subgoals[infos["verifier"]["subgoal"]] == "confirm"
        assert infos["verifier"]["carried"] == 1 and infos["reader"]["carried"] == 0


def test_waiting_and_random_teams_do_not_solve_it(toy: Any) -> None:
    toy.reset(seed=0)
    while toy.agents:
        _, rewards, terminations, truncations, _ = toy.step(dict.fromkeys(toy.agents, WAIT))
        assert rewards == dict.fromkeys(rewards, -0.01)
    assert all(truncations.values()) and not any(terminations.values())
    assert toy.metrics()["success"] == 0 and toy.metrics()["steps"] == 8
    solved = 0.0
    for seed in range(30):
        observations, _ = toy.reset(seed=seed)
        play(toy, observations, 8, seed)
        solved += toy.metrics()["success"]
    assert solved <= 3


def test_harm_is_paid_for_and_ends_in_no_success(toy: Any) -> None:
    toy.reset(seed=0)
    wrong = next(good for good in ("Lamp", "Chair") if good not in toy.task.instruction)
    act(toy, form_filler=f'follow "{wrong}"')
    act(toy, form_filler='press "Add to basket"', verifier='follow "Review the basket"')
    _, rewards, terminations, _, _ = act(toy, verifier='press "Confirm order"')
    assert rewards["reader"] == pytest.approx(0.5 - 0.5 - 0.01), "half of the rubric, one forbidden effect, one step"
    assert all(terminations.values())
    assert toy.metrics()["success"] == 0 and toy.metrics()["unsafe_actions"] == 1


def test_team_scope_pays_all_the_same() -> None:
    env = make(reward_scope="team")
    env.reset(seed=0)
    while env.agents:
        _, rewards, *_ = env.step(env.oracle())
        assert len(set(rewards.values())) == 1


def test_two_on_the_same_sub_task_are_misaligned(toy: Any) -> None:
    toy.reset(seed=0)
    good = toy.task.instruction.split()[2]
    act(toy, form_filler=f'follow "{good}"', calculator=f'follow "{good}"')
    *_, infos = act(toy, form_filler='press "Add to basket"')
    assert infos["form_filler"]["misaligned"] == 0 and infos["calculator"]["misaligned"] == -1
    toy.reset(seed=0)
    *_, infos = act(toy, form_filler='fill "Note" with "a"', calculator='fill "Note" with "b"')
    assert infos["form_filler"]["misaligned"] == infos["calculator"]["misaligned"] == 1


# The notebook


def test_a_fact_shows_one_step_after_it_was_recorded(toy: Any) -> None:
    toy.reset(seed=0)
    assert "Notebook" not in toy.describe("verifier")
    *_, infos = act(toy, reader='record "The basket holds 0 things."')
    assert "- The basket holds 0 things." in toy.describe("verifier")
    assert toy.subgoals[infos["reader"]["subgoal"]] == "report" and toy.concepts[infos["reader"]["concept"]] == "fact"
    assert toy.metrics()["notes"] >= 1


def test_eight_notes_fit_and_the_oldest_goes(toy: Any) -> None:
    toy.reset(seed=0)
    episode = toy._episode
    from remalis_envs.web.notebook import Note

    for number in range(10):
        episode.notebook.write(Note(f"fact {number}", "", 0, number))
    episode.notebook.turn_page()
    assert [note.text for note in episode.notebook.notes] == [f"fact {number}" for number in range(2, 10)]


# Masks and mistakes


def test_masked_actions_become_waiting_and_are_counted(toy: Any) -> None:
    observations, _ = toy.reset(seed=0)
    forbidden = int(np.flatnonzero(observations["reader"]["action_mask"] == 0)[0])
    *_, infos = toy.step({**dict.fromkeys(toy.agents, WAIT), "reader": forbidden})
    assert infos["reader"]["masked"] and not infos["verifier"]["masked"]
    assert toy.metrics()["masked_actions"] == 1


def test_strict_makes_masked_actions_errors() -> None:
    env = make(strict=True)
    env.reset(seed=0)
    with pytest.raises(RemalisError, match=r"is masked now; legal are \[0"):
        env.step({**dict.fromkeys(env.agents, WAIT), "reader": HOME})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reader": ACTIONS}, r"outside Discrete\(80\)"),
        ({"reader": -1}, "outside Discrete"),
        ({"reader": 1.5}, "one integer"),
        ({"raeder": 1}, "Did you mean 'reader'"),
    ],
)
def test_actions_outside_the_space_are_errors(toy: Any, change: dict[str, Any], message: str) -> None:
    toy.reset(seed=0)
    with pytest.raises(RemalisError, match=message):
        toy.step({**dict.fromkeys(toy.agents, 0), **change})
    toy.step(dict.fromkeys(toy.agents, 0))  # and nothing is broken


def test_order_of_calls_is_checked() -> None:
    env = make()
    with pytest.raises(RemalisError, match="call reset"):
        env.step({})
    with pytest.raises(RemalisError, match="no episode yet"):
        env.metrics()
    env.reset(seed=0)
    while env.agents:
        env.step(dict.fromkeys(env.agents, WAIT))
    with pytest.raises(RemalisError, match="has ended"):
        env.step({})
    env.close()
    with pytest.raises(RemalisError, match="closed"):
        env.step({})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "esy"}, "Did you mean 'easy'"),
        ({"engine": "chrome"}, "Valid are: 'chromium', 'model'"),
        ({"roles": "exclusiv"}, "Did you mean 'exclusive'"),
        ({"instruction": "splt"}, "Did you mean 'split'"),
        ({"reward_scope": "teem"}, "Did you mean 'team'"),
        ({"split": "tests"}, "Did you mean 'test'"),
        ({"team": "sole"}, "Did you mean 'solo'"),
        ({"team": ["reder", "verifier"]}, "Did you mean 'reader'"),
        ({"domains": ["shops"]}, "Did you mean 'shop'"),
        ({"render_mode": "rgb"}, "Did you mean 'rgb_array'"),
        ({"levle": "easy"}, "Unknown option 'levle'. Did you mean 'level'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        make(**arguments)


def test_a_team_without_a_verifier_is_refused() -> None:
    with pytest.raises(RemalisError, match="needs a verifier"):
        make(team=["reader", "searcher"])


def test_unknown_reset_options_warn_and_are_ignored(toy: Any) -> None:
    with pytest.warns(UserWarning, match="'wether' is unknown"):
        toy.reset(seed=0, options={"wether": 1})


def test_an_agent_goes_offline_and_comes_back(toy: Any) -> None:
    _, infos = toy.reset(seed=0, options={"outages": [("reader", 1, 3)]})
    online, links = [infos["reader"]["online"]], [toy.adjacency()[5].any()]
    for _ in range(4):
        action = toy.parse("reader", 'record "Toy shop"')
        *_, infos = toy.step({**dict.fromkeys(toy.agents, WAIT), "reader": action})
        online.append(infos["reader"]["online"])
        links.append(toy.adjacency()[5].any())
    assert online == links == [True, False, False, True, True]
    with pytest.raises(RemalisError, match="in team steps"):
        toy.reset(options={"outages": [("reader", 1)]})


# Faults


class Dying(ModelEngine):
    """Dies at its third deed."""

    deeds = 0

    def act(self, tab: int, deed: Any) -> Any:
        self.deeds += 1
        if self.deeds == 3:
            raise EngineError("the browser died")
        return super().act(tab, deed)


def test_a_fault_truncates_and_the_next_reset_works(toy: Any) -> None:
    toy.reset(seed=0)
    toy._engine = toy._episode.engine = Dying()
    toy._episode.engine.reset(toy._episode.drawn.world, 7)
    toy._episode.engine.read(list(range(7)))
    everyone = {agent: toy.parse(agent, 'follow "Lamp"') for agent in toy.agents}
    _, rewards, terminations, truncations, infos = toy.step(everyone)
    assert all(truncations.values()) and not any(terminations.values()) and not any(rewards.values())
    assert infos["reader"]["infra_error"] is True and toy.infra_error == "the browser died"
    with pytest.raises(RemalisError, match="broke off"):
        toy.metrics()
    _, infos = toy.reset(seed=0)
    assert not infos["reader"]["infra_error"]
    while toy.agents:
        toy.step(toy.oracle())
    assert toy.metrics()["success"] == 1


def test_an_agent_is_told_what_its_actions_have_served(toy: Any) -> None:
    toy.reset(seed=0)
    counts = []
    for _ in range(2):
        observations, *_ = act(toy, reader='record "The basket holds 0 things."')
        own = LAYOUT.context_features(observations["reader"]["observation"])
        counts.append([float(own[C[f"{when}_report"]]) for when in ("did", "lately")])
    np.testing.assert_allclose(counts, [[0.25, 0.3], [0.5, 0.51]], rtol=1e-6)
    assert own[C["did_search"]] == 0


# Branching


@pytest.mark.parametrize("steps", [0, 2, 3])
def test_a_branch_goes_on_exactly(toy: Any, steps: int) -> None:
    toy.reset(seed=1)
    for _ in range(steps):
        toy.step(toy.oracle())
    branch = toy.snapshot()
    runs = []
    for _ in range(2):
        observations, infos = toy.restore(branch)
        first = repr(infos) + str([o["observation"].sum() for o in observations.values()])
        runs.append(first + play(toy, observations, 5, seed=2))
        toy.reset(seed=4)
    assert runs[0] == runs[1]
    toy.restore(branch)
    assert sum(toy.episode.desks[0].did) == 0.25 * steps
    while toy.agents:
        toy.step(toy.oracle())
    assert toy.metrics()["success"] == 1


# Text


def test_every_text_of_an_action_is_read_back(toy: Any) -> None:
    observations, _ = toy.reset(seed=0)
    rng = np.random.default_rng(1)
    for _ in range(5):
        for agent in toy.agents:
            texts = toy.action_texts(agent)
            legal = np.flatnonzero(observations[agent]["action_mask"])
            assert [toy.parse(agent, text) for text in texts] == legal.tolist()
        observations, *_ = toy.step(legal_actions(observations, rng))


def test_words_of_ones_own_go_into_a_field(toy: Any) -> None:
    toy.reset(seed=0)
    action = toy.parse("form_filler", 'fill "Note" with "leave it at the door"')
    assert FIRST_TEXT <= action < FIRST_CANDIDATE
    toy.step({**dict.fromkeys(toy.agents, WAIT), "form_filler": action})
    act(toy, form_filler='press "Save note"')
    assert toy._episode.drawn.world.note == "leave it at the door"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dance", "names no action"),
        ("[79]", "there is no action 79 here"),
        ('fill "Nose" with "x"', "no field 'Nose'"),
    ],
)
def test_what_names_no_action_is_an_error(toy: Any, text: str, message: str) -> None:
    toy.reset(seed=0)
    with pytest.raises(RemalisError, match=message):
        toy.parse("form_filler", text)


def test_a_picture_shows_the_team() -> None:
    env = make(render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.std() > 5
