"""Contenders of the traffic speed benchmark take turns, and none of their processes outlives a failure.

Real contenders on RESCO's grid4x4 throughout; no time is judged here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from traffic_speed import runner
from traffic_speed.course import Course
from traffic_speed.maps import load_map
from traffic_speed.process import Cell, Process
from traffic_speed.ratios import of_sums, of_turns, over_rounds, ratio
from traffic_speed.runner import order, take_turns

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course(warm_up=2, laps=(6, 10), turn=4)


def cell(name: str, course: Course = COURSE, environment: dict[str, str] | None = None, **options: Any) -> Cell:
    arguments = {"map": vars(load_map("grid4x4")), "course": course.as_dict(), "options": options}
    return Cell(name, arguments, environment or {})


class Watcher:
    """A display that counts, and does something to the processes when a part begins."""

    def __init__(self, at: str = "", act: Any = None) -> None:
        self.expected = self.ended = 0
        self.begun: list[str] = []
        self.pids: list[int] = []
        self._at, self._act = at, act

    def expect(self, count: int) -> None:
        self.expected += count

    def begin(self, label: str) -> None:
        self.begun.append(label)
        if label == self._at:
            self.pids = children(os.getpid())
            self._act(self.pids)

    def end(self) -> None:
        self.ended += 1


def children(parent: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(parent), "-f", "traffic_speed.cell"], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def sessions(leaders: list[int]) -> list[str]:
    """What still runs of the sessions that ``leaders`` began, zombies left out."""
    listed = subprocess.run(["ps", "-eo", "sess=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [row[2] for row in rows if int(row[0]) in leaders and not row[1].startswith("Z")]


def wait_until(true: Any, limit_s: float = 60.0) -> Any:
    end = time.monotonic() + limit_s
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_turns_end_with_laps_and_add_up_to_them() -> None:
    assert COURSE.turns == [4, 2, 4]
    assert Course(20, (60, 200), 20).turns == [20] * 10
    assert Course(4, (20,), 8).turns == [8, 8, 4]
    assert Course.from_dict(COURSE.as_dict()) == COURSE


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_everybody_is_as_often_first_last_and_twice_in_a_row(count: int) -> None:
    labels = list("ABCDEF"[:count])
    turns = [order(labels, k) for k in range(2 * count)]
    assert all(sorted(one) == labels for one in turns)
    assert all(one == other[::-1] for one, other in zip(turns[::2], turns[1::2], strict=True))
    assert set(Counter(one[0] for one in turns).values()) == {2}
    assert set(Counter(one[-1] for one in turns).values()) == {2}
    rows = [label for k in range(2 * count * 3) for label in order(labels, k)]
    assert len(set(Counter(a for a, b in pairwise([*rows, rows[0]]) if a == b).values())) == 1


def test_contenders_in_turns_simulate_the_same_and_time_every_turn() -> None:
    display = Watcher()
    results = take_turns({"ours": cell("ours"), "bare": cell("bare")}, 2, display)
    assert display.expected == display.ended == 2 * (2 + 3)
    for runs in results.values():
        assert len(runs) == 2
        for run in runs:
            assert [turn["decisions"] for turn in run["turns"]] == COURSE.turns
            assert [lap["decisions"] for lap in run["laps"]] == [6, 10]
            assert run["laps"][0]["cpu_s"] == pytest.approx(sum(turn["cpu_s"] for turn in run["turns"][:2]))
            assert run["laps"][1]["wall_s"] == pytest.approx(sum(turn["wall_s"] for turn in run["turns"]))
    laps = [[run["laps"][k]["hash"] for runs in results.values() for run in runs] for k in (0, 1)]
    assert all(len(set(hashes)) == 1 for hashes in laps)
    assert laps[0][0] != laps[1][0]


def test_a_contender_works_only_when_told_to() -> None:
    with Process(cell("bare")) as process:
        process.hear("ready", 60.0)
        with pytest.raises(RuntimeError, match=r"the measurement bare .* did not answer within 1 s"):
            process.hear("done", 1.0)
        process.go()
        assert process.hear("done", 60.0)["decisions"] == 4
    assert not sessions([process.pid])


def test_drift_of_the_machine_cancels_and_one_stall_does_not_move_the_median() -> None:
    drift, cars = [1.0, 1.7, 0.8, 1.2, 2.5], [1.0, 1.1, 1.2, 1.3, 1.4]  # speed of the machine; the map fills up
    ours = [{"wall_s": d * c, "cpu_s": d * c} for d, c in zip(drift, cars, strict=True)]
    theirs = [{"wall_s": 3.0 * one["wall_s"], "cpu_s": 2.0 * one["cpu_s"]} for one in ours]
    assert of_turns({"turns": ours}, {"turns": theirs}) == pytest.approx([2.0] * 5)
    assert of_sums({"turns": ours}, {"turns": theirs}, "wall_s") == pytest.approx(3.0)
    theirs[2]["wall_s"] += 100.0
    found = ratio([{"turns": ours}], [{"turns": theirs}])
    assert (found["median"], found["sums"]["median"], found["wall"]) == pytest.approx((2.0, 2.0, 3.0))
    assert found["wall_sums"] > 10.0
    in_wall = ratio([{"turns": ours}], [{"turns": theirs}], clock="wall_s")
    assert (in_wall["median"], in_wall["high"]) == pytest.approx((3.0, 3.0))
    assert in_wall["sums"]["median"] > 10.0
    with pytest.raises(ValueError, match="argument 2"):
        of_turns({"turns": ours}, {"turns": theirs[:-1]})


def test_the_headline_is_over_all_turns_and_its_range_over_rounds() -> None:
    found = over_rounds([[1.0, 2.0, 9.0], [3.0, 4.0, 5.0]], [1.5, 2.5])
    assert (found["low"], found["median"], found["high"]) == (2.0, 3.5, 4.0)
    assert found["all"] == [2.0, 4.0]
    assert (found["sums"]["low"], found["sums"]["median"], found["sums"]["high"]) == (1.5, 2.0, 2.5)


def test_courses_of_different_turns_are_refused() -> None:
    cells = {"ours": cell("ours"), "bare": cell("bare", Course(2, (10,), 5))}
    with pytest.raises(ValueError, match=r"same number of turns; these have \[2, 3\]"):
        take_turns(cells, 1, Watcher())


def test_a_contender_that_cannot_start_is_told_with_what_it_said() -> None:
    bad = cell("ours")
    bad.arguments["map"] = {**bad.arguments["map"], "net_file": "nowhere.net.xml"}
    display = Watcher("bare loads", lambda pids: None)
    with pytest.raises(RuntimeError, match=r"(?s)the measurement ours .* failed \(1\):.*nowhere\.net\.xml"):
        take_turns({"ours": bad, "bare": cell("bare")}, 1, display)
    assert not children(os.getpid())


def test_one_that_dies_ends_all() -> None:
    display = Watcher("round 1, turn 2 of 3", lambda pids: os.kill(pids[1], signal.SIGKILL))
    with pytest.raises(RuntimeError, match=r"the measurement bare .* failed \(-9\)"):
        take_turns({"ours": cell("ours"), "bare": cell("bare")}, 1, display)
    assert len(display.pids) == 2
    assert not sessions(display.pids)


def test_one_that_hangs_ends_all_with_its_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TURN_LIMIT_S", 2.0)
    seen: list[str] = []

    def stop_the_second(pids: list[int]) -> None:
        os.kill(pids[1], signal.SIGSTOP)
        seen.extend(sessions(pids))

    display = Watcher("round 1, turn 1 of 1", stop_the_second)
    short = Course(1, (1,), 1)
    with pytest.raises(RuntimeError, match=r"the measurement sumo_rl .* did not answer within 2 s"):
        take_turns({"ours": cell("ours", short), "sockets": cell("sumo_rl", short, form="parallel")}, 1, display)
    assert len(seen) == 3, "two contenders and the simulator that sumo-rl talks to"
    assert not sessions(display.pids)


def _interruptible() -> None:
    """A shell's background job ignores Ctrl-C, and all that it starts does so, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_none_outlives_the_benchmark(how: signal.Signals) -> None:
    command = [sys.executable, "benchmarks/speed.py", "traffic", "--quick", "--only", "meso"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_interruptible
    ) as benchmark:
        pids = wait_until(lambda: two if len(two := children(benchmark.pid)) == 2 else [])
        benchmark.send_signal(how)
    assert benchmark.returncode != 0
    assert len(pids) == 2
    assert wait_until(lambda: not sessions(pids)), "a contender is still there"
