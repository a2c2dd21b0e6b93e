"""The two ways through RLlib that are compared: the team as one agent, and RLlib's own multi-agent path."""

from __future__ import annotations

import time
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.tune.registry import register_env

from remalis_agents.rllib import TRAINABLES
from remalis_agents.rllib.quiet import hush_ray
from trainer_speed.still import AGENTS, StillAgents, StillTeam

HIDDEN, STEPS, MINIBATCHES = (64, 64), 200, 4
"""The MLP of both; team steps of a batch, and in how many parts it is learnt from."""

SHARED = "shared"
"""The one policy of RLlib's own path; it takes the name that single agents have for no multi-agent set-up."""


class Path:
    """An env runner and a learner; samples a batch and learns from it."""

    def __init__(self, config: Any, runner_class: Any, rows_per_step: int) -> None:
        self.runner = runner_class(config=config, worker_index=0)
        spec = config.get_multi_rl_module_spec(spaces=self.runner.get_spaces())
        self.learner = config.learner_class(config=config, module_spec=spec)
        self.learner.build()
        self.minibatch = STEPS * rows_per_step // MINIBATCHES

    def sample(self) -> list[Any]:
        return self.runner.sample(num_timesteps=STEPS)

    def iteration(self, epochs: int) -> tuple[float, float]:
        """Seconds of sampling and of learning."""
        begun = time.perf_counter()
        episodes = self.sample()
        sampled = time.perf_counter()
        self.learner.update(
            episodes=episodes,
            timesteps={"num_env_steps_sampled_lifetime": 0},
            num_epochs=epochs,
            minibatch_size=self.minibatch,
            shuffle_batch_per_epoch=True,
        )
        return sampled - begun, time.perf_counter() - sampled


def team(environments: int = 1) -> Path:
    """Ours: 64 agents are one row."""
    hush_ray()
    register_env("still_team", StillTeam)
    env = StillTeam()
    config = (
        TRAINABLES["IPPO"]
        .get_default_config()
        .environment("still_team", observation_space=env.observation_space, action_space=env.action_space)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=environments)
        .rl_module(model_config={"network": "ippo", "options": {"hidden": list(HIDDEN)}})
        .debugging(seed=0, log_level="ERROR")
    )
    return Path(config, SingleAgentEnvRunner, 1)


def rllib_multi_agent() -> Path:
    """RLlib's own: 64 agents are 64 rows of one shared module."""
    register_env("still_agents", StillAgents)
    env = StillAgents()
    one = env.possible_agents[0]
    config = (
        PPOConfig()
        .environment("still_agents")
        .multi_agent(
            policies={SHARED: (None, env.observation_spaces[one], env.action_spaces[one], {})},
            policy_mapping_fn=lambda agent, episode, **kwargs: SHARED,
        )
        .env_runners(num_env_runners=0, num_envs_per_env_runner=1)
        .training(use_kl_loss=False)
        .rl_module(rl_module_spec=RLModuleSpec(model_config=DefaultModelConfig(fcnet_hiddens=list(HIDDEN))))
        .debugging(seed=0, log_level="ERROR")
    )
    return Path(config, MultiAgentEnvRunner, AGENTS)
