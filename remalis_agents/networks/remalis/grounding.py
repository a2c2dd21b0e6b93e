"""Grounding: what the things that an agent looks at are, in the words of its vocabulary (algorithm 2, equation 2)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import linear, sharing
from remalis_agents.networks.remalis.confusion import Confusion
from remalis_agents.networks.remalis.few import softmax, weighted_sum
from remalis_agents.networks.remalis.kept import Kept
from remalis_agents.networks.remalis.post import Post
from remalis_agents.networks.remalis.tokens import TokenLayer


class Grounded(NamedTuple):
    """What grounding found."""

    embedding: Tensor
    """e, ``[*, N, w]``."""
    concept_logits: Tensor
    """``[*, N, M, V]``, of each entity, after the gate of confusion."""
    attention: Tensor
    """``[*, N, M, V]``, each entity's attention over the vocabulary."""
    exists: Tensor
    """``[*, N, M]``."""
    entities: Tensor
    """``[*, N, M, w]``, each entity as it was grounded; 0 where there is none."""

    def uncertainty(self) -> Tensor:
        r"""U, ``[*, N]``: mean entropy of the entities' concepts, in nats; :math:`\log V` where nothing is known."""
        entropy = -(self.attention * self.attention.clamp(min=1e-12).log()).sum(-1)
        return (entropy * self.exists).sum(-1) / self.exists.sum(-1).clamp(min=1.0)


class Grounding(nn.Module):
    r"""Grounds entities in the vocabulary (algorithm 2).

    .. math:: h = \mathrm{Encoder}(s, I, f_{1:t}), \quad A = \mathrm{softmax}(G(h W_q (V + \log(1 + M) W_M)^\top)),
              \quad e = \mathrm{Conv}(A V) + P, \quad P = W_P f

    with the entities as tokens h, V the embeddings of the concepts, M the memory of confusions, G the gate of
    confusion (equation 10), a convolution over neighbouring entities, and the mean over the entities that exist.

    Args:
        features: of an entity.
        given: width of what the agent knows besides: its state, intention and past.
        feedback: width of what it is told upstream; 0 for P = 0.
        concepts: V.
        width: w.
        layers, heads: of the encoder.
        confusion: the gate and the memory.
    """

    def __init__(
        self,
        features: int,
        given: int,
        feedback: int,
        concepts: int,
        width: int,
        layers: int,
        heads: int,
        confusion: Confusion,
    ) -> None:
        super().__init__()
        self.entity, self.given = linear(features, width, 1.0), linear(given, width, 1.0)
        self.encoder = nn.ModuleList(TokenLayer(width, heads) for _ in range(layers))
        with sharing(None):
            # One vocabulary for all, whoever shares the rest.
            self.vocabulary = nn.Embedding(concepts, width)
            nn.init.normal_(self.vocabulary.weight, std=width**-0.5)
            self.remembered = linear(concepts, width, 0.1, bias=False)
        self.query = linear(width, width, 1.0)
        self.convolution = linear(3 * width, width, 1.0)
        self.told = linear(feedback, width, 1.0, bias=False) if feedback else None
        # Not a submodule of this one: it belongs to the network, which moves it.
        self._confusion = [confusion]
        self._keys = Kept()

    def keys(self) -> Tensor:
        """What entities are compared with, ``[V, w]``."""
        words, memory = self.vocabulary.weight, self._confusion[0].memory
        behind = (words, memory, *self.remembered.parameters())
        return self._keys.of(behind, lambda: words + self.remembered(torch.log1p(memory)))

    def forward(self, entities: Tensor, exists: Tensor, given: Tensor, feedback: Tensor | None) -> Grounded:
        """Grounds; shapes as in :class:`.Entities`, ``given`` and ``feedback`` ``[*, N, ...]``."""
        tokens = torch.relu(self.entity(entities) + self.given(given).unsqueeze(-2))
        for layer in self.encoder:
            tokens = layer(tokens, exists)
        logits = self._confusion[0](self.query(tokens) @ self.keys().T)
        attention = softmax(logits)
        meanings = (attention @ self.vocabulary.weight + tokens) * exists.unsqueeze(-1)
        around = torch.cat([meanings.roll(1, -2), meanings, meanings.roll(-1, -2)], -1)
        features = torch.relu(self.convolution(around)) * exists.unsqueeze(-1)
        embedding = features.sum(-2) / exists.sum(-1, keepdim=True).clamp(min=1.0)
        if self.told is not None and feedback is not None:
            embedding = embedding + self.told(feedback)
        return Grounded(embedding, logits, attention, exists, features)


class Composition(nn.Module):
    r"""What the neighbourhood grounded together (equation 2).

    .. math:: g(x)_i = e_i + f\big(\textstyle\sum_{j \in N_i \cup \{i\}} w_{ij}\, e_j\big), \quad
              w_i = \mathrm{softmax}_j(u \cdot e_j)

    with f one layer of a graph network. Each agent sends its embedding and its score, as one message of type
    ``grounding``. The weights w are trained towards the share of the work that each really did.

    Shapes:
        e ``[*, N, w]`` -> g ``[*, N, w]``, weights ``[*, N, K + 1]`` over the slots and, last, oneself.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = linear(width, 1, 0.1)
        self.layer = linear(width, width, 1.0)

    def forward(self, embedding: Tensor, post: Post) -> tuple[Tensor, Tensor]:
        mine = torch.cat([embedding, self.score(embedding)], -1)
        told, reach = post.tell_all("grounding", mine)
        everyone = torch.cat([told, mine.unsqueeze(-2)], -2)
        weights = softmax(everyone[..., -1], reach.present)
        whole = weighted_sum(weights, everyone[..., :-1])
        return embedding + torch.relu(self.layer(whole)), weights
