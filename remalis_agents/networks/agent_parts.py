"""What one agent's part of a network is made of: reading its vector, scoring its actions, estimating its value.

Baselines differ in what lies between reading and scoring; these ends are the same for all, so that a comparison
compares methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.entities import Entities
from remalis_agents.networks.layers import layers_of, linear, mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.scale import RunningScale
from remalis_agents.networks.transformer import EncoderBlock


class Read(NamedTuple):
    """What an agent's vector says."""

    options: Tensor | None
    """``[*, N, K, F]``, K as few as the batch has; None without a layout."""
    context: Tensor
    """``[*, N, C]``."""
    exists: Tensor | None = None
    """``[*, N, K]``, 1 for options that there are."""
    entities: Tensor | None = None
    """``[*, N, M, G]``, and which of them exist, ``[*, N, M]``; None where options have nothing to do with any."""
    entity_exists: Tensor | None = None
    shares: Tensor | None = None
    """``[*, N, K, M]``, weights of a mean over the entities that an option has to do with."""


class AgentReader(nn.Module):
    """Splits an agent's vector into its options and the rest, and scales both.

    What an option has to do with (the arms that a phase serves) stands beside its own features, as a mean. The context
    is the rest of the vector and what all options offer together (mean and maximum), beside the one that stands now.

    Args:
        observation_size: D.
        action_count: A.
        layout: see :class:`.Layout`; None where nothing is known of the vector.
        dropout: share of the inputs that is left out in training, so that nothing is learnt by heart from a few of
            them; 0 for training by reward, where the policy that learns has to be the one that acted.

    Attributes:
        option_features: F, features of one option; 0 without a layout.
        size: C, length of the context.
        rest: numbers of the vector that are not options'; the context begins with them.
        entities: reads what options have to do with; None where nothing is known of it.

    Shapes:
        observations ``[*, N, D]`` -> options ``[*, N, K, F]``, context ``[*, N, C]``; :meth:`read` gives more.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        layout: Layout | Mapping[str, Any] | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.layout = Layout.of(layout, action_count)
        self.entities: Entities | None = None
        if self.layout is None:
            self.option_features, self.size = 0, observation_size
            self.rest = observation_size
            self.scale = RunningScale(observation_size)
            return
        at = self.layout
        if at.count != action_count or at.stop > observation_size:
            raise ValueError(
                f"The layout describes {at.count} options up to index {at.stop}, but agents have "
                f"{action_count} actions and vectors of length {observation_size}."
            )
        self.rest = rest = observation_size - at.count * at.features
        self.option_features = at.features
        if at.option_entities >= 0:
            self.entities = Entities(observation_size, at)
            self.option_features += self.entities.features
        self.size = rest + (2 if at.current < 0 else 3) * self.option_features
        self.option_scale, self.rest_scale = RunningScale(at.features), RunningScale(rest)

    def forward(self, observations: Tensor) -> tuple[Tensor | None, Tensor]:
        found = self.read(observations)
        return found.options, found.context

    def read(self, observations: Tensor) -> Read:
        """Everything that the vector says."""
        at = self.layout
        if at is None:
            return Read(None, self.dropout(self.scale(observations)))
        raw, exists, rest = self._split(observations)
        options = self.dropout(self.option_scale(raw)) * exists
        entities = entity_exists = shares = None
        if self.entities is not None:
            entities, entity_exists = self.entities(observations)
            shares = raw[..., at.option_entities : at.option_entities + at.entity_count]
            shares = shares / shares.sum(-1, keepdim=True).clamp(min=1.0)
            options = torch.cat([options, shares @ entities], -1)
        # Mean and maximum do not care in which order the options stand, nor how many others have.
        mean = options.sum(-2) / exists.sum(-2).clamp(min=1.0)
        most = options.masked_fill(exists == 0, -torch.inf).amax(-2)
        most = torch.where(exists.amax(-2) > 0, most, torch.zeros_like(most))
        parts = [self.dropout(self.rest_scale(rest)), mean, most]
        if at.current >= 0:
            parts.append((options * (raw[..., at.current : at.current + 1] > 0)).sum(-2))
        return Read(options, torch.cat(parts, -1), exists.squeeze(-1), entities, entity_exists, shares)

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        """Moves the running scales."""
        if self.layout is None:
            self.scale.observe(observations, alive)
            return
        options, exists, rest = self._split(observations)
        self.option_scale.observe(options, exists.squeeze(-1) * alive.unsqueeze(-1))
        self.rest_scale.observe(rest, alive)
        if self.entities is not None:
            self.entities.observe(observations, alive)

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


class Match(nn.Module):
    r"""How well each option is what the context asks for.

    .. math:: s_k = W_q x_k \cdot \mathrm{ReLU}(W_c c)

    Where options say what they have to do with (the arms that a phase serves), the context need not be told of each
    option: it asks for arms. A sum of both, as in a layer over the two, cannot say this.

    Args:
        context: C, length of the context vector.
        features: F, of an option.
        hidden: width of the product.
        gain: of the options' side; small for logits.

    Shapes:
        options ``[*, N, K, F]``, context ``[*, N, C]`` -> ``[*, N, K]``.
    """

    def __init__(self, context: int, features: int, hidden: int, gain: float = 0.01) -> None:
        super().__init__()
        self.offer, self.ask = linear(features, hidden, gain), linear(context, hidden)

    def forward(self, options: Tensor, context: Tensor) -> Tensor:
        return (self.offer(options) @ torch.relu(self.ask(context)).unsqueeze(-1)).squeeze(-1)


class ActionHead(nn.Module):
    r"""Scores each action: each option from its own features and the context, or all at once without a layout.

    .. math:: \text{logit}_k = w^\top \mathrm{ReLU}(U\,\mathrm{ReLU}(W_o x_k + W_c c)) + s_k

    with s the :class:`Match` of option and context. The same function scores every option, so permuting the options
    permutes the scores. Blocks of attention let an option know of the others before it is scored: that the box above
    it is still empty, or that another is far more alike to what is asked for.

    Args:
        context: C, length of the context vector.
        action_count: A.
        option_features: F; 0 for a plain layer from the context to all scores.
        hidden: width of the scorer's two hidden layers, and of the match.
        gain: of the last layer; small for logits, 1 for Q-values.
        blocks: of attention among the options, :class:`.EncoderBlock`, for which ``hidden`` is a multiple of 4; their
            weights are one set for all agents.
        dropout: share of what blocks add that is left out in training; 0 for training by reward, where the policy
            that learns has to be the one that acted.

    Shapes:
        options ``[*, N, K, F]`` or None, context ``[*, N, C]``, exists ``[*, N, K]`` (for attention) -> scores
        ``[*, N, A]``, 0 where no option stands.

    Raises:
        ValueError: attention is asked for where there are no options.
    """

    def __init__(
        self,
        context: int,
        action_count: int,
        option_features: int = 0,
        hidden: int = 32,
        gain: float = 0.01,
        blocks: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.action_count = action_count
        if blocks and not option_features:
            raise ValueError("Options cannot attend to one another where no layout says where they stand.")
        if option_features:
            self.option = linear(option_features, hidden)
            self.context = linear(context, hidden)
            self.score = mlp([hidden, hidden, 1], last_gain=gain)
            self.match = Match(context, option_features, hidden, gain)
            self.blocks = nn.ModuleList(EncoderBlock(hidden, linked=False, dropout=dropout) for _ in range(blocks))
        else:
            self.plain = linear(context, action_count, gain)

    def forward(self, options: Tensor | None, context: Tensor, exists: Tensor | None = None) -> Tensor:
        if options is None:
            return self.plain(context)
        # The context enters once for all options: adding two projections costs K times less than joining the inputs.
        hidden = torch.relu(self.option(options) + self.context(context).unsqueeze(-2))
        for block in self.blocks:
            hidden = block(hidden, torch.ones_like(hidden[..., 0]) if exists is None else exists)
        scores = self.score(hidden).squeeze(-1) + self.match(options, context)
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
