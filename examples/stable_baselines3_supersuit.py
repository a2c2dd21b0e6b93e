"""Stable-Baselines3's PPO learns to run the traffic lights through SuperSuit.

Needs: pip install stable-baselines3 supersuit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import supersuit
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.vec_env import VecEnvWrapper

from remalis_envs import traffic_v0

N_ENVS = 2
HORIZON_S = 300
DECISIONS = HORIZON_S // 5  # an episode's, at one decision every five seconds


class FixedVecEnv(VecEnvWrapper):
    """Settles three things that SuperSuit 3.11 leaves open."""

    def seed(self, seed: int | None = None) -> list[int | None]:
        # SuperSuit's vector environments have no seed(), and its copies of one environment share its random state,
        # so that all would drive the same cars. reset(seed) gives copy k the seed ``seed + k``; later resets go on
        # from there.
        self.venv.venv.reset(seed=seed)
        return [seed] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        # Asked for ``render_mode`` by every wrapper of Stable-Baselines3, SuperSuit's own raises AttributeError.
        return [getattr(self.venv.venv, attr_name)] * self.num_envs

    def reset(self) -> dict[str, np.ndarray]:
        return self.venv.reset()

    def step_wait(self) -> Any:
        # Our episodes are cut at the horizon, they never end by themselves. SuperSuit merges the two; this key is
        # how Stable-Baselines3 hears of it and counts what would have come after.
        observations, rewards, dones, infos = self.venv.step_wait()
        for done, info in zip(dones, infos, strict=True):
            info["TimeLimit.truncated"] = bool(done)
        return observations, rewards, dones, infos


class MaskedMlp(MlpExtractor):
    """Hands the mask on beside what the policy's layers make of the features."""

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        # Dict spaces sort their keys: "action_mask" comes before "observation".
        return torch.cat([self.policy_net(features), features[:, : self.n_actions]], dim=1)


class MaskedPolicy(MultiInputActorCriticPolicy):
    """PPO's usual network, which gives phases that are illegal now no probability.

    PPO of Stable-Baselines3 knows no masks, and MaskablePPO of its contrib package cannot ask for them through
    SuperSuit. They are part of the observation, so a policy can read them there.
    """

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = MaskedMlp(self.features_dim, self.net_arch, self.activation_fn, self.device)
        self.mlp_extractor.n_actions = int(self.action_space.n)

    def _get_action_dist_from_latent(self, latent_pi: torch.Tensor) -> Distribution:
        latent, mask = latent_pi.split([self.mlp_extractor.latent_dim_pi, self.mlp_extractor.n_actions], dim=1)
        logits = self.action_net(latent).masked_fill(mask == 0, -1e9)
        return self.action_dist.proba_distribution(action_logits=logits)


def train(episodes: int) -> PPO:
    """Train on ``episodes`` episodes in each of two environments."""
    # SuperSuit turns every light into an environment of its own, all run by one policy: N_ENVS * 9 of them. The Dict
    # observation passes as it is; nothing needs flattening. SUMO runs once a process: the second environment moves
    # to a worker process by itself.
    lights = supersuit.pettingzoo_env_to_vec_env_v1(traffic_v0(level="easy", horizon_s=HORIZON_S))
    env = FixedVecEnv(supersuit.concat_vec_envs_v1(lights, N_ENVS, num_cpus=1, base_class="stable_baselines3"))
    try:
        transitions = DECISIONS * env.num_envs
        model = PPO(
            MaskedPolicy,
            env,
            n_steps=DECISIONS,
            batch_size=transitions // 4,
            n_epochs=5,
            gamma=0.95,
            seed=0,
            device="cpu",
        )
        model.learn(episodes * transitions)
        print(f"trained on {model.num_timesteps} decisions of {env.num_envs} traffic lights in {N_ENVS} environments")
    finally:
        env.close()
    return model


def evaluate(model: PPO, seed: int = 0) -> None:
    """Run one episode of unseen traffic; no SuperSuit is needed for it."""
    env = traffic_v0(level="easy", split="test", horizon_s=HORIZON_S)
    try:
        observations, _ = env.reset(seed=seed)
        replaced, total = 0, 0.0
        while env.agents:
            agents = env.agents
            batch = {key: np.stack([observations[a][key] for a in agents]) for key in ("action_mask", "observation")}
            actions, _ = model.predict(batch, deterministic=True)
            observations, rewards, _, _, infos = env.step(dict(zip(agents, actions.tolist(), strict=True)))
            replaced += sum(info["masked"] for info in infos.values())
            total += sum(rewards.values()) / len(rewards)
        print(f"an unseen episode: return {total:.2f} a light, mean delay {env.metrics()['mean_delay_s']:.1f} s")
        print(f"actions that the environment had to replace: {replaced}")
    finally:
        env.close()


def main(episodes: int = 5) -> None:
    """Train briefly, then drive one episode."""
    evaluate(train(episodes))


if __name__ == "__main__":
    main()
