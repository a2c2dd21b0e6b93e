"""A policy of TorchRL that respects action masks rolls out on the traffic lights.

Needs: pip install torchrl.
"""

from __future__ import annotations

import torch
from tensordict.nn import InteractionType, TensorDictModule
from torch import nn
from torchrl.envs import PettingZooWrapper
from torchrl.modules import MaskedCategorical, ProbabilisticActor

from remalis_envs import traffic_v0
from remalis_envs.traffic.observations import OBSERVATION_SIZE


def make_policy(n_actions: int) -> ProbabilisticActor:
    """One network for every light: its own observation in, a choice among its legal phases out."""
    network = nn.Sequential(nn.Linear(OBSERVATION_SIZE, 64), nn.Tanh(), nn.Linear(64, n_actions))
    # The vector lies at (group, "observation", "observation"): our observation is a Dict, so it nests once more.
    logits = TensorDictModule(network, [("lights", "observation", "observation")], [("lights", "logits")])
    return ProbabilisticActor(
        logits,
        # The wrapper lifts the mask out of the observation to (group, "action_mask"), where a distribution that
        # knows masks takes it. Without it most choices would be illegal and replaced by the environment.
        in_keys={"logits": ("lights", "logits"), "mask": ("lights", "action_mask")},
        out_keys=[("lights", "action")],
        distribution_class=MaskedCategorical,
        # The default takes the likeliest action: an untrained network would hold one phase as long as it is legal.
        default_interaction_type=InteractionType.RANDOM,
    )


def main(decisions: int = 60) -> None:
    """Roll out ``decisions`` decisions of five seconds each."""
    torch.manual_seed(0)
    lights = traffic_v0(level="easy")
    # By default TorchRL groups agents called name_0, name_1, ...; ours are called by their place on the map, and
    # without a group map each would be a group of its own. One group makes one batch of all lights.
    env = PettingZooWrapper(lights, group_map={"lights": lights.possible_agents}, seed=0)
    try:
        policy = make_policy(int(lights.action_space(lights.possible_agents[0]).n))
        with torch.no_grad():
            rollout = env.rollout(decisions, policy)
        after = rollout["next", "lights"]
        legal = rollout["lights", "action_mask"].sum(-1).float()
        print(f"{rollout.batch_size[0]} decisions of {len(lights.possible_agents)} traffic lights")
        print(f"observations {tuple(rollout['lights', 'observation', 'observation'].shape)}")
        print(f"legal phases at a decision: {legal.mean():.1f} on average, {int(legal.max())} at most")
        print(f"actions that the environment had to replace: {int(after['info', 'masked'].sum())}")
        print(f"mean reward {after['reward'].mean():.3f}, mean delay so far {lights.metrics()['mean_delay_s']:.1f} s")
    finally:
        env.close()  # ends the simulation too


if __name__ == "__main__":
    main()
