"""Training on more than one machine: a real Ray cluster of two nodes, on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]


def test_a_team_trains_on_two_nodes(tmp_path):
    script = Path(__file__).with_name("cluster_training.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"nodes": 2, "cpus": [2.0, 2.0], "used": 2, "iterations": 3}, "four CPUs' work, two on each node"


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


def test_the_cluster_file_is_one_that_ray_accepts():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "examples/cluster/cluster.yaml").read_text())
    validate_config(prepare_config(config))
