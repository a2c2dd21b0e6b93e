"""MAGIC: a scheduler decides in each round who listens to whom, then agents attend to whom they listen to.

Niu, Paleja and Gombolay, "Multi-Agent Graph-Attention Communication and Teaming", 2021, AAMAS.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import AgentGRU, layers_of, linear
from remalis_agents.networks.registry import register_network


class GraphAttention(nn.Module):
    r"""One round of attention along the edges of a graph, each agent being among its own neighbours.

    .. math:: x_i' = \mathrm{ELU}(\sum_j \alpha_{ij} W x_j), \quad
              \alpha_{ij} = \frac{g_{ij} e^{s_{ij}}}{\sum_k g_{ik} e^{s_{ik}}}, \quad
              s_{ij} = \mathrm{LeakyReLU}(a^\top W x_i + b^\top W x_j)

    Veličković et al., "Graph Attention Networks", 2017, arXiv:1710.10903. The edges g stand inside the softmax: what
    is not scheduled takes no weight from what is. They are 0 or 1, and may carry gradients.

    Shapes:
        ``[*, N, inputs]``, edges ``[*, N, N]`` without the agents themselves -> ``[*, N, outputs]``.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.message = linear(inputs, outputs, 1.0, bias=False)
        self.receiver = linear(outputs, 1, 1.0, bias=False)
        self.sender = linear(outputs, 1, 1.0, bias=False)

    def forward(self, inputs: Tensor, edges: Tensor) -> Tensor:
        messages = self.message(inputs)
        return nn.functional.elu(self.weights(messages, edges) @ messages)

    def weights(self, messages: Tensor, edges: Tensor) -> Tensor:
        """The attention ``[*, N, N]``."""
        edges = edges + torch.eye(edges.shape[-1], device=edges.device, dtype=edges.dtype)
        scores = nn.functional.leaky_relu(self.receiver(messages) + self.sender(messages).transpose(-1, -2), 0.2)
        # The largest score among the edges there are is the unit, and none beyond it counts for more: so the sum is 1
        # or larger, and an edge that is not there has a gradient of at most 1.
        largest = scores.masked_fill(edges == 0, -torch.inf).amax(-1, keepdim=True)
        parts = edges * (scores - largest).clamp(max=0.0).exp()
        return parts / parts.sum(-1, keepdim=True)


class Scheduler(nn.Module):
    r"""Draws a graph for each round out of the edges that are allowed.

    .. math:: g_{ij} = [\, z_{ij} + \epsilon_{ij} > 0 \,], \quad z_{ij} = w^\top \mathrm{ReLU}(U y_i + V y_j),
              \quad y = \mathrm{GAT}(m)

    with logistic noise, which is the Gumbel-softmax of two choices; backwards, g is the sigmoid of
    :math:`(z + \epsilon) / \tau`. Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", 2016,
    arXiv:1611.01144.

    Args:
        message: length of the messages m.
        hidden: width of the scheduler's own layers.
        rounds: R.
        temperature: :math:`\tau`.
        bias: of z at the beginning.

    Shapes:
        messages ``[*, N, message]``, edges ``[*, N, N]``, noise ``[*, N, N, R]`` or None -> ``[*, N, N, R]``.
    """

    def __init__(self, message: int, hidden: int, rounds: int, temperature: float, bias: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.attention = GraphAttention(message, hidden)
        self.receiver = linear(hidden, hidden)
        self.sender = linear(hidden, hidden, bias=False)
        self.score = linear(hidden, rounds, 0.01)
        for part in layers_of(self.score):
            nn.init.constant_(part.bias, bias)

    def forward(self, messages: Tensor, edges: Tensor, noise: Tensor | None) -> Tensor:
        encoded = self.attention(messages, edges)
        pairs = torch.relu(self.receiver(encoded).unsqueeze(-2) + self.sender(encoded).unsqueeze(-3))
        scores = self.score(pairs)
        soft = ((scores if noise is None else scores + noise) / self.temperature).sigmoid()
        hard = (soft > 0.5).to(soft.dtype)
        return (hard + soft - soft.detach()) * edges.unsqueeze(-1)


def pair_noise(uniform: Tensor) -> Tensor:
    """Logistic noise for all pairs of agents.

    Two draws an agent are kept with a step instead of N: the sum of a receiver's and a sender's, modulo 1, is uniform,
    and those of any two pairs are independent of each other.

    Args:
        uniform: ``[*, N, 2, R]`` in [0, 1).

    Returns:
        ``[*, N, N, R]``.
    """
    pairs = (uniform[..., 0, :].unsqueeze(-2) + uniform[..., 1, :].unsqueeze(-3)) % 1.0
    return pairs.logit(eps=1e-6)


@register_network("magic")
class MAGICNetwork(CommunicatingNetwork):
    """A drawn graph for each round, and attention along it.

    The noise behind the graphs is drawn once, when acting, and is an input like any other when learnt from: so the
    scheduler learns through the actions' log-probabilities, and has none of its own.

    ``extras["graphs"]`` is ``[*, N, N, R]``, 1 where row i listens to column j.

    Args:
        observation_size: D.
        action_count: A.
        rounds: R, rounds of messages in one step.
        message: length of a message.
        scheduler: width of the scheduler's layers.
        temperature: of the scheduler's choice, as its gradients see it.
        schedule_bias: what the scheduler's scores are at the beginning; agents listen more often than not.
        recurrent: width of a GRU between encoding and messages, heard along with them; 0 for none.
        **options: see :class:`.CommunicatingNetwork`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        rounds: int = 2,
        message: int = 32,
        scheduler: int = 32,
        temperature: float = 1.0,
        schedule_bias: float = 1.0,
        recurrent: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(observation_size, action_count, message + recurrent, **options)
        # One hop more than rounds: a sender's encoding, by which it is chosen, has its own neighbours in it.
        self.rounds = rounds + 1
        # The first message, which the scheduler attends to as well, then what the scheduler made of it.
        self.message_floats = rounds * message + scheduler
        self.recurrent = recurrent
        self.memory = AgentGRU(self.width, recurrent) if recurrent else None
        self.message = linear(recurrent or self.width, message, 1.0)
        self.scheduler = Scheduler(message, scheduler, rounds, temperature, schedule_bias)
        self.processors = nn.ModuleList(GraphAttention(message, message) for _ in range(rounds))

    def initial_state(self) -> dict[str, Tensor]:
        return {"memory": torch.zeros(self.recurrent)} if self.recurrent else {}

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        state, edges, drawn = {}, team.edges(), dict(team.drawn or {})
        if self.memory is not None:
            hidden, state["memory"] = self.memory(hidden, team.state["memory"])
        if not drawn and team.sample:
            shape = (*team.alive.shape, 2, len(self.processors))
            drawn["uniform"] = torch.rand(shape, device=hidden.device, dtype=hidden.dtype)
        messages = self.message(hidden)
        graphs = self.scheduler(messages, edges, pair_noise(drawn["uniform"]) if drawn else None)
        for k, processor in enumerate(self.processors):
            messages = processor(messages, graphs[..., k])
        # An agent attends to itself as well; where there is nobody else, nothing was heard.
        heard = messages * (edges.sum(-1, keepdim=True) > 0)
        content = torch.cat([hidden, heard], -1) if self.memory is not None else heard
        return Heard(content, {"graphs": graphs.detach()}, state, drawn)
