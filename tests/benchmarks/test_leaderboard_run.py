"""run_all on small games through a real Ray: crashes, hangs, kill -9 and resume, a cluster's address."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import run_all
import yaml
from leaderboard.limits import said, seconds

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]
BUDGET = 6_000
GAME = {
    "env": "remalis/PartnersTeam-v0",
    "description": "partners, slowly",
    "checkpoint": {"frequency": 1},
    "config": {
        "env_runners": {"num_env_runners": 0, "num_envs_per_env_runner": 4},
        "training": {"gamma": 0.0, "train_batch_size_per_learner": 400, "minibatch_size": 200, "num_epochs": 2},
    },
}


def command(out: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "benchmarks/run_all.py"), "--methods", "IPPO", "--out", str(out), *arguments]


def run(out: Path, *arguments: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        command(out, *arguments), capture_output=True, text=True, check=False, timeout=400, cwd=out.parent
    )
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    return done


def cells(out: Path) -> dict[tuple[str, int], tuple[dict, int]]:
    """Result and time of writing, by task and seed."""
    found = {}
    for path in (out / "cells").glob("*.json"):
        result = json.loads(path.read_text())
        found[result["cell"]["task"], result["cell"]["seed"]] = (result, path.stat().st_mtime_ns)
    return found


def processes(out: Path) -> list[str]:
    """Cells of this folder that still run."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if "leaderboard.process" in line and str(out) in line]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("games")
    (folder / "game.yaml").write_text(yaml.safe_dump({"game": GAME}))
    (folder / "breaking.yaml").write_text(yaml.safe_dump({"breaking": {**GAME, "env": "toys:Breaking"}}))
    return folder


@pytest.fixture(scope="module")
def first(files) -> tuple[Path, subprocess.CompletedProcess]:
    """One game that goes well beside one that breaks in its third episode."""
    out = files / "out"
    envs = [str(files / "game.yaml"), str(files / "breaking.yaml")]
    return out, run(out, "--envs", *envs, "--seeds", "1", "--budget", "2000", "--episodes", "3")


def test_a_crash_is_told_in_its_place_and_stops_nothing(first):
    out, done = first
    assert done.returncode == 1, "for scripts: a cell failed"
    found = cells(out)
    good, bad = found["file/game", 0][0], found["file/breaking", 0][0]
    assert good["status"] == "done"
    assert [one["seed"] for one in good["episodes"]] == [20000, 20001, 20002]
    assert 0.0 <= good["episodes"][0]["right_share"] <= 1.0
    assert good["training"]["env_steps"] >= 2000
    assert [point["env_steps"] for point in good["training"]["curve"]] == [400, 800, 1200, 1600, 2000]
    assert good["about"]["git_commit"] and good["training"]["versions"]["ray"]
    assert bad["status"] == "failed" and "the toy broke" in bad["reason"]
    content = json.loads((out / "leaderboard.json").read_text())
    assert content["counts"] == {"done": 1, "failed": 1, "missing": 0}
    for name in ("leaderboard.md", "leaderboard.html"):
        assert "the toy broke" in (out / name).read_text()


