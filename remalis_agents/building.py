"""From an experiment to RLlib's configuration: everything is checked here, before anything starts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gymnasium.spaces import MultiDiscrete

from remalis_agents.configs.ranges import check_ranges
from remalis_agents.configs.schema import ConfigError, Experiment
from remalis_agents.curriculum import STAGES
from remalis_agents.language.watching import TEXT, with_texts
from remalis_agents.methods import LEARNERS, METHODS
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import accepted_options, network_class
from remalis_agents.registration import make_team_env
from remalis_agents.worlds import follow, for_runners, plan_curriculum
from remalis_envs.errors import RemalisError, unknown

if TYPE_CHECKING:
    from remalis_agents.networks.base import TeamNetwork
    from remalis_agents.rllib.algorithm import TeamPPOConfig


def build_config(experiment: Experiment, ray_address: str | None = None) -> TeamPPOConfig:
    """The RLlib configuration of an experiment.

    The environment is made once, here: a mistake in its options is then one sentence instead of a worker's
    traceback, and its map is in the cache before several runners ask for it.
    """
    from remalis_agents.rllib.algorithm import TRAINABLES

    check_ranges(experiment)
    sections = experiment.config
    curriculum = plan_curriculum(experiment)
    env_config = curriculum.stages[0].env_config if curriculum else sections.environment.env_config
    try:
        env = make_team_env(experiment.env, env_config)
    except TypeError as error:
        raise ConfigError(f"environment.env_config does not fit {experiment.env}: {error}") from None
    except ValueError as error:
        if isinstance(error, RemalisError):
            raise
        raise ConfigError(f"{experiment.env} cannot be made with this environment.env_config: {error}") from None
    described = sections.rl_module.layout or getattr(env.unwrapped, "layout", None)
    assert isinstance(env.action_space, MultiDiscrete)  # make_team_env() makes no other
    layout = Layout.of(described, int(env.action_space.nvec[0]))
    _check_sharing(experiment, layout)
    model_config: dict[str, Any] = {
        "network": sections.rl_module.network or METHODS[experiment.run].network,
        "options": sections.rl_module.options,
        "layout": layout.to_dict() if layout else None,
        "sharing": sections.rl_module.sharing,
        "subgoals": len(getattr(env.unwrapped, "subgoals", ())),
        "concepts": len(getattr(env.unwrapped, "concepts", ())),
        "max_seq_len": sections.rl_module.max_seq_len,
        "trained_on": {
            "env": experiment.env,
            "env_config": curriculum.stages[-1].env_config if curriculum else env_config,
            **({STAGES: [stage.name for stage in curriculum.stages]} if curriculum else {}),
        },
    }
    network = _check_network(model_config, env, experiment.run)
    made = for_runners(experiment, env_config, env)
    if network.text is not None:
        env, made = with_texts(env, network.text), {**made, TEXT: network.text}
        # Workers may stand in other folders, and have other variables.
        model_config["options"] = _found(sections.rl_module.options, network.text["path"])
    config = TRAINABLES[experiment.run].get_default_config()
    config.environment(
        experiment.env,
        env_config=made,
        observation_space=env.observation_space,
        action_space=env.action_space,
        disable_env_checking=True,
    )
    env.close()
    follow(config, experiment, curriculum)
    for name in ("env_runners", "learners", "training", "resources", "fault_tolerance", "debugging"):
        given = {k: v for k, v in dataclasses.asdict(getattr(sections, name)).items() if v is not None}
        try:
            getattr(config, name)(**given)
        except (TypeError, ValueError) as error:
            if isinstance(error, RemalisError):
                raise
            raise ConfigError(f"config.{name} is not accepted by RLlib: {error}") from None
    if ray_address is None:  # what a cluster has, it says itself
        _check_gpus(max(config.num_learners, 1) * config.num_gpus_per_learner)
    config.rl_module(model_config=model_config)
    if sections.rl_module.start_from:
        config.start_from = _weights(sections.rl_module.start_from, model_config["network"], env)
    try:
        config.validate()
    except (ValueError, TypeError) as error:
        if isinstance(error, RemalisError):
            raise
        raise ConfigError(f"RLlib does not accept this configuration: {' '.join(str(error).split())}") from None
    remembers = bool(network.initial_state())
    if remembers and config.minibatch_size is not None and config.minibatch_size < model_config["max_seq_len"]:
        raise ConfigError(
            f"training.minibatch_size is {config.minibatch_size}, but networks with a memory learn from sequences of "
            f"rl_module.max_seq_len {model_config['max_seq_len']} steps: a minibatch must hold one."
        )
    return config


def _check_sharing(experiment: Experiment, layout: Layout | None) -> None:
    """Refuses weights by type where nobody says what type an agent is."""
    if experiment.config.rl_module.sharing == "by_type" and (layout is None or layout.types < 0):
        raise ConfigError(
            "Set rl_module.sharing to full (one set of weights for all agents) or none (a set for each agent): by_type "
            f"is for worlds with types of agents, and {experiment.env} tells none. If your environment's vectors do "
            "hold an agent's type, one-hot, give rl_module.layout with types (its first index) and type_count."
        )


def _check_gpus(needed: float) -> None:
    """Refuses what Ray would wait for without end, or PyTorch answer with a stack."""
    import ray
    import torch

    has = ray.cluster_resources().get("GPU", 0) if ray.is_initialized() else torch.cuda.device_count()
    if needed > has:
        raise ConfigError(
            f"learners.num_gpus_per_learner asks for {needed:g} GPUs, but there are {has:g} that PyTorch can use. "
            "Set it to 0 to learn on the CPU, or join a cluster with --ray-address."
        )


def _weights(checkpoint: str, network: str, env: Any) -> dict[str, Any]:
    """State of a checkpoint's policy, where it is of this network and for these agents."""
    from remalis_agents.evaluate import check_fits, load_policy
    from remalis_agents.rllib.team_module import CheckpointError
    from remalis_agents.team import Team

    policy = load_policy(checkpoint)
    if policy.network_name != network:
        raise CheckpointError(
            f"rl_module.start_from names a checkpoint of network {policy.network_name!r}, but this experiment trains "
            f"network {network!r}."
        )
    check_fits(Team(policy.model, policy.model_config.get("trained_on")), env, "this experiment")
    return policy.get_state()


