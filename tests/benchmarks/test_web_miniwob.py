"""The MiniWoB++ protocol: its seeds, and a run that is cut off and goes on."""

from __future__ import annotations

import json

import pytest
import web_miniwob

from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.web.others import wheel


@pytest.fixture(scope="module", autouse=True)
def pages():
    try:
        return wheel.pages()
    except RemalisError as error:
        pytest.skip(str(error))


def test_the_first_five_seeds_are_those_of_the_published_protocol():
    names = [f"task{k}" for k in range(125)]
    seeds = web_miniwob.protocol_seeds(names, 5)
    assert seeds["task0"] == [28, 14, 7, 20, 18]
    # As field notes on that protocol count them: 625 episodes, of which some are the same.
    assert len({(name, seed) for name, own in seeds.items() for seed in own}) == 590
    assert {name: own[:5] for name, own in web_miniwob.protocol_seeds(names, 7).items()} == seeds


@pytest.mark.browser
def test_a_run_goes_on_where_it_stopped(tmp_path, capsys):
    out = tmp_path / "found.json"
    assert web_miniwob.main(["--tasks", "click-test", "--seeds", "1", "--out", str(out)]) == 0
    first = json.loads(out.read_text())
    assert first["rates"]["overlap"]["success_percent"]["mean"] == 100.0
    assert web_miniwob.main(["--tasks", "click-test", "--seeds", "2", "--out", str(out)]) == 0
    second = json.loads(out.read_text())
    for policy, tasks in first["raw_rewards"].items():
        assert second["raw_rewards"][policy]["miniwob/click-test"][:1] == tasks["miniwob/click-test"]
        assert second["rates"][policy]["episodes"] == 2
    assert second["protocol"]["actions"] == 10 and second["circumstances"] == first["circumstances"]
    out.write_text(json.dumps(second | {"circumstances": second["circumstances"] | {"git_commit": "another"}}))
    assert web_miniwob.main(["--tasks", "click-test", "--seeds", "1", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["rates"]["overlap"]["episodes"] == 1, "what older code played counts no more"
    assert "within reach" in capsys.readouterr().out


def test_a_task_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UnknownNameError, match="click-test"):
        web_miniwob.main(["--tasks", "click-tset", "--out", str(tmp_path / "none.json")])
