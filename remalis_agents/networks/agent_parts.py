"""What one agent's part of a network is made of: reading its vector, scoring its actions, estimating its value.

Baselines differ in what lies between reading and scoring; these ends are the same for all, so that a comparison
compares methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import layers_of, linear, mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.scale import RunningScale


class AgentReader(nn.Module):
    """Splits an agent's vector into its options and the rest, and scales both.

    Args:
        observation_size: D.
        action_count: A.
        layout: see :class:`.Layout`; None where nothing is known of the vector.

    Attributes:
        option_features: F, features of one option; 0 without a layout.
        size: C, length of the context: the rest of the vector, and what all options offer together (mean and maximum).

    Shapes:
        observations ``[*, N, D]`` -> options ``[*, N, K, F]`` (K as few as the batch has; None without a layout),
        context ``[*, N, C]``.
    """

    def __init__(
        self, observation_size: int, action_count: int, layout: Layout | Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.layout = Layout.of(layout, action_count)
        if self.layout is None:
            self.option_features, self.size = 0, observation_size
            self.scale = RunningScale(observation_size)
            return
        if self.layout.count != action_count or self.layout.stop > observation_size:
            raise ValueError(
                f"The layout describes {self.layout.count} options up to index {self.layout.stop}, but agents have "
                f"{action_count} actions and vectors of length {observation_size}."
            )
        rest = observation_size - self.layout.count * self.layout.features
        self.option_features, self.size = self.layout.features, rest + 2 * self.layout.features
        self.option_scale, self.rest_scale = RunningScale(self.layout.features), RunningScale(rest)

    def forward(self, observations: Tensor) -> tuple[Tensor | None, Tensor]:
        if self.layout is None:
            return None, self.scale(observations)
        options, exists, rest = self._split(observations)
        options = self.option_scale(options) * exists
        # Mean and maximum do not care in which order the options stand, nor how many others have.
        mean = options.sum(-2) / exists.sum(-2).clamp(min=1.0)
        most = options.masked_fill(exists == 0, -torch.inf).amax(-2)
        most = torch.where(exists.amax(-2) > 0, most, torch.zeros_like(most))
        return options, torch.cat([self.rest_scale(rest), mean, most], -1)

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        """Moves the running scales."""
        if self.layout is None:
            self.scale.observe(observations, alive)
            return
        options, exists, rest = self._split(observations)
        self.option_scale.observe(options, exists.squeeze(-1) * alive.unsqueeze(-1))
        self.rest_scale.observe(rest, alive)

    def exists(self, observations: Tensor, options: Tensor) -> Tensor:
        """Which of the ``options`` that the pass gave there are, ``[*, N, K]``."""
        at = self.layout
        assert at is not None
        if at.exists < 0:
            return torch.ones_like(options[..., 0])
        return observations[..., at.start + at.exists : at.stop : at.features][..., : options.shape[-2]]

    def _split(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Options ``[*, N, K, F]``, their flags ``[*, N, K, 1]``, the rest ``[*, N, D - A F]``."""
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


class ActionHead(nn.Module):
    r"""Scores each action: each option from its own features and the context, or all at once without a layout.

    .. math:: \text{logit}_k = w^\top \mathrm{ReLU}(U\,\mathrm{ReLU}(W_o x_k + W_c c))

    The same function scores every option, so permuting the options permutes the scores.

    Args:
        context: C, length of the context vector.
        action_count: A.
        option_features: F; 0 for a plain layer from the context to all scores.
        hidden: width of the scorer's two hidden layers.
        gain: of the last layer; small for logits, 1 for Q-values.

    Shapes:
        options ``[*, N, K, F]`` or None, context ``[*, N, C]`` -> scores ``[*, N, A]``, 0 where no option stands.
    """

    def __init__(
        self, context: int, action_count: int, option_features: int = 0, hidden: int = 32, gain: float = 0.01
    ) -> None:
        super().__init__()
        self.action_count = action_count
        if option_features:
            self.option = linear(option_features, hidden)
            self.context = linear(context, hidden)
            self.score = mlp([hidden, hidden, 1], last_gain=gain)
        else:
            self.plain = linear(context, action_count, gain)

    def forward(self, options: Tensor | None, context: Tensor) -> Tensor:
        if options is None:
            return self.plain(context)
        # The context enters once for all options: adding two projections costs K times less than joining the inputs.
        hidden = torch.relu(self.option(options) + self.context(context).unsqueeze(-2))
        scores = self.score(hidden).squeeze(-1)
        return nn.functional.pad(scores, (0, self.action_count - scores.shape[-1]))


class ValueHead(nn.Module):
    """Estimates values from a context, by an encoder of its own.

    Two encoders, because a value learns from large, noisy targets that would drown the policy's gradient.

    Shapes:
        context ``[*, N, C]`` -> values ``[*, N]``.
    """

    def __init__(self, context: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        self.body = mlp([context, *hidden, 1], last_gain=1.0)

    def forward(self, context: Tensor) -> Tensor:
        return self.body(context).squeeze(-1)

    def last_layers(self) -> list[nn.Linear]:
        """For :meth:`.TeamNetwork.value_heads`."""
        return layers_of(self.body[-1])
