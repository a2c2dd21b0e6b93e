"""Training on more than one machine: a real Ray cluster of two nodes, on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ray._private import services

from remalis_agents.cli import main
from remalis_agents.cluster import found
from remalis_agents.runs import TrainingError

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]


def test_a_team_trains_on_two_nodes(tmp_path):
    script = Path(__file__).with_name("cluster_training.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "partners_ippo: joined the Ray cluster at " in done.stdout, "and how large it is:"
    assert "2 nodes, 4 CPUs (4 free)" in done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"nodes": 2, "cpus": [2.0, 2.0], "used": 2, "iterations": 3}, "four CPUs' work, two on each node"


@pytest.fixture
def with_a_token(tmp_path, monkeypatch):
    """The address of a cluster that asks for the token in the home folder, as Ray starts them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    code = (
        "import ray; ray.init(address='local', num_cpus=1, include_dashboard=False);"
        "print(ray.get_runtime_context().gcs_address, flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as cluster:
        address = cluster.stdout.readline().strip()
        assert (tmp_path / ".ray" / "auth_token").is_file()
        yield address
        cluster.communicate("\n", timeout=60)


def test_a_cluster_that_asks_for_a_token(with_a_token, monkeypatch):
    def joined(address):
        script = Path(__file__).with_name("cluster_token.py")
        command = [sys.executable, str(script), address]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    assert "set RAY_AUTH_MODE=token" in joined(with_a_token), "an address of one's own is not shown it unasked"
    monkeypatch.setenv("RAY_ADDRESS", with_a_token)
    assert joined("auto").startswith(f"the Ray cluster at {with_a_token}: 1 node, 1 CPUs")


def test_nobody_at_the_address_is_a_sentence(tmp_path):
    command = [
        sys.executable,
        "-m",
        "remalis_agents.cli",
        "train",
        "file",
        "partners_ippo",
        "--ray-address",
        "127.0.0.1:9",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 2
    assert "127.0.0.1:9" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def on_this_machine(monkeypatch):
    """Says which clusters run here, and which one `ray start` began; none of them answers."""

    def say(running, begun=None):
        monkeypatch.setattr(services, "find_gcs_addresses", lambda: set(running))
        monkeypatch.setattr(services, "find_bootstrap_address", lambda folder: begun)

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return say


def test_auto_without_a_cluster_is_a_sentence(on_this_machine, tmp_path, capsys):
    on_this_machine([], begun="127.0.0.1:9")  # what is left of one that was killed
    code = main(["train", "file", "partners_ippo", "--ray-address", "auto", "--storage", str(tmp_path / "runs")])
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1
    assert "the Ray cluster that runs on this machine, but none does" in said and "ray start --head" in said
    assert not (tmp_path / "runs").exists()


def test_auto_joins_the_one_cluster_or_the_one_that_was_started_as_one(on_this_machine, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        mine = f"127.0.0.1:{somebody.getsockname()[1]}"
        on_this_machine([mine])
        assert found("auto") == mine
        on_this_machine(["127.0.0.1:9", mine], begun=mine)
        assert found("auto") == mine
        on_this_machine(["127.0.0.1:9", mine])
        with pytest.raises(TrainingError, match=f"several do: give one of .*{mine}"):
            found("auto")
        monkeypatch.setenv("RAY_ADDRESS", mine)
        assert found("auto") == mine
    with pytest.raises(TrainingError, match=f"No Ray cluster answers at '{mine}'"):
        found("auto")


def test_the_cluster_file_is_one_that_ray_accepts():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "examples/cluster/cluster.yaml").read_text())
    validate_config(prepare_config(config))
