"""The body: what an agent makes of what it sees, as a network of numbers or as a language model (equation 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.language.options import LanguageModel, LanguageModelError
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.layers import linear, mlp


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

    def forward(self, context: Tensor, team: TeamInputs) -> Seen:  # type: ignore[override]
        return Seen(super().forward(context), None)

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

    def forward(self, context: Tensor, team: TeamInputs) -> Seen:
        if team.tokens is None:
            raise LanguageModelError(
                "This network's body is a language model, which was given no text: tokens are missing in the team's "
                "inputs. Environments of a training have them; demonstrations and other recordings do not."
            )
        *lead, length = team.tokens.shape
        rows = team.tokens.reshape(-1, length)
        there = (rows > 0).any(-1).nonzero().squeeze(-1)
        hidden = context.new_zeros(len(rows), self.backbone.width)
        scores = context.new_zeros(len(rows), self.action_count)
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


Body = NumericBody | LanguageBody


def body_of(language_model: LanguageModel | None, inputs: int, hidden: tuple[int, ...], action_count: int) -> Body:
    """The body that the options ask for; called with a context ``[*, N, inputs]`` and the team it gives :class:`Seen`.

    Args:
        language_model: None for layers over numbers.
        inputs: C, length of the context.
        hidden: widths; a language model is mapped to the last.
        action_count: A.
    """
    if language_model is None:
        return NumericBody(inputs, hidden)
    return LanguageBody(language_model, action_count, hidden[-1])
