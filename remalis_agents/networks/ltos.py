"""LToS: neighbours learn to share their rewards, and each agent learns to act for what it is then paid.

Yi et al., "Learning to Share in Multi-Agent Reinforcement Learning", 2021, arXiv:2112.08702.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from remalis_agents.networks.attention import masked_softmax
from remalis_agents.networks.base import Following, Played, TeamInputs, TeamOutput
from remalis_agents.networks.layers import linear, mlp
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.q_network import QNetwork, Related
from remalis_agents.networks.registry import register_network

FIRST_OWN_SHARE = 0.8
"""What an agent keeps of its reward before anything is learnt."""


class SharingPolicy(nn.Module):
    r"""How an agent splits its reward between itself and its neighbours.

    .. math:: w_{ij} = \mathrm{softmax}_{j \in N_i \cup \{i\}}\, s_{ij}, \quad s_{ij} = W_q g_i \cdot W_k g_j

    with a score of its own for what stays, so set that :data:`FIRST_OWN_SHARE` stays at first.

    Args:
        context: C.
        hidden: widths of the encoder g.
        size: width of queries and keys.

    Shapes:
        context ``[*, N, C]``, links ``[*, N, N]``, noise ``[*, N, 2]`` (on what an agent keeps, and on what it is
        given) -> shares ``[*, N, N]``, rows sum to 1.
    """

    def __init__(self, context: int, hidden: Sequence[int], size: int) -> None:
        super().__init__()
        self.encoder = mlp([context, *hidden])
        self.query = linear(hidden[-1], size, gain=0.1)
        self.key = linear(hidden[-1], size, gain=0.1)
        self.keep = linear(hidden[-1], 1, gain=0.01)

    def forward(self, context: Tensor, links: Tensor, noise: Tensor) -> Tensor:
        hidden = self.encoder(context)
        given = self.query(hidden) @ self.key(hidden).transpose(-1, -2) + noise[..., 1].unsqueeze(-2)
        # e^b / (e^b + n) is the first own share whatever the number n of neighbours.
        first = math.log(FIRST_OWN_SHARE / (1 - FIRST_OWN_SHARE)) + links.sum(-1).clamp(min=1.0).log()
        kept = self.keep(hidden).squeeze(-1) + first + noise[..., 0]
        own = torch.eye(links.shape[-1], device=links.device, dtype=links.dtype)
        return masked_softmax(torch.where(own > 0, kept.unsqueeze(-1), given), links + own)


@register_network("ltos")
class LToSNetwork(QNetwork):
    r"""Two levels that learn in turns: how to share rewards, and how to act given what one receives.

    .. math:: \tilde r_i = \sum_j w_{ji} r_j, \quad Q_i(o_i, w_{\cdot i}; a)

    The low level learns Q-values of the shared rewards :math:`\tilde r`; the high level climbs
    :math:`\sum_i V_i(o_i, w_{\cdot i})` by its gradient with respect to w. Rewards are shared along links that go both
    ways only. An agent sees of a neighbour what it is paid for its sake: the neighbour's encoding times the share
    received. While it explores, what is shared is disturbed by noise, so that the low level sees more than one way of
    sharing.

    Args:
        observation_size: D.
        action_count: A.
        hidden: widths of the encoders of both levels.
        option_hidden: width of the option scorer, see :class:`.ActionHead`.
        key_size: width of the sharing policy's queries and keys.
        noise: deviation of the noise on the scores of the sharing policy.
        low_updates: updates of the low level in a row.
        high_updates: updates of the high level in a row, after those.
        layout: see :class:`.Layout`.
    """

    trained_by_own_losses: ClassVar[tuple[str, ...]] = ("sharing.",)
    rounds = 2  # what a neighbour gives depends on its other neighbours, too

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        hidden: Sequence[int] = (64, 64),
        option_hidden: int = 64,
        key_size: int = 16,
        noise: float = 0.5,
        low_updates: int = 5,
        high_updates: int = 1,
        layout: Layout | Mapping[str, Any] | None = None,
    ) -> None:
        content = 2 * hidden[-1] + 2
        super().__init__(observation_size, action_count, content, hidden, option_hidden, False, layout)
        self.sharing = SharingPolicy(self.reader.size, hidden, key_size)
        self.send = linear(self.width, self.width)
        self.noise, self.low_updates, self.high_updates = noise, low_updates, high_updates
        self.message_floats = key_size + self.width + 1

    def relate(self, context: Tensor, team: TeamInputs) -> Related:
        edges = team.edges()
        links = edges * edges.transpose(-1, -2)
        noise = self._noise(team)
        shares = self.sharing(context, links, noise)
        taken = self._as_they_are(shares, context, links, noise)
        received = taken.transpose(-1, -2)
        own = received.diagonal(dim1=-2, dim2=-1)
        hidden = self.encoder(context)
        mail = (received * links) @ torch.relu(self.send(hidden))
        scalars = torch.stack([own, received.sum(-1) - own], -1)
        content = torch.cat([hidden, mail, scalars], -1)
        return Related(content, {"shares": shares, "taken": taken}, {"noise": noise} if self.noise else {})

    def _as_they_are(self, shares: Tensor, context: Tensor, links: Tensor, noise: Tensor) -> Tensor:
        """Shares as the low level takes them: it does not move the high level, which asks for its gradient here."""
        if not torch.is_grad_enabled():
            return shares
        # The same pass with fixed weights: what agents see still reaches the low level, as it does in play.
        fixed = {name: parameter.detach() for name, parameter in self.sharing.named_parameters()}
        taken = torch.func.functional_call(self.sharing, fixed, (context, links, noise))
        return taken if taken.requires_grad else taken.requires_grad_()

    def _noise(self, team: TeamInputs) -> Tensor:
        if team.drawn is not None and "noise" in team.drawn:
            return team.drawn["noise"]
        shape = (*team.alive.shape, 2)
        if team.sample and self.noise:
            return self.noise * torch.randn(shape, device=team.alive.device)
        return torch.zeros(shape, device=team.alive.device)

    def share_rewards(self, output: TeamOutput, rewards: Tensor) -> Tensor:
        received = output.extras["taken"].transpose(-1, -2)
        return (received @ rewards.unsqueeze(-1)).squeeze(-1)

    def replay_losses(
        self, team: TeamInputs, output: TeamOutput, played: Played, following: Following
    ) -> dict[str, Tensor]:
        shares, taken = output.extras["shares"], output.extras["taken"]
        value = played.mean(output.values)
        # A surrogate whose gradient with respect to w is that of the value, and that leaves the low level alone.
        (uphill,) = torch.autograd.grad(value, taken, retain_graph=True)
        return {"sharing_loss": -(shares * uphill).sum()}

    def resting(self, update: int) -> tuple[str, ...]:
        high = ("sharing.",)
        if update % (self.low_updates + self.high_updates) < self.low_updates:
            return high
        return tuple(f"{name}." for name, _ in self.named_children() if f"{name}." not in high)
