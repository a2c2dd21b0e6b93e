"""Trains on a Ray cluster of two nodes on this machine; a process of its own, because Ray joins one cluster a process.

Usage: cluster_training.py STORAGE
Prints what a user sees and, as its last line, JSON: nodes, CPUs of each, iterations, and on how many nodes it ran.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from remalis_agents.configs.loader import load_experiment
from remalis_agents.rllib.quiet import hush_ray
from remalis_agents.train import train


def main(storage: Path) -> None:
    hush_ray()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    cluster.add_node(num_cpus=2)
    changes = ["env_runners.num_env_runners=3", "env_runners.num_envs_per_env_runner=1", "stop.training_iteration=3"]
    changes += ["training.train_batch_size_per_learner=120", "training.minibatch_size=60", "stop.env_steps=null"]
    name, experiment = load_experiment("partners_ippo", changes)
    seen: set[str] = set()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, over))
    watcher.start()
    try:
        result = train(name, experiment, storage=storage, ray_address=cluster.address)
    finally:
        over.set()
        watcher.join()
    cpus = [node["Resources"].get("CPU", 0.0) for node in ray.nodes()]
    found = {"nodes": len(cpus), "cpus": cpus, "used": len(seen)}
    print(json.dumps({**found, "iterations": result.metrics["training_iteration"]}))
    ray.shutdown()
    cluster.shutdown()


def _watch(seen: set[str], over: threading.Event) -> None:
    """Notes on which nodes CPUs are taken."""
    from ray._private.state import available_resources_per_node

    while not over.wait(0.2):
        if ray.is_initialized():
            for node, free in available_resources_per_node().items():
                if free.get("CPU", 0.0) < 2.0:
                    seen.add(node)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