def _found(options: dict[str, Any], folder: str) -> dict[str, Any]:
    """The network's options with the folder in which its language model was found."""
    return {**options, "language_model": {**options["language_model"], "path": folder}}


def _check_network(model_config: dict[str, Any], env: Any, run: str) -> TeamNetwork:
    """Builds the network once: a wrong option fails here, in a sentence, and so does a network for another learner."""
    from remalis_agents.rllib.team_module import RemalisPolicy

    try:
        policy = RemalisPolicy(
            observation_space=env.observation_space, action_space=env.action_space, model_config=model_config
        )
    except TypeError as error:
        known = accepted_options(network_class(model_config["network"])) - {"observation_size", "action_count"}
        for option in model_config["options"]:
            if option not in known:
                raise unknown(f"option of network {model_config['network']!r}", option, sorted(known)) from None
        raise ConfigError(f"config.rl_module.options do not fit network {model_config['network']!r}: {error}") from None
    learner = METHODS[run].learner
    if policy.network.value_based != (learner == "replay"):
        needed = LEARNERS["replay" if policy.network.value_based else "ppo"]
        raise ConfigError(f"Network {policy.network_name!r} needs {needed}, but run: {run} is {LEARNERS[learner]}.")
    if learner == "replay" and policy.network.initial_state():
        raise ConfigError(
            f"Network {policy.network_name!r} has a memory, but {LEARNERS[learner]} replays single steps: only "
            "networks without a state fit."
        )
    return policy.network
