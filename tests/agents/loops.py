"""The learner's pipeline without starting Ray: an env runner and a learner, as the algorithm has them."""

from __future__ import annotations

import copy

from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from remalis_agents.registration import register_with_ray
from remalis_agents.rllib import TRAINABLES

RING = "toys:remalis-test/RingTeam-v0"
CHAIN = "toys:Chain"
OPTIONS = {"recurrent": {"recurrent": 8}}


def config_for(env, sample_env, network="ippo", **training):
    register_with_ray(env)
    real = "ippo" if network == "recurrent" else network
    model_config = {"network": real, "options": OPTIONS.get(network, {}), "max_seq_len": 4}
    return (
        TRAINABLES["IPPO"]
        .get_default_config()
        .environment(env, observation_space=sample_env.observation_space, action_space=sample_env.action_space)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=2)
        .training(**{"train_batch_size_per_learner": 40, "minibatch_size": 20, "gamma": 0.9, **training})
        .rl_module(model_config=model_config)
        .debugging(seed=0, log_level="ERROR")
    )


class Loop:
    """An env runner and a learner, as the algorithm has them."""

    def __init__(self, config):
        self.config = config
        self.runner = SingleAgentEnvRunner(config=config, worker_index=0)
        self.learner = config.learner_class(
            config=config, module_spec=config.get_multi_rl_module_spec(spaces=self.runner.get_spaces())
        )
        self.learner.build()
        self.module = self.learner.module["default_policy"]
        self.runner.module.set_state(self.module.get_state(inference_only=True))

    def batch(self, episodes):
        built = self.learner._learner_connector(
            rl_module=self.learner.module,
            batch={},
            episodes=copy.deepcopy(episodes),  # RLlib appends a step to them
            shared_data={},
            metrics=self.learner.metrics,
        )
        return built["default_policy"]

    def update(self, episodes, env_steps=0, epochs=1, minibatch_size=20):
        """One update, and its metrics as plain numbers."""
        found = self.learner.update(
            episodes=copy.deepcopy(episodes),
            timesteps={"num_env_steps_sampled_lifetime": env_steps},
            num_epochs=epochs,
            minibatch_size=minibatch_size,
        )["default_policy"]
        return {name: float(value.peek()) for name, value in found.items()}
