"""A training on `easy` in one process, with stopwatches in its parts."""

from __future__ import annotations

import time
from typing import Any

from trainer_speed.stopwatch import Stopwatch


def measure(iterations: int) -> dict[str, float]:
    """Seconds of wall time by part.

    SUMO is stepping it, loading it, giving it cars, and asking it for what it knows; the network is its passes forward
    and backward and the optimiser; our own code is the rest of the environment and of what stands in for RLlib's parts;
    RLlib is all else.
    """
    from remalis_agents.configs.loader import load_experiment
    from remalis_agents.rllib.quiet import hush_ray
    from remalis_agents.train import build_config, start_ray

    hush_ray()
    start_ray(cpus=1)
    _, experiment = load_experiment("traffic_easy_ippo", ["env_runners.num_env_runners=0"])
    algorithm = build_config(experiment).build_algo()
    watch = Stopwatch()
    _watch(watch, algorithm)
    algorithm.train()  # warms up
    watch.clear()
    begun = time.perf_counter()
    for _ in range(iterations):
        algorithm.train()
    whole = time.perf_counter() - begun
    algorithm.stop()
    found = dict(watch.seconds)
    return {**found, "RLlib": whole - sum(found.values())}


def _watch(watch: Stopwatch, algorithm: Any) -> None:
    import libsumo
    import ray.rllib.core.learner.torch.torch_learner as torch_learner

    from remalis_agents.rllib.gae import AgentSignals, TeamGAE
    from remalis_agents.rllib.pipelines import TeamToEnv, TeamToModule
    from remalis_agents.rllib.team_module import RemalisPolicy
    from remalis_envs.team import TeamEnv
    from remalis_envs.traffic.engine.simulation import Simulation

    for name in ("load", "step_to", "read", "set_state"):
        watch.watch(Simulation, name, "SUMO")
    for name in ("add", "setSpeedFactor"):
        watch.watch(libsumo.vehicle, name, "SUMO")
    for name in ("step", "reset"):
        watch.watch(TeamEnv, name, "our own code")
    for kind in (AgentSignals, TeamGAE, TeamToModule, TeamToEnv):
        watch.watch(kind, "__call__", "our own code")
    watch.watch(RemalisPolicy, "_act", "our own code")
    watch.watch(type(algorithm.env_runner.module.model), "act", "network")
    watch.watch(type(algorithm.env_runner.module.model), "values", "network")
    learner = type(algorithm.learner_group._learner)
    watch.watch(learner, "compute_loss_for_module", "our own code")
    for name in ("compute_gradients", "apply_gradients"):
        watch.watch(torch_learner.TorchLearner, name, "network")
    watch.watch(RemalisPolicy, "_forward_train", "network")