def test_the_printed_commands_give_the_same_figures(first, tmp_path):
    """Training in one process is reproducible to the bit, so whoever types the commands sees the very same episodes."""
    result = cells(first[0])["file/game", 0][0]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for line in (result["commands"]["train"], result["commands"]["evaluate"] + " --out again.json"):
        done = subprocess.run(
            line,
            shell=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    again = json.loads((tmp_path / "again.json").read_text())
    shares = [one["right_share"] for one in again["episodes"]]
    assert shares == [one["right_share"] for one in result["episodes"]]
    assert len(set(shares)) > 1


def test_what_is_stored_is_not_paid_again(first, files):
    """Another evaluation plays the policy that is there; the same one runs nothing, and starts no Ray."""
    out, before = first[0], cells(first[0])
    (training,) = (out / "trainings").glob("*/training.json")
    trained = training.stat().st_mtime_ns
    game = str(files / "game.yaml")
    more = run(out, "--envs", game, "--seeds", "1", "--budget", "2000", "--episodes", "5")
    assert more.returncode == 0
    assert len(cells(out)["file/game", 0][0]["episodes"]) in (3, 5)
    assert training.stat().st_mtime_ns == trained
    assert len(list((out / "cells").glob("*.json"))) == 3
    again = run(out, "--envs", game, "--seeds", "1", "--budget", "2000", "--episodes", "5")
    assert "1 cells, 1 of them stored" in again.stdout
    assert "done " not in again.stdout
    assert cells(out)["file/breaking", 0][1] == before["file/breaking", 0][1]


def test_a_cell_that_hangs_is_ended_with_all_its_processes(files):
    """The cell has a Ray of its own by then, and the game has started a process in a session of its own."""
    out, told = files / "hung", files / "hanging.json"
    config = {**GAME["config"], "environment": {"env_config": {"told": str(told)}}}
    game = {**GAME, "env": "toys:Hanging", "config": config}
    (files / "hanging.yaml").write_text(yaml.safe_dump({"hanging": game}))
    done = run(out, "--envs", str(files / "hanging.yaml"), "--seeds", "1", "--cell-timeout", "40s")
    assert done.returncode == 1
    ((result, _),) = cells(out).values()
    reason = "The cell was ended after 40 s, the limit that --cell-timeout sets: it was starting, 0% done."
    assert (result["status"], result["reason"]) == ("failed", reason)
    assert reason in (out / "leaderboard.md").read_text()
    numbers = json.loads(told.read_text())
    assert len(numbers) > 3, "the cell, its Ray's processes, and the game's own"
    assert not [number for number in numbers if _runs(number)]
    assert not processes(out)


@pytest.mark.full  # Ray takes its time to see it
def test_when_ray_itself_ends_nothing_is_stored_and_the_call_says_so(files):
    out = files / "gone"
    with subprocess.Popen(
        command(out, "--envs", str(files / "game.yaml"), "--seeds", "9", "--budget", "500000"),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=files,
    ) as call:  # fmt: skip
        deadline = time.monotonic() + 120
        while not processes(out) and time.monotonic() < deadline:
            time.sleep(0.2)
        own = [child for child in psutil.Process(call.pid).children(recursive=True) if child.name() == "raylet"]
        assert own, "the call has a Ray of its own"
        own[0].kill()
        said = call.communicate(timeout=120)[1]
    assert call.returncode == 1
    assert "Ray itself ended" in said and "Traceback" not in said
    assert not cells(out) and (out / "leaderboard.md").exists()
    deadline = time.monotonic() + 60
    while processes(out) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not processes(out)


def _runs(number: int) -> bool:
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


def test_cells_are_begun_in_order_and_no_more_than_keep_the_cpus_busy():
    from leaderboard.cluster import to_begin
    from leaderboard.suites import plan

    cells = plan(["traffic/easy"], ["IPPO", "CoLight"], 2, 1000, 2, transfer=True, controllers=()).cells
    assert all(cell.cpus == 1.0 for cell in cells)
    first = to_begin(cells, [], cpus=2.0)
    assert first == cells[:4], "twice the CPUs, seed 0 before seed 1"
    assert to_begin(cells[4:], first, cpus=2.0) == []
    # What plays elsewhere waits for its training, which one at a time may do, and lets others pass.
    elsewhere = [cell for cell in cells if cell.transferred]
    ippo = [cell for cell in elsewhere if cell.method == "IPPO" and cell.seed == 0]
    colight = [cell for cell in elsewhere if cell.method == "CoLight" and cell.seed == 0]
    assert to_begin([*ippo, *colight], [], cpus=8.0) == [ippo[0], colight[0]]
    assert to_begin(ippo, [cells[0]], cpus=8.0) == []


def test_teams_of_the_web_that_learn_nothing_play_its_tasks():
    from leaderboard.cells import controller_cell
    from leaderboard.process import _controller
    from leaderboard.tasks import task

    found = {
        who: _controller(controller_cell(task("web/easy"), who, 3))["episodes"]
        for who in ("oracle", "overlap", "random")
    }
    assert [one["seed"] for one in found["oracle"]] == [20000, 20001, 20002]
    assert [one["success"] for one in found["oracle"]] == [1.0, 1.0, 1.0]
    assert all(0.0 <= one["success"] <= 1.0 and one["steps"] <= 8 for own in found.values() for one in own)
    assert found["random"] != found["overlap"]


def test_a_folder_is_for_one_call_at_a_time(tmp_path, capsys):
    """Another call stops before it changes anything, the report may be written, and a killed call keeps nothing."""
    asked = ["--methods", "max_pressure", "--envs", "toy/partners", "--out", str(tmp_path)]
    assert run_all.main(asked) == 0
    plan = (tmp_path / "plan.json").stat().st_mtime_ns
    holding = "from leaderboard.store import Store\nimport pathlib, sys, time\n"
    holding += "with Store(pathlib.Path(sys.argv[1])).only_one(): print('held', flush=True); time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", holding, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        assert run_all.main(asked) == 2
        assert "Another run_all.py is at work in" in capsys.readouterr().err
        assert (tmp_path / "plan.json").stat().st_mtime_ns == plan
        assert run_all.main(["--report-only", "--out", str(tmp_path)]) == 0
    finally:
        other.kill()
        other.wait()
    assert run_all.main(asked) == 0


def test_the_list_says_who_plays_where(capsys):
    assert run_all.main(["--list"]) == 0
    said = dict(part.partition(": ")[::2] for part in re.split(r"\n(?=\S)", capsys.readouterr().out))
    assert "controllers only, as no experiment is shipped that trains here: random, " in said["traffic/medium"]
    assert "with --transfer also IPPO and CoLight, trained on traffic/easy" in said["traffic/medium"]
    assert "learned: IPPO" in said["traffic/easy"] and "controllers: random, " in said["traffic/easy"]
    assert "controllers" not in said["toy/partners"]
    assert "webster" not in said["traffic/cologne1"] and "--transfer" not in said["traffic/cologne1"]


@pytest.mark.parametrize(
    ("text", "time_s", "words"), [("6h", 21600, "6 h"), ("1.5m", 90, "1.5 min"), ("45s", 45, "45 s")]
)
def test_times_are_read_and_said(text, time_s, words):
    assert seconds(text) == time_s
    assert said(time_s) == words


def test_killed_and_resumed_on_a_cluster(first, files):
    """kill -9 in the middle of a training leaves no orphan; the same command goes on from its checkpoint."""
    from ray.cluster_utils import Cluster

    out = files / "killed"
    shutil.copytree(first[0], out)
    asked = ["--envs", str(files / "game.yaml"), "--seeds", "1", "--episodes", "2"]
    kept = {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*.json")}
    endless = subprocess.Popen(
        command(out, *asked, "--budget", str(BUDGET)), stdout=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 150
    while not _checkpoints(out) >= 2:
        assert endless.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(endless.pid, signal.SIGKILL)
    endless.wait()
    deadline = time.monotonic() + 60
    while processes(out):
        assert time.monotonic() < deadline, "a cell outlives its command"
        time.sleep(0.3)
    assert set((out / "cells").glob("*.json")) == set(kept), "half a cell is no result"
    assert run_all.main(["--report-only", "--out", str(out)]) == 0
    assert json.loads((out / "leaderboard.json").read_text())["counts"]["missing"] == 1
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        done = run(out, *asked, "--budget", str(BUDGET), "--ray-address", cluster.address)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in kept.items())
    (new,) = set((out / "cells").glob("*.json")) - set(kept)
    training = json.loads(new.read_text())["training"]
    assert training["resumed"] and training["env_steps"] >= BUDGET
    steps = [point["env_steps"] for point in training["curve"]]
    assert steps == sorted(set(steps)), "the parts of the curve fit together"
    assert json.loads((out / "leaderboard.json").read_text())["counts"]["missing"] == 0


def _checkpoints(out: Path) -> int:
    """Number of the latest checkpoint of the training that is under way."""
    found = out.glob("trainings/*/game_*/trial_00/checkpoint_*")
    open_ones = [path for path in found if not (path.parents[2] / "training.json").exists()]
    return max((int(path.name.rpartition("_")[2]) for path in open_ones), default=-1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--envs", "trafic/easy"], "Did you mean 'traffic/easy'"),
        (["--methods", "IPO"], "Did you mean 'IPPO'"),
        (["--report-only"], "nothing stored"),
        (["--cell-timeout", "6"], "'6' is not a time above 0 such as 6h"),
        (["--cell-timeout", "0h"], "'0h' is not a time above 0"),
    ],
)
def test_mistakes_are_one_sentence(arguments, says, tmp_path, capsys):
    try:
        code = run_all.main(["--out", str(tmp_path / "none"), *arguments])
    except SystemExit as ended:  # argparse's own way
        code = ended.code
    assert code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_nobody_at_the_address_is_a_sentence(tmp_path):
    asked = command(tmp_path / "none", "--envs", "toy/partners", "--ray-address", "127.0.0.1:9")
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "127.0.0.1:9" in done.stderr and "Traceback" not in done.stderr, done.stderr
