"""Base of the value-based networks: read, encode, relate to others, then value each action."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import mlp
from remalis_agents.networks.layout import Layout


def best_values(q_values: Tensor, action_mask: Tensor) -> Tensor:
    """Each agent's largest Q-value ``[*, N]`` among the legal actions of ``[*, N, A]``."""
    return mask_logits(q_values, action_mask).amax(-1)


def duelling_values(value: Tensor, advantages: Tensor, action_mask: Tensor) -> Tensor:
    r"""Q-values from a value of the state and advantages of the actions.

    .. math:: Q(s, a) = V(s) + A(s, a) - \frac{1}{|L|} \sum_{a' \in L} A(s, a')

    Wang et al., "Dueling Network Architectures for Deep Reinforcement Learning", 2015, arXiv:1511.06581. The mean is
    over the legal actions L: those that are not there must not move the others.

    Shapes:
        value ``[*, N]``, advantages and mask ``[*, N, A]`` -> ``[*, N, A]``.
    """
    legal = action_mask.to(advantages.dtype)
    mean = (advantages * legal).sum(-1) / legal.sum(-1).clamp(min=1.0)
    return advantages + (value - mean).unsqueeze(-1)


class Related(NamedTuple):
    """What an agent knows after it heard others; all but the content as in :class:`.TeamOutput`."""

    content: Tensor
    """``[*, N, content]``, what Q-values depend on besides an option's own features."""
    extras: dict[str, Any] = {}
    drawn: dict[str, Tensor] = {}


class QNetwork(TeamNetwork):
    """One Q-value for each of an agent's actions; ``values`` are those of the best legal ones.

    Subclasses implement :meth:`relate`, and say how wide its result is.

    Args:
        observation_size: D.
        action_count: A.
        content: width of what :meth:`relate` returns; None for the width of the encoding.
        hidden: widths of the hidden layers of the encoder.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        duelling: whether Q is a value of the state plus advantages, see :func:`duelling_values`.
        layout: see :class:`.Layout`.
    """

    value_based: ClassVar[bool] = True

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        content: int | None = None,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        duelling: bool = False,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.reader = AgentReader(observation_size, action_count, layout)
        self.encoder = mlp([self.reader.size, *hidden])
        self.width = hidden[-1]
        width = content or self.width
        self.head = ActionHead(width, action_count, self.reader.option_features, option_hidden, gain=1.0)
        self.state_value = ValueHead(width, hidden[-1:]) if duelling else None

    @abstractmethod
    def relate(self, context: Tensor, team: TeamInputs) -> Related:
        """Lets the agents hear each other, or not.

        Args:
            context: ``[*, N, C]``, each agent's own vector as it is read, C being ``self.reader.size``.
            team: the inputs; :meth:`.TeamInputs.edges` says who hears whom.
        """

    def forward(self, team: TeamInputs) -> TeamOutput:
        options, context = self.reader(team.observations)
        related = self.relate(context, team)
        scores = self.head(options, related.content)
        if self.state_value is not None:
            scores = duelling_values(self.state_value(related.content), scores, team.action_mask)
        return TeamOutput(scores, best_values(scores, team.action_mask), related.extras, drawn=related.drawn)

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)


def with_self(team: TeamInputs) -> Tensor:
    """``[*, N, N]``, 1 where j is i itself or heard by i."""
    own = torch.eye(team.alive.shape[-1], device=team.alive.device, dtype=team.alive.dtype)
    return team.edges() + own
