"""The short way between environments and policy: what is sampled by it is what RLlib's own pipelines give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from loops import RING, config_for
from ray.rllib.connectors.env_to_module import EnvToModulePipeline
from ray.rllib.connectors.module_to_env import ModuleToEnvPipeline
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from toys import ring_team

from remalis_agents.rllib.pipelines import TeamToEnv, TeamToModule


def _sampled(config):
    torch.manual_seed(0)
    runner = SingleAgentEnvRunner(config=config, worker_index=0)
    torch.manual_seed(1)
    return runner, [*runner.sample(num_timesteps=15), *runner.sample(num_timesteps=15)]


def _arrays(episode):
    yield "actions", np.asarray(episode.get_actions())
    yield "rewards", np.asarray(episode.get_rewards())
    for name, values in sorted(episode.get_observations().items()):
        yield f"observations {name}", np.asarray(values)
    for name in sorted(episode.extra_model_outputs):
        yield f"output {name}", np.asarray(episode.get_extra_model_outputs(name))


def _whole(config):
    return config.env_runners(env_to_module_connector=lambda env, spaces, device: [])


@pytest.mark.parametrize("name", ["ippo", "ic3net", "idqn", "recurrent"])
def test_what_is_sampled_is_what_rllibs_own_pipelines_give(name):
    """Bit for bit, types too: with draws that are kept, with random actions by epsilon, with a memory."""
    runner, short = _sampled(config_for(RING, ring_team(), network=name))
    assert type(runner._env_to_module) is TeamToModule
    assert type(runner._module_to_env) is TeamToEnv
    runner, long = _sampled(_whole(config_for(RING, ring_team(), network=name)))
    assert type(runner._env_to_module) is EnvToModulePipeline, "a user's own connectors take RLlib's way"
    assert type(runner._module_to_env) is ModuleToEnvPipeline
    compared = 0
    for ours, theirs in zip(short, long, strict=True):
        for (what, got), (expected_what, expected) in zip(_arrays(ours), _arrays(theirs), strict=True):
            assert what == expected_what
            assert got.dtype == expected.dtype, what
            np.testing.assert_array_equal(got, expected, err_msg=what)
            compared += 1
    assert compared > 20
