"""Untrained teams that play, for tests of what is recorded of them."""

from __future__ import annotations

from typing import Any

import torch

from remalis_agents.networks.layout import Layout
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.registration import make_team_env
from remalis_agents.team import Team

PARTNERS, TRAFFIC = "remalis/PartnersTeam-v0", "remalis/TrafficTeam-v0"


def team_for(env: Any, network: str = "remalis", spread: float = 0.3, sample: bool = False, **options: Any) -> Team:
    """A team that fits the team view ``env``; weights are spread out, so that heads say different things."""
    view, (n, size) = env.unwrapped, env.observation_space["obs"].shape
    actions = int(env.action_space.nvec[0])
    layout = Layout.of(view.layout, actions)
    described, words = layout.to_dict() if layout else None, (len(view.subgoals), len(view.concepts))
    spec = ModelSpec(network, size, actions, n, options, described, "full", *words)
    torch.manual_seed(1)
    model = TeamModel(spec)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn(parameter.shape))
    return Team(model, {"env": PARTNERS if n == 4 else TRAFFIC, "env_config": {}}, sample)


def partners(network: str = "remalis", sample: bool = False, steps: int = 12, **options: Any) -> tuple[Any, Team]:
    """The game of partners, four agents and four symbols, and a team for it."""
    env = make_team_env(PARTNERS, {"agents": 4, "symbols": 4, "horizon": steps})
    return env, team_for(env, network, sample=sample, **options)


def by_hand(env: Any, team: Team, seed: int) -> list[tuple[Any, Any, Any]]:
    """The same episode without the recorder: each step's pass, actions, and what the environment then said."""
    passes, steps = [], []
    hook = team.model.network.register_forward_hook(lambda module, given, output: passes.append(output))
    team.begin(seed)
    observation, _ = env.reset(seed=seed)
    over = False
    while not over:
        actions = team(observation)
        observation, _, terminated, truncated, info = env.step(actions)
        steps.append((passes[-1].extras["thought"], actions, info))
        over = terminated or truncated
    hook.remove()
    return steps
