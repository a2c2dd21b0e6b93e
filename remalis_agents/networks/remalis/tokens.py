"""An agent's vector as tokens, and the layers of a Transformer over them: for grounding, and for the body."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import AgentReader, Read
from remalis_agents.networks.layers import linear, mlp
from remalis_agents.networks.remalis.few import softmax

PIECE = 16
"""Numbers in a token where nothing says which of them belong together."""


class TokenLayer(nn.Module):
    """One layer of a Transformer over an agent's tokens, in pre-norm form.

    Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762; Xiong et al., "On Layer Normalization in the
    Transformer Architecture", 2020, arXiv:2002.04745.

    Args:
        width: w, a multiple of ``heads``.
        heads: heads, each of width w / heads.
        inner: the layers between have ``inner`` times w.
        gain: of what is added to a token by attention, and of what is added by the layers for itself.

    Shapes:
        tokens ``[*, N, M, w]``, exists ``[*, N, M]`` -> ``[*, N, M, w]``; the first ``asking`` alone where it is given.
    """

    def __init__(self, width: int, heads: int, inner: int = 2, gain: float = 1.0) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = linear(width, 3 * width, 1.0), linear(width, width, gain)
        self.own = mlp([width, inner * width, width], last_gain=gain)

    def forward(self, tokens: Tensor, exists: Tensor, asking: int | None = None) -> Tensor:
        parts = self.project(self.before(tokens)).unflatten(-1, (self.heads, 3, -1)).transpose(-3, -4)
        query, key, content = parts.unbind(-2)
        if asking is not None:
            tokens, query = tokens[..., :asking, :], query[..., :asking, :]
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        weights = softmax(scores, exists.unsqueeze(-2).unsqueeze(-2))
        tokens = tokens + self.out((weights @ content).transpose(-2, -3).flatten(-2))
        return tokens + self.own(self.between(tokens))


class AgentTokens(nn.Module):
    r"""What an agent sees, one token for each thing that it sees.

    .. math:: x_0 = s + W_s c, \quad x_m = W_e e_m + b_e + p_m, \quad x_k = W_o o_k + b_o

    First the agent itself, with c what its vector says besides, then its entities e (the arms of an intersection), then
    its options o (its phases, each with what it has to do with), which permute freely. An entity's place is told by
    p: sub-goals are named by it, and nothing in an arm's own numbers says which arm it is. There is one s and one p for
    all agents, whoever shares the rest.

    Without a layout nothing says which numbers belong together: the vector is cut into pieces of :data:`PIECE`, each
    with a layer of its own, as each feature has in Gorishniy et al., "Revisiting Deep Learning Models for Tabular
    Data", 2021, arXiv:2106.11959; the first token is then s alone.

    Args:
        reader: reads the vectors.
        entity_features: of an entity.
        width: w.

    Shapes:
        what was read of ``[*, N]`` agents, things ``[*, N, M, F]``, thing_exists ``[*, N, M]`` -> tokens
        ``[*, N, L, w]``, exists ``[*, N, L]``: L is 1 + M + K of the layout, or 1 and the pieces.
    """

    def __init__(self, reader: AgentReader, entity_features: int, width: int) -> None:
        super().__init__()
        at = reader.layout
        self.start = nn.Parameter(width**-0.5 * torch.randn(width))
        self.own = self.entity = self.option = self.pieces = None
        self.rest = reader.rest
        if at is None:
            sizes = [min(PIECE, self.rest - first) for first in range(0, self.rest, PIECE)]
            self.pieces = nn.ModuleList(linear(size, width, 1.0) for size in sizes)
            return
        self.option = linear(reader.option_features, width, 1.0)
        self.entities = slice(self.rest, self.rest)
        if at.entity_start >= 0:
            first = at.entity_start - (at.count * at.features if at.entity_start >= at.stop else 0)
            self.entities = slice(first, first + at.entity_count * at.entity_features)
            self.entity = linear(entity_features, width, 1.0)
            self.places = nn.Parameter(width**-0.5 * torch.randn(at.entity_count, width))
        own = self.rest - (self.entities.stop - self.entities.start)
        if own:
            self.own = linear(own, width, 1.0, bias=False)

    def forward(self, read: Read, things: Tensor, thing_exists: Tensor) -> tuple[Tensor, Tensor]:
        lead = read.context.shape[:-1]
        start = self.start.expand(*lead, 1, -1)
        if self.pieces is not None:
            cut = read.context.split(PIECE, -1)
            pieces = [layer(piece).unsqueeze(-2) for layer, piece in zip(self.pieces, cut, strict=True)]
            whole = torch.cat([start, *pieces], -2)
            return whole, torch.ones_like(whole[..., 0])
        assert self.option is not None and read.options is not None and read.exists is not None
        if self.own is not None:
            before, after = read.context[..., : self.entities.start], read.context[..., self.entities.stop : self.rest]
            start = start + self.own(torch.cat([before, after], -1)).unsqueeze(-2)
        tokens, exists = [start], [start.new_ones(*lead, 1)]
        if self.entity is not None:
            tokens.append(self.entity(things) + self.places)
            exists.append(thing_exists)
        tokens.append(self.option(read.options))
        exists.append(read.exists)
        return torch.cat(tokens, -2), torch.cat(exists, -1)
