"""Pages of MiniWoB++ in the sandboxed browser: instruction, deeds, reward, end, the contract, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pettingzoo.test import parallel_api_test

import remalis_envs
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.web.engines.base import Deed
from remalis_envs.web.env import WebEnv
from remalis_envs.web.others import wheel
from remalis_envs.web.policies import make_policy

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def pages() -> dict[str, bytes]:
    try:
        return wheel.pages()
    except RemalisError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def env() -> Iterator[WebEnv]:
    env = remalis_envs.web_v0(tasks="miniwob")
    try:
        yield env
    finally:
        env.close()


def begin(env: WebEnv, name: str, seed: int) -> str:
    env.choice.domains = (f"miniwob/{name}",)
    env.reset(seed=seed)
    return env.task.instruction


def play(env: WebEnv, said: str) -> dict[str, bool]:
    (agent,) = env.possible_agents
    return env.step({agent: env.parse(agent, said)})[2]


def test_click_test_is_won_by_a_click(env: WebEnv) -> None:
    assert begin(env, "click-test", 3) == "Click the button."
    assert env.possible_agents == ["alone"]
    assert env.metrics()["page_reward"] == 0.0
    assert play(env, 'press "Click Me!"') == {"alone": True}
    assert env.metrics()["success"] == 1.0
    assert env.metrics()["page_reward"] == 1.0


def test_the_wrong_button_ends_the_episode_without_success(env: WebEnv) -> None:
    begin(env, "click-test-2", 1)
    assert play(env, 'press "TWO"') == {"alone": True}
    assert env.metrics()["success"] == 0.0
    assert env.metrics()["page_reward"] == -1.0


def test_a_word_that_hears_clicks_can_be_pressed(env: WebEnv) -> None:
    wanted = begin(env, "click-link", 4).split('"')[1]
    assert play(env, f'press "{wanted}"') == {"alone": True}
    assert env.metrics()["success"] == 1.0


def test_fields_are_filled_from_the_instruction(env: WebEnv) -> None:
    wanted = begin(env, "enter-text", 2).split('"')[1]
    (agent,) = env.possible_agents
    fill = next(said for said in env.action_texts(agent) if "fill" in said and wanted in said)
    assert play(env, fill.partition("] ")[2] or fill) == {"alone": False}
    assert play(env, 'press "Submit"') == {"alone": True}
    assert env.metrics()["success"] == 1.0


def test_the_same_seed_gives_the_same_page_and_another_one_another(env: WebEnv) -> None:
    seen = []
    for seed in (7, 8, 7):
        told = begin(env, "click-button", seed)
        seen.append((told, env.readings()["alone"].items))
    assert seen[0] == seen[2]
    assert seen[0] != seen[1]


def test_ten_steps_truncate(env: WebEnv) -> None:
    begin(env, "click-test", 0)
    ends = [env.step({"alone": 0})[3]["alone"] for _ in range(10)]
    assert ends == [False] * 9 + [True]
    assert env.metrics()["success"] == 0.0


def test_the_overlap_rule_wins_what_one_click_on_the_told_word_wins(env: WebEnv) -> None:
    policy = make_policy("overlap")
    won = 0.0
    for seed in range(3):
        begin(env, "click-button", seed)
        policy.reset(env, seed)
        observations = env._observations()
        while env.agents:
            observations = env.step(policy.act(observations))[0]
        won += env.metrics()["success"]
    assert won >= 2


def test_it_keeps_the_contract(env: WebEnv) -> None:
    env.choice.domains = ("miniwob/click-checkboxes",)
    parallel_api_test(env, num_cycles=12)


def test_what_cannot_be_is_said_in_a_sentence(env: WebEnv) -> None:
    with pytest.raises(UnknownNameError, match="click-test"):
        remalis_envs.web_v0(tasks="miniwob/click-tset")
    with pytest.raises(RemalisError, match="one agent only"):
        remalis_envs.web_v0(tasks="miniwob/click-test", team="full")
    with pytest.raises(RemalisError, match="engine='chromium'"):
        remalis_envs.web_v0(tasks="miniwob/click-test", engine="model")
    begin(env, "click-test", 0)
    with pytest.raises(RemalisError, match="cannot be branched"):
        env.snapshot()
    with pytest.raises(RemalisError, match="without an oracle"):
        env.oracle()


@pytest.mark.parametrize(
    ("typed", "held"), [("2:42", "02:42"), ("14:05", "14:05"), ("00:30", "00:30"), ("12:00", "12:00")]
)
def test_a_time_is_typed_as_hour_minute_and_half_of_the_day(env: WebEnv, typed: str, held: str) -> None:
    begin(env, "enter-time", 2)
    for said in ("11:59", typed):  # what is typed takes the place of what was there
        place = next(k for k, item in enumerate(env.readings()["alone"].items) if item.kind == "time")
        assert env.episode.engine.act(0, Deed("fill", place, said)).status == "done"
        items = env.episode.engine.read([0])[0].items
    assert items[place].value == held
    assert env.episode.engine.act(0, Deed("fill", place, "27:00")).status == "refused"


def test_a_field_of_time_is_filled_from_the_instruction(env: WebEnv) -> None:
    assert "2:42 AM" in begin(env, "enter-time", 2)
    fill = next(said for said in env.action_texts("alone") if "fill" in said and "2:42" in said)
    play(env, fill.partition("] ")[2] or fill)
    play(env, 'press "Submit"')
    assert env.metrics()["success"] == 1.0


def test_icons_and_colours_of_an_instruction_are_told_in_words(env: WebEnv) -> None:
    told = begin(env, "click-menu-2", 8)
    assert told == 'Click the "Menu" button, and then find and click on the item with the "ui-icon-zoomin" icon.'
    assert begin(env, "click-menu-2", 26).endswith('on the item labeled "Next".')
    assert re.search(r" #[0-9a-f]{6} ", begin(env, "use-colorwheel-2", 1))


def test_a_list_of_suggestions_is_there_when_the_page_is_read(env: WebEnv) -> None:
    begin(env, "use-autocomplete", 28)  # its list opens 300 ms after something is typed
    play(env, 'fill "Tags:" with "Cyp"')
    assert 'press "Cyprus"' in " ".join(env.action_texts("alone"))
