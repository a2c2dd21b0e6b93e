"""What a team's network says of its own passes while it plays: means over an episode, measured alike for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from remalis_agents.networks.base import BYTES_PER_FLOAT, Mean, Played, TeamInputs, TeamNetwork
from remalis_envs.team import NO_OUTCOME

if TYPE_CHECKING:
    from remalis_agents.team import Team

RECEIVED_BYTES = "received_bytes"
"""Figure: bytes of messages that an agent receives in a step, mean over agents and steps."""


def happened(actions: Any, info: Mapping[str, Any], alive: Tensor) -> Played:
    """What became of one team's step, ``[..., N]`` as ``alive`` is.

    Args:
        actions: ``(N,)``, what the team did.
        info: what the team view then said of it.
        alive: float, 1 for agents that took part.
    """

    def of(name: str) -> Tensor:
        return torch.as_tensor(np.asarray(info[name])).view(alive.shape)

    acted = alive * (of("online") > 0)
    return Played(
        actions=torch.as_tensor(np.asarray(actions)).view(alive.shape),
        rewards=of("agent_rewards").float(),
        weights=acted,
        subgoals=torch.where(acted > 0, of("subgoals"), NO_OUTCOME),
        concepts=torch.where(acted > 0, of("concepts"), NO_OUTCOME),
        misaligned=of("misaligned").float(),
        carried=of("carried").float(),
    )


class EpisodeFigures:
    """Takes down each step that a team plays.

    Args:
        actor: the team; it has played a step before each :meth:`note`.
    """

    def __init__(self, actor: Team) -> None:
        self._actor = actor
        self._sums: dict[str, Mean] = {}

    @torch.no_grad()
    def note(self, actions: Any, info: Mapping[str, Any]) -> None:
        """Adds a step.

        Args:
            actions: ``(N,)``, what the team did.
            info: what the team view then said of it.
        """
        assert self._actor.decided is not None, "note() comes after a step"
        team, output = self._actor.decided
        network = self._actor.model.network
        played = happened(actions, info, team.alive)
        found = network.figures(output, played)
        if RECEIVED_BYTES not in found:
            found[RECEIVED_BYTES] = Mean.of(received_bytes(network, team), played.weights)
        for name, one in found.items():
            before = self._sums.get(name)
            self._sums[name] = one if before is None else before.plus(one)

    def means(self) -> dict[str, float]:
        """Each figure's mean over the episode; those of which nothing counted are left out."""
        return {name: float(one.value) for name, one in self._sums.items() if one.weight > 0}


def received_bytes(network: TeamNetwork, team: TeamInputs) -> Tensor:
    """Bytes ``[*, N]`` of a network that sends as many numbers over each link in each step."""
    return BYTES_PER_FLOAT * network.message_floats * team.edges().sum(-1)
