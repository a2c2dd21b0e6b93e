"""The body: what an agent makes of what it sees, by layers, a small Transformer or a language model (equation 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.language.options import LanguageModel, LanguageModelError
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.agent_parts import AgentReader
from remalis_agents.networks.layers import linear, mlp
from remalis_agents.networks.remalis.options import Options
from remalis_agents.networks.remalis.thought import Thought
from remalis_agents.networks.remalis.tokens import AgentTokens, TokenLayer


class Seen(NamedTuple):
    """What a body makes of a batch."""

    state: Tensor
    """``[*, N, width]``, for all parts that come after."""
    scores: Tensor | None
    """``[*, N, A]``, log-probabilities of the legal actions as the body alone sees it, 0 for the others, times what
    they count; None for bodies that score none."""


class NumericBody(nn.Sequential):
    """Layers over an agent's vector.

    Args:
        inputs: C, length of the context.
        hidden: widths of the layers.
    """

    text: dict[str, Any] | None = None

    def __init__(self, inputs: int, hidden: tuple[int, ...]) -> None:
        super().__init__(*mlp([inputs, *hidden]))

    def forward(self, t: Thought) -> Seen:  # type: ignore[override]
        return Seen(super().forward(t.context), None)

    def check(self, weights: Mapping[str, Any]) -> None:
        """Any weights will do."""


class TransformerBody(nn.Module):
    r"""A small Transformer over what an agent sees, thing by thing.

    .. math:: x^{l+1} = \mathrm{Layer}(x^l), \quad \text{state} = \mathrm{norm}(x^L_0)

    with the tokens x of :class:`.AgentTokens`, of which those attend that exist, and the agent's own, the first, is
    read. What each layer adds is small to begin with, as L of them add up (Radford et al., 2019, "Language Models are
    Unsupervised Multitask Learners").

    Args:
        tokens: makes the tokens.
        width: w.
        layers: L.
        heads: of each.
    """

    text: dict[str, Any] | None = None

    def __init__(self, tokens: AgentTokens, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.tokens = tokens
        gain = (2 * layers) ** -0.5
        self.layers = nn.ModuleList(TokenLayer(width, heads, inner=4, gain=gain) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, t: Thought) -> Seen:
        tokens, exists = self.tokens(t.read, t.things, t.thing_exists)
        for layer in self.layers[:-1]:
            tokens = layer(tokens, exists)
        # Nobody looks at what the others would come to.
        tokens = self.layers[-1](tokens, exists, asking=1)
        return Seen(self.norm(tokens.squeeze(-2)), None)

    def check(self, weights: Mapping[str, Any]) -> None:
        """Any weights will do."""


class LanguageBody(nn.Module):
    r"""A language model that reads an agent's text.

    .. math:: x = W\,\mathrm{norm}(h), \quad
              \text{score}_a = e^{\kappa} \log \mathrm{softmax}_{a \in \text{legal}}(s_a)

    with h its hidden state at the text's last token and s its scores there of the labels of the actions, see
    :class:`remalis_agents.language.backbone.Backbone`. Agents without a text have x of h = 0, and no scores.

    Args:
        options: which language model.
        action_count: A.
        width: of x.

    Attributes:
        text: what an environment must be told so that it gives this body its texts: ``path`` and ``max_tokens``.

    Raises:
        LanguageModelError: the model cannot be loaded or does not fit.
    """

    def __init__(self, options: LanguageModel, action_count: int, width: int) -> None:
        super().__init__()
        from remalis_agents.language.backbone import Backbone

        self.action_count = action_count
        self.backbone = Backbone(options, action_count)
        self.text: dict[str, Any] | None = {"path": str(self.backbone.folder), "max_tokens": options.max_tokens}
        self.norm, self.read = nn.LayerNorm(self.backbone.width), linear(self.backbone.width, width, 1.0)
        self.kappa = nn.Parameter(torch.zeros(()))

    def forward(self, t: Thought) -> Seen:
        team = t.team
        if team.tokens is None:
            raise LanguageModelError(
                "This network's body is a language model, which was given no text: tokens are missing in the team's "
                "inputs. Environments of a training have them; demonstrations and other recordings do not."
            )
        *lead, length = team.tokens.shape
        rows = team.tokens.reshape(-1, length)
        there = (rows > 0).any(-1).nonzero().squeeze(-1)
        hidden = t.context.new_zeros(len(rows), self.backbone.width)
        scores = t.context.new_zeros(len(rows), self.action_count)
        if len(there):
            found, told = self.backbone(rows[there])
            legal = team.action_mask.reshape(len(rows), -1)[there]
            likelihood = mask_logits(told, legal).log_softmax(-1) * legal
            hidden = hidden.index_copy(0, there, self.norm(found).to(hidden.dtype))
            scores = scores.index_copy(0, there, (self.kappa.exp() * likelihood).to(scores.dtype))
        return Seen(self.read(hidden.view(*lead, -1)), scores.view(*lead, -1))

    def check(self, weights: Mapping[str, Any]) -> None:
        """Refuses weights that were learnt on another language model.

        Raises:
            LanguageModelError: these were.
        """
        from remalis_agents.language.backbone import check_same

        check_same(self.backbone, weights)


Body = NumericBody | TransformerBody | LanguageBody


def body_of(options: Options, reader: AgentReader, entity_features: int, action_count: int) -> Body:
    """The body that the options ask for; called with a thought of which everything is read it gives :class:`Seen`.

    Args:
        options: of the network.
        reader: reads the agents' vectors.
        entity_features: numbers of a thing that the agents look at.
        action_count: A.
    """
    width = options.hidden[-1]
    if options.language_model is not None:
        return LanguageBody(options.language_model, action_count, width)
    if options.body == "transformer":
        tokens = AgentTokens(reader, entity_features, width)
        return TransformerBody(tokens, width, options.body_layers, options.body_heads)
    return NumericBody(reader.size, options.hidden)
