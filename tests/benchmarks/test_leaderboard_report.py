"""What the report says of results that are made up, so that what it must say is known."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from html.parser import HTMLParser

import numpy as np
import pytest
from leaderboard.cells import Cell, learned_cell
from leaderboard.report import write_report
from leaderboard.store import Store
from leaderboard.suites import TRANSFER_TO, plan
from leaderboard.tasks import LEARNED, TASKS, MissingConfigError, experiment_of, task
from leaderboard.wording import few_runs
from made_up import ABOUT, done

from remalis_agents.cli import _parser
from remalis_agents.command_line import env_changes
from remalis_agents.configs import load_experiment
from remalis_envs.errors import RemalisError

REASON = "Training stopped by ValueError: <value_loss> is | not a number"
DELAYS = {"max_pressure": 24.0, "fixed_time": 50.0, "IPPO": 22.0, "CommNet": 24.02, "TarMAC": 27.0}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Easy with three seeds: one method beats max pressure, one is level, one worse, one failed, one half missing."""
    store = Store(tmp_path_factory.mktemp("store"))
    methods = ("IPPO", "CommNet", "TarMAC", "IC3Net", "MAPPO")
    wanted = plan(
        ["toy/partners", "traffic/easy"], methods, 3, 9000, 10, controllers=("fixed_time", "max_pressure"),
    )  # fmt: skip
    store.ask_for(
        wanted.cells, {"traffic/easy|LToS|traffic/easy": "no configuration is shipped: x.yaml does not exist"}
    )
    for cell in wanted.cells:
        if cell.task == "toy/partners":
            store.save(cell, done(cell, {"CommNet": 0.99, "TarMAC": 0.6}.get(cell.method, 1 / 3)))
        elif cell.method == "IC3Net":
            store.save(cell, {"status": "failed", "reason": REASON, "log": ["<b>the end</b>"], "about": ABOUT})
        elif cell.method == "MAPPO" and cell.seed != 1:
            continue
        else:
            store.save(cell, done(cell, DELAYS.get(cell.method, 25.0)))
    files = {path.name: path.read_text(encoding="utf-8") for path in write_report(store, ABOUT)}
    return store, files, json.loads(files["leaderboard.json"])


def rows(content, name):
    (table,) = [table for table in content["tables"] if table["task"] == name]
    return {row["method"]: row for row in table["rows"]}


def test_every_verdict_is_the_right_one(report):
    easy, toy = rows(report[2], "traffic/easy"), rows(report[2], "toy/partners")
    assert {name: row["verdict"] for name, row in easy.items() if row.get("mean")} == {
        "max_pressure": "reference",
        "fixed_time": "worse",
        "IPPO": "beats",
        "CommNet": "level",
        "TarMAC": "worse",
        "MAPPO": "worse",
    }
    assert {name: row["verdict"] for name, row in toy.items()} == {
        "CommNet": "solved", "TarMAC": "between", "IPPO": "at chance", "IC3Net": "at chance", "MAPPO": "at chance",
    }  # fmt: skip


def test_what_failed_or_is_missing_stands_in_its_place(report):
    _, files, content = report
    easy = rows(content, "traffic/easy")
    assert {name: easy[name]["status"] for name in ("IC3Net", "MAPPO", "LToS", "IPPO")} == {
        "IC3Net": "failed", "MAPPO": "partial", "LToS": "missing", "IPPO": "done",
    }  # fmt: skip
    assert [run["status"] for run in easy["MAPPO"]["runs"]] == ["missing", "done", "missing"]
    assert content["counts"] == {"done": 27, "failed": 3, "missing": 2}
    assert "IC3Net | – | – | – | failed; (" in files["leaderboard.md"]
    assert REASON.replace("|", "\\|") in files["leaderboard.md"]
    assert "&lt;value_loss&gt; is | not a number" in files["leaderboard.html"]
    assert "&lt;b&gt;the end&lt;/b&gt;" in files["leaderboard.html"], "the end of the log"


def test_figures_are_those_of_the_episodes(report):
    easy = rows(report[2], "traffic/easy")["IPPO"]
    stored = [
        report[0].load(cell) for cell in report[0].planned() if (cell.task, cell.method) == ("traffic/easy", "IPPO")
    ]
    values = [one["mean_delay_s"] for result in stored for one in result["episodes"]]
    assert len(values) == 30
    assert easy["mean"]["value"] == pytest.approx(np.mean(values))
    assert easy["mean"]["low"] < easy["mean"]["value"] < easy["mean"]["high"]
    assert easy["difference"]["value"] == pytest.approx(DELAYS["IPPO"] - DELAYS["max_pressure"], abs=0.3)
    assert easy["difference"]["high"] - easy["difference"]["low"] < 0.8, "hours differ by 2 s, but they are the same"
    assert easy["scores"] == pytest.approx([24.0 / 22.0] * 3, rel=0.02)


