"""IPPO: every agent acts on its own observation, all share one network.

de Witt et al., "Is Independent Learning All You Need in the StarCraft Multi-Agent Challenge?", 2020,
arXiv:2011.09533.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import TeamNetwork, TeamOutput, mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network
from remalis_agents.networks.scale import RunningScale


class OptionScorer(nn.Module):
    r"""Scores each option from its own features and the context: the same function for every option.

    .. math:: \text{logit}_k = w^\top \mathrm{ReLU}(U\,\mathrm{ReLU}(W_o x_k + W_c c))

    Permuting the options permutes the logits.

    Args:
        features: F, features of one option.
        context: C, length of the context vector.
        hidden: width of the two hidden layers.

    Shapes:
        options ``[..., K, F]``, context ``[..., C]`` -> logits ``[..., K]``.
    """

    def __init__(self, features: int, context: int, hidden: int) -> None:
        super().__init__()
        self.option = mlp([features, hidden], last_gain=2**0.5)
        self.context = mlp([context, hidden], last_gain=2**0.5)
        self.score = mlp([hidden, hidden, 1], last_gain=0.01)

    def forward(self, options: Tensor, context: Tensor) -> Tensor:
        # The context enters once for all options: adding two projections costs K times less than joining the inputs.
        hidden = torch.relu(self.option(options) + self.context(context).unsqueeze(-2))
        return self.score(hidden).squeeze(-1)


@register_network("ippo")
class IPPONetwork(TeamNetwork):
    """Shared parameters, own observation, no messages.

    With a ``layout`` each option (a traffic phase, say) is scored from its own features and an embedding of the rest
    of the vector; without one a plain MLP maps the vector to all logits.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the hidden layers of the context (or of the plain MLP).
        option_hidden: width of the option scorer.
        layout: see :class:`Layout`; None for the plain MLP.

    Shapes:
        observations ``[B, N, D]`` -> logits ``[B, N, A]``, values ``[B, N]``.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 32,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.action_count = action_count
        self.layout = Layout.of(layout, action_count)
        widths = list(hidden)
        if self.layout is None:
            self.scale = RunningScale(observation_size)
            self.policy = mlp([observation_size, *widths, action_count], last_gain=0.01)
            self.value = mlp([observation_size, *widths, 1], last_gain=1.0)
            return
        if self.layout.count != action_count or self.layout.stop > observation_size:
            raise ValueError(
                f"The layout describes {self.layout.count} options up to index {self.layout.stop}, but agents have "
                f"{action_count} actions and vectors of length {observation_size}."
            )
        rest = observation_size - self.layout.count * self.layout.features
        self.option_scale, self.rest_scale = RunningScale(self.layout.features), RunningScale(rest)
        # Two encoders: a value learns from large, noisy targets that would otherwise drown the policy's gradient.
        pooled = 2 * self.layout.features
        self.context = mlp([rest + pooled, *widths])
        self.scorer = OptionScorer(self.layout.features, widths[-1], option_hidden)
        self.value = mlp([rest + pooled, *widths, 1], last_gain=1.0)

    def forward(self, observations: Tensor, alive: Tensor, adjacency: Tensor) -> TeamOutput:
        if self.layout is None:
            scaled = self.scale(observations)
            return TeamOutput(self.policy(scaled), self.value(scaled).squeeze(-1), {})
        options, context = self._encode(observations)
        return TeamOutput(self._score(options, context), self.value(context).squeeze(-1), {})

    def values(self, observations: Tensor, alive: Tensor, adjacency: Tensor) -> Tensor:
        context = self.scale(observations) if self.layout is None else self._encode(observations)[1]
        return self.value(context).squeeze(-1)

    def logits(self, observations: Tensor, alive: Tensor, adjacency: Tensor) -> Tensor:
        if self.layout is None:
            return self.policy(self.scale(observations))
        return self._score(*self._encode(observations))

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        if self.layout is None:
            self.scale.observe(observations, alive)
            return
        options, exists, rest = self._split(observations)
        self.option_scale.observe(options, exists.squeeze(-1) * alive.unsqueeze(-1))
        self.rest_scale.observe(rest, alive)

    def _split(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Options ``[B, N, K, F]``, K as few as the batch has, their flags ``[B, N, K, 1]``, the rest ``[B, N, C]``."""
        layout = self.layout
        assert layout is not None
        options = observations[..., layout.start : layout.stop].unflatten(-1, (layout.count, layout.features))
        if layout.exists < 0:
            exists = torch.ones_like(options[..., :1])
        else:
            # Padding is most of a vector on small maps, and need not be scored.
            used = (options[..., layout.exists] > 0).flatten(0, -2).any(0).nonzero()
            options = options[..., : int(used.amax()) + 1 if len(used) else 1, :]
            exists = options[..., layout.exists : layout.exists + 1]
        return options, exists, torch.cat((observations[..., : layout.start], observations[..., layout.stop :]), -1)

    def _encode(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled options ``[B, N, K, F]``, and the context ``[B, N, C + 2 F]``: the rest and what all options offer."""
        options, exists, rest = self._split(observations)
        options = self.option_scale(options) * exists
        # Mean and maximum do not care in which order the options stand.
        mean = options.sum(-2) / exists.sum(-2).clamp(min=1.0)
        return options, torch.cat([self.rest_scale(rest), mean, options.amax(-2)], -1)

    def _score(self, options: Tensor, context: Tensor) -> Tensor:
        logits = self.scorer(options, self.context(context))
        return nn.functional.pad(logits, (0, self.action_count - logits.shape[-1]))
