"""Feedback: what the neighbours' outcomes and the own past say to planning and grounding (section 3.2, algorithm 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.layers import AgentGRU, linear
from remalis_agents.networks.remalis.draws import Draws
from remalis_agents.networks.remalis.few import softmax, weighted_sum
from remalis_agents.networks.remalis.post import Post

_SLOPE = 0.2


class CoordinationFeedback(nn.Module):
    r"""Summarises the neighbourhood's outcomes by attention (equation 6).

    .. math:: \alpha^m_{ij} = \mathrm{softmax}_j\,
              \mathrm{LeakyReLU}_{0.2}(a^m_1 \cdot \phi^m_i + a^m_2 \cdot \phi^m_j),
              \quad c_i = \big\Vert_m \sum_{j \in N_i \cup \{i\}} \alpha^m_{ij} \phi^m_j, \quad \phi_j = W o_j

    A graph attention network of one layer: Velickovic et al., "Graph Attention Networks", 2017, arXiv:1710.10903. An
    agent's vector holds its last outcome, so c carries what became of what the neighbours did. One message to each
    neighbour, of type ``feedback``.

    Args:
        inputs: width of an agent's context.
        size: width of c, a multiple of ``heads``.
        heads: M.
        talks: whether agents send each other anything; else c is of the own outcome alone.

    Shapes:
        context ``[*, N, inputs]`` -> c ``[*, N, size]``.
    """

    def __init__(self, inputs: int, size: int, heads: int = 2, talks: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.encode = linear(inputs, size, 1.0)
        self.score = linear(size, 2 * heads, 1.0, bias=False) if talks else None

    def forward(self, context: Tensor, post: Post | None) -> Tensor:
        own = self.encode(context)
        if self.score is None or post is None:
            return torch.relu(own)
        told, reach = post.tell_all("feedback", own)
        everyone = torch.cat([told, own.unsqueeze(-2)], -2)
        asking, asked = self.score(everyone).split(self.heads, -1)
        scores = nn.functional.leaky_relu(asking[..., -1:, :] + asked, _SLOPE)
        weights = softmax(scores.transpose(-1, -2), reach.present.unsqueeze(-2))
        parts = everyone.unflatten(-1, (self.heads, -1)).transpose(-2, -3)
        return torch.relu(weighted_sum(weights, parts).flatten(-2))


class PastSummary(nn.Module):
    r"""What an agent remembers of its past: :math:`f_{1:t}` as the state of a recurrent unit, at constant cost a step.

    Shapes:
        inputs ``[B, T, N, inputs]``, state ``[B, N, size]`` -> ``[B, T, N, size]``, state.
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.unit = AgentGRU(inputs, size)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.unit(inputs, state)


class CoordinationError(nn.Module):
    r"""E: the share of an agent's dependent pairs that it believes misaligned, from its own view and messages.

    Shapes:
        inputs ``[*, N, inputs]`` -> logit ``[*, N]``; its sigmoid is E.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.estimate = linear(inputs, 1, 0.1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.estimate(inputs).squeeze(-1)


class ReplanningTrigger(nn.Module):
    r"""R: whether an agent plans anew, drawn from a probability that grows with its coordination error.

    .. math:: R_i \sim \mathrm{Bernoulli}\big(\sigma(w \cdot x_i + s\,(2 E_i - 1) + b)\big), \quad s > 0

    and R is 1 without a draw where the plan is ``every`` steps old, or there is none yet. R is part of the agent's
    decision: its log-probability is part of the ratio, and 0 where nothing was drawn.

    Args:
        inputs: width of what it looks at.
        every: K, steps after which a plan is renewed in any case.
    """

    def __init__(self, inputs: int, every: int) -> None:
        super().__init__()
        self.every = every
        self.look = linear(inputs, 1, 0.01)
        self.sensitivity = nn.Parameter(torch.ones(()))
        self.draws = Draws("replanning")

    def logits(self, inputs: Tensor, error: Tensor) -> Tensor:
        """``[*, N]``, of planning anew."""
        return self.look(inputs).squeeze(-1) + nn.functional.softplus(self.sensitivity) * (2.0 * error - 1.0)

    def draw(self, logits: Tensor, age: Tensor, sample: bool) -> Tensor:
        """R ``[B, T, N]``, from logits ``[B, T, N]`` and the plans' age ``[B, N]`` in steps before the first."""
        wanted = self.draws.happens(logits.sigmoid()) if sample else (logits > 0).to(logits.dtype)
        fired = []
        for now in wanted.unbind(1):
            fired.append(torch.where(self.forced(age), torch.ones_like(now), now))
            age = torch.where(fired[-1] > 0, torch.ones_like(age), age + 1.0)
        return torch.stack(fired, 1)

    def forced(self, age: Tensor) -> Tensor:
        """Where a plan is renewed without a draw; an age of 0 says that there is none."""
        return (age <= 0) | (age >= self.every)


def ages(fired: Tensor, age: Tensor) -> tuple[Tensor, Tensor]:
    """The plans' ages before and after each step.

    Args:
        fired: ``[B, T, N]``, 1 where a plan was renewed.
        age: ``[B, N]``, before the first step; 0 where there is no plan.

    Returns:
        ``[B, T, N]`` before each step, and ``[B, N]`` after the last; a plan of this step is 1 step old after it.
    """
    if fired.shape[1] == 1:  # as while acting: the same, without a search along time
        before = age.unsqueeze(1)
        return before, torch.where(fired > 0, 1.0, before + 1.0)[:, 0]
    steps = torch.arange(1, fired.shape[1] + 1, device=fired.device).view(1, -1, 1).to(fired.dtype)
    last = torch.where(fired > 0, steps, -age.unsqueeze(1) + 1).cummax(1).values
    after = steps - last + 1
    return torch.cat([age.unsqueeze(1), after[:, :-1]], 1), after[:, -1]


def held(fresh: Tensor, fired: Tensor, before: Tensor) -> Tensor:
    """What is valid at each step: the last that was fresh when its agent planned anew.

    Args:
        fresh: ``[B, T, N, S]``.
        fired: ``[B, T, N]``; a step at which it is 1 takes its fresh value.
        before: ``[B, N, S]``, valid before the first step.

    Returns:
        ``[B, T, N, S]``.
    """
    if fired.shape[1] == 1:
        return torch.where(fired.unsqueeze(-1) > 0, fresh, before.unsqueeze(1))
    steps = torch.arange(1, fired.shape[1] + 1, device=fired.device).view(1, -1, 1).to(fired.dtype)
    last = (steps * fired).cummax(1).values.long()
    return torch.cat([before.unsqueeze(1), fresh], 1).gather(1, last.unsqueeze(-1).expand(fresh.shape))