def test_who_lacks_a_task_is_not_ranked(report):
    found = report[2]["overall"]
    assert found["tasks"] == ["traffic/easy"]
    assert found["rows"][0]["method"] == "IPPO"
    assert set(found["lacking"]) == {"IC3Net", "LToS"}
    assert found["improvement"]["IPPO"]["TarMAC"]["value"] == 1.0


class Page(HTMLParser):
    """Counts, and whatever the page would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.seen = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        self.fetched += [value for name, value in attributes if name in ("src", "href") and not value.startswith("#")]
        if tag not in ("meta", "line", "path", "circle", "rect", "polyline", "polygon", "i"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag != "i":
            raise AssertionError(f"</{tag}> closes {self.open[-3:]}")


def test_the_page_is_whole_and_needs_nothing_else(report):
    page = Page()
    page.feed(report[1]["leaderboard.html"])
    assert page.open == []
    assert page.fetched == []
    assert not re.search(r"url\((?!#)|@import", report[1]["leaderboard.html"])
    classes = [attributes.get("class") for _, attributes in page.seen]
    assert classes.count("curves") == 2
    assert classes.count("band") == 5 + 3, "no band for a single run"
    assert classes.count("command") == 32, "every run has its command"


def test_commands_make_the_same_experiment_again(report):
    """What the report prints goes through the parser of `rllib` and ends at the very experiment of the cell."""
    cells = [cell for cell in report[0].planned() if cell.learned]
    for cell in cells[:: max(len(cells) // 8, 1)]:
        program, *arguments = shlex.split(cell.commands()["train"])
        assert program == "rllib"
        given = _parser("rllib", {}, arguments).parse_args(arguments)
        _, experiment = load_experiment(given.file, [*given.changes, f"debugging.seed={given.seed}"])
        assert json.loads(json.dumps(dataclasses.asdict(experiment))) == cell.experiment
        assert experiment.stop.env_steps == cell.budget and experiment.stop.time_s is None
        _, *arguments = shlex.split(cell.commands()["evaluate"])
        played = _parser("rllib", {}, arguments).parse_args(arguments)
        assert (played.episodes, played.seed) == (len(cell.seeds), cell.seeds[0])


def test_commands_say_none_as_yaml_does():
    """And small numbers, and text that looks like something else: what is typed is what the cell was played with."""
    given = {
        "level": None, "scenario": "resco/cologne3", "protocol": None, "horizon_s": 600, "noise": 1e-05,
        "reward": {"queue": None, "delay": 1.0}, "outages": [["A0", 0, None]], "emissions": True, "note": "null",
    }  # fmt: skip
    cell = dataclasses.replace(learned_cell(task("traffic/easy"), "IPPO", 0, 9000, 3), env_config=given)
    _, *arguments = shlex.split(cell.commands()["evaluate"])
    assert "--level" not in arguments and "protocol=null" in arguments
    assert env_changes(_parser("rllib", {}, arguments).parse_args(arguments)) == given


def test_what_few_runs_cannot_show_is_said_under_the_tables(report):
    _, files, _ = report
    for name in ("leaderboard.md", "leaderboard.html"):
        said = re.findall(r"With (.+?) training runs a method, bootstrap intervals are optimistic", files[name])
        assert said == ["3", "1 to 3", "1 to 3"], "toy; easy, where two runs are missing; and over all"
    before = files["leaderboard.md"].split("## Traffic, level easy")[1].partition("With 1 to 3 training runs")[0]
    assert "| IPPO |" in before, "under the table"
    assert few_runs([]) == "" and few_runs([0]) == "" and few_runs([30, 20]) == ""
    assert "say nothing of other training seeds" in few_runs([1, 1])


def test_marl_evals_file_has_as_much_of_everybody(report):
    found = json.loads(report[1]["marl_eval.json"])
    easy = found["traffic"]["easy_9000"]
    assert set(easy) == {"IPPO", "CommNet", "TarMAC"}, "only what is complete"
    for runs in easy.values():
        assert set(runs) == {"seed_0", "seed_1", "seed_2"}
        for run in runs.values():
            assert len(run.pop("absolute_metrics")["mean_delay_s"]) == 10
            assert [step["step_count"] for step in run.values()] == list(range(900, 9001, 900))
            assert all(len(step["mean_delay_s"]) == 1 for step in run.values())


def test_a_name_is_made_of_all_that_decides_a_result():
    easy = task("traffic/easy")
    cell = learned_cell(easy, "IPPO", 0, 9000, 10)
    others = [
        learned_cell(easy, "IPPO", 1, 9000, 10),
        learned_cell(easy, "IPPO", 0, 9001, 10),
        learned_cell(easy, "IPPO", 0, 9000, 11),
        learned_cell(easy, "CommNet", 0, 9000, 10),
        learned_cell(task("traffic/cologne3"), "IPPO", 0, 9000, 10),
        learned_cell(easy, "IPPO", 0, 9000, 10, played=task("traffic/hard")),
        dataclasses.replace(cell, experiment={**cell.experiment, "population": {"share": 0.5}}),
    ]
    assert len({one.key for one in [cell, *others]}) == 8
    assert learned_cell(easy, "IPPO", 0, 9000, 10).key == cell.key
    config = cell.experiment["config"]
    blind = {**config, "rl_module": {**config["rl_module"], "options": {"layout": None}}}
    assert dataclasses.replace(cell, experiment={**cell.experiment, "config": blind}).key != cell.key, "null says much"
    assert dataclasses.replace(cell, experiment={**cell.experiment, "description": "said otherwise"}).key == cell.key
    older = {name: value for name, value in cell.experiment["imitation"].items() if name != "schedule"}
    told_less = dataclasses.replace(cell, experiment={**cell.experiment, "imitation": older})
    assert told_less.key == cell.key, "a section that lacks but an option which is newer"
    same_training = {one.training_key for one in (cell, others[2], others[5])}
    assert same_training == {cell.training_key}, "another evaluation pays for no other training"
    assert len({one.training_key for one in [cell, *others]}) == 6


def test_a_cell_comes_back_from_its_file():
    for cell in plan(["traffic/easy"], ["IPPO"], 1, 100, 3, transfer=True).cells:
        again = Cell.from_dict(json.loads(json.dumps(cell.to_dict())))
        assert (again.key, again.place, again.commands()) == (cell.key, cell.place, cell.commands())


def test_transfer_plays_elsewhere_what_easy_taught(tmp_path):
    store = Store(tmp_path)
    wanted = plan(["traffic/easy"], ["IPPO"], 2, 5000, 4, transfer=True, controllers=("greedy", "max_pressure"))
    moved = [cell for cell in wanted.cells if cell.transferred]
    assert {cell.task for cell in moved} == set(TRANSFER_TO)
    assert {cell.training_key for cell in moved} == {c.training_key for c in wanted.cells if c.learned}
    store.ask_for(wanted.cells, wanted.without)
    for cell in wanted.cells:
        store.save(cell, done(cell, 20.0 if cell.learned else 25.0))
    write_report(store, ABOUT)
    found = json.loads((tmp_path / "leaderboard.json").read_text())
    assert [table["task"] for table in found["tables"]] == ["traffic/easy"]
    transfer = {row["method"]: row for row in found["transfer"]["rows"]}
    assert set(transfer) == {"IPPO", "greedy", "max_pressure"}
    assert {cell["verdict"] for cell in transfer["IPPO"]["cells"].values()} == {"beats"}


def test_every_method_has_what_it_says(tmp_path):
    """A method without a file is a reason, not a traceback; a shipped file is found by what it runs."""
    for name in TASKS:
        for method in LEARNED:
            try:
                config, changes = experiment_of(TASKS[name], method)
            except MissingConfigError as error:
                assert "does not exist" in str(error)
                continue
            assert load_experiment(config, changes)[1].run == method
    with pytest.raises(RemalisError, match="Did you mean 'traffic/easy'"):
        task("trafic/easy")
    with pytest.raises(RemalisError, match="Did you mean 'CommNet'"):
        plan(["traffic/easy"], ["Comnet"], 1, 100, 1)


def test_a_file_that_is_cut_off_is_no_result(tmp_path):
    store = Store(tmp_path)
    cell = learned_cell(task("toy/partners"), "IPPO", 0, 100, 2)
    store.save(cell, done(cell, 0.5))
    assert store.done(cell)
    text = store.path(cell).read_text()
    store.path(cell).write_text(text[: len(text) // 2])
    assert store.load(cell) is None and not store.done(cell)
