"""CLAM: each agent models the others from its own observation, by a contrastive loss, and nobody sends anything.

Ma et al., "Contrastive learning-based agent modeling for deep reinforcement learning", 2024, arXiv:2401.00132. The
loss is that of van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018,
arXiv:1807.03748.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import Played, TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network


def info_nce(anchors: Tensor, targets: Tensor, temperature: float) -> Tensor:
    r"""Contrastive loss over R pairs, each pair's target told from all others'.

    .. math:: -\frac{1}{R} \sum_r \log \frac{\exp(a_r^\top t_r / \tau)}{\sum_s \exp(a_r^\top t_s / \tau)}

    Args:
        anchors: ``[R, E]``, of length 1.
        targets: ``[R, E]``, of length 1.
        temperature: :math:`\tau`.
    """
    scores = anchors @ targets.T / temperature
    return nn.functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


@register_network("clam")
class CLAMNetwork(TeamNetwork):
    """IPPO whose policy and value see, besides the own vector, an embedding of the neighbours made from it.

    In training the embedding is drawn to an encoding of what the neighbours observe, away from those of other
    neighbours and steps. The paper, which has one learning agent among strangers, contrasts two masked views of the
    own trajectory instead; a team that is trained together has the others' observations at hand.

    Args:
        observation_size: D.
        action_count: A.
        embedding: E, width of the embedding.
        coefficient: weight of the contrastive loss.
        temperature: of the contrastive loss.
        pairs: agents and steps of a minibatch that are contrasted at most, evenly spread; bounds cost and memory.
        hidden: widths of the hidden layers of the policy and of the value.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.
    """

    trained_by_own_losses = ("target",)

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        embedding: int = 16,
        coefficient: float = 0.1,
        temperature: float = 0.1,
        pairs: int = 512,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.coefficient, self.temperature, self.pairs = coefficient, temperature, pairs
        self.reader = AgentReader(observation_size, action_count, layout)
        size = self.reader.size
        self.encoder = mlp([size, *hidden])
        self.others = mlp([size, hidden[0], embedding], last_gain=1.0)
        self.target = mlp([size, hidden[0], embedding], last_gain=1.0)
        self.head = ActionHead(hidden[-1] + embedding, action_count, self.reader.option_features, option_hidden)
        self.value = ValueHead(size + embedding, hidden)

    def forward(self, team: TeamInputs) -> TeamOutput:
        options, context = self.reader(team.observations)
        others = nn.functional.normalize(self.others(context), dim=-1)
        logits = self.head(options, torch.cat([self.encoder(context), others], -1))
        # Detached: the embedding says what the others are like, not what a state is worth.
        values = self.value(torch.cat([context, others.detach()], -1))
        return TeamOutput(logits, values, {"others": others, "context": context})

    def losses(self, team: TeamInputs, output: TeamOutput, played: Played) -> dict[str, Tensor]:
        anchors, targets = output.extras["others"], self.targets(output.extras["context"], team)
        counts = (played.weights > 0) & (team.edges().sum(-1) > 0)
        rows = counts.flatten().nonzero().squeeze(-1)
        if len(rows) < 2:  # nothing to tell apart, but distributed learners want every parameter in the graph
            return {"contrastive_loss": 0.0 * (anchors.sum() + targets.sum())}
        if len(rows) > self.pairs:
            rows = rows[torch.linspace(0, len(rows) - 1, self.pairs, device=rows.device).long()]
        loss = info_nce(anchors.flatten(0, -2)[rows], targets.flatten(0, -2)[rows], self.temperature)
        return {"contrastive_loss": self.coefficient * loss}

    def targets(self, context: Tensor, team: TeamInputs) -> Tensor:
        """What each agent's embedding of the others should be: ``[*, N, E]``, from contexts ``[*, N, C]``."""
        return nn.functional.normalize(team.edges() @ self.target(context), dim=-1)

    def value_heads(self) -> list[nn.Linear]:
        return self.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
