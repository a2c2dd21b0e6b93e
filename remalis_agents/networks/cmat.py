"""CMAT: agents agree on a latent consensus, then all act at once, each given the consensus.

Zhao et al., "Bridging MARL to SARL: An Order-Independent Multi-Agent Transformer via Latent Consensus", 2026,
arXiv:2604.13472.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.attention import masked_softmax
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import mlp, sharing
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network
from remalis_agents.networks.transformer import EncoderBlock, TeamAttention


class Pool(nn.Module):
    r"""A weighted mean over rows, :math:`\sum_i \mathrm{softmax}_i(g(x_i))\, x_i`.

    Shapes:
        rows ``[*, K, W]``, present ``[*, K]`` -> ``[*, W]``, 0 where nobody is present.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = mlp([width, width, 1], last_gain=1.0)

    def forward(self, rows: Tensor, present: Tensor) -> Tensor:
        weights = masked_softmax(self.gate(rows).squeeze(-1), present)
        return (weights.unsqueeze(-2) @ rows).squeeze(-2)


class ConsensusDecoder(nn.Module):
    """Thinks one token after another, each from those before it and from all agents; the consensus is their mean.

    Tokens are steps of thought, not agents, so no order of agents exists. The paper takes as many as there are
    agents; a fixed number keeps the cost of a large team down.

    Shapes:
        start ``[*, W]``, rows ``[*, N, W]``, alive ``[*, N]`` -> consensus ``[*, W]``.
    """

    def __init__(self, width: int, thoughts: int) -> None:
        super().__init__()
        self.position = nn.Parameter(0.1 * torch.randn(thoughts, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.remember, self.ask = TeamAttention(width), TeamAttention(width)
        self.next = mlp([width, width, width], last_gain=1.0)
        self.pool = Pool(width)

    def forward(self, start: Tensor, rows: Tensor, alive: Tensor) -> Tensor:
        tokens = start.unsqueeze(-2)
        for position in self.position:
            last = tokens[..., -1:, :] + position
            everything = torch.ones_like(tokens[..., :1]).transpose(-1, -2)
            last = last + self.remember(self.norms[0](last), self.norms[0](tokens), everything)
            last = last + self.ask(self.norms[1](last), rows, alive.unsqueeze(-2))
            tokens = torch.cat([tokens, self.next(self.norms[2](last))], -2)
        return self.pool(tokens, torch.ones_like(tokens[..., 0]))


@register_network("cmat")
class CMATNetwork(TeamNetwork):
    """One policy over all actions together, whose only coupling is the consensus: given it, agents act apart.

    The team is one agent to the learner, with one ratio and one value, as in the paper. Who neighbours whom, which
    the paper's agents do not know, enters the encoder's attention as a bias.

    Args:
        observation_size: D.
        action_count: A.
        width: of an agent's encoding and of the consensus.
        blocks: layers of the encoder.
        thoughts: tokens that the decoder makes before the consensus stands.
        hidden: widths of the hidden layers of the value.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.

    Attributes:
        message_floats: an agent's encoding, which everybody attends to.
    """

    joint_action = True
    rounds = None

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        width: int = 64,
        blocks: int = 1,
        thoughts: int = 4,
        hidden: Sequence[int] = (64,),
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.message_floats = width
        self.reader = AgentReader(observation_size, action_count, layout)
        self.embed = mlp([self.reader.size, width])
        self.head = ActionHead(2 * width, action_count, self.reader.option_features, option_hidden)
        with sharing(None):
            self.encoder = nn.ModuleList(EncoderBlock(width) for _ in range(blocks))
            self.norm = nn.LayerNorm(width)
            self.pool = Pool(width)
            self.decoder = ConsensusDecoder(width, thoughts)
            self.value = ValueHead(width, hidden)

    def forward(self, team: TeamInputs) -> TeamOutput:
        options, rows, summary = self._encode(team)
        consensus = self.decoder(summary, rows, team.alive)
        given = consensus.unsqueeze(-2).expand_as(rows)
        logits = self.head(options, torch.cat([rows, given], -1))
        return TeamOutput(logits, self._value(summary, team), {"consensus": consensus})

    def values(self, team: TeamInputs) -> Tensor:
        return self._value(self._encode(team)[2], team)

    def _encode(self, team: TeamInputs) -> tuple[Tensor | None, Tensor, Tensor]:
        """Options, every agent's encoding ``[*, N, W]`` and the team's ``[*, W]``."""
        options, context = self.reader(team.observations)
        rows, links = self.embed(context), team.edges()
        for block in self.encoder:
            rows = block(rows, team.alive, links)
        rows = self.norm(rows)
        return options, rows, self.pool(rows, team.alive)

    def _value(self, summary: Tensor, team: TeamInputs) -> Tensor:
        return self.value(summary).unsqueeze(-1).expand_as(team.alive)

    def value_heads(self) -> list[nn.Linear]:
        return self.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
