"""Who hears whom, as a few slots for each agent: whatever lies between two agents lies in one of these.

The paper's sums and products over teammates run over the neighbourhood. N agents with at most K neighbours have N K
slots, not N N pairs: a road network has about four neighbours an agent, however large it is.
"""

from __future__ import annotations

import warnings
from functools import cached_property

import torch
from torch import Tensor


class Reach:
    """Who gets messages in a pass, and what follows from that alone: worked out once for all who ask.

    Args:
        delivered: ``[*, N, K]``, 1 in the slots of agents that are heard.
        mutual: ``[*, N, K]``, 1 where besides the one who is heard keeps a slot for the one who hears.
    """

    def __init__(self, delivered: Tensor, mutual: Tensor) -> None:
        self.delivered, self.mutual = delivered, mutual

    @cached_property
    def share(self) -> Tensor:
        """``[*, N, K]``, weights of the mean over those who are heard; 0 for who hears nobody."""
        return self.delivered / self.delivered.sum(-1, keepdim=True).clamp(min=1.0)

    @cached_property
    def present(self) -> Tensor:
        """``[*, N, K + 1]``, 1 in the slots of those who are heard and, last, for oneself."""
        return torch.cat([self.delivered, torch.ones_like(self.delivered[..., :1])], -1)


class Links:
    """The neighbourhoods of a batch of teams.

    Attributes:
        alone: whether this is one agent's side of a real network, which loses messages by itself.
        index: ``[*, N, K]`` long, the agent in each slot; any where the slot is empty.
        heard: ``[*, N, K]`` float, 1 where the slot's agent can be heard now.
        slots: ``[B, N, K]`` float, the agent in each slot plus one, 0 where none was ever; kept as state, so that an
            agent who comes back finds its own slot, and with it what was remembered of it.
    """

    alone = False

    def __init__(self, slots: Tensor, edges: Tensor) -> None:
        """Places the neighbours.

        Args:
            slots: ``[B, N, K]``, as they were before.
            edges: ``[B, T, N, N]``, 1 where row i hears column j; see :meth:`.TeamInputs.edges`.
        """
        b, t, n, _ = edges.shape
        self.slots = slots = place(slots, edges[:, 0])
        if t > 1 and not bool((edges <= _placed(slots, n).unsqueeze(1)).all()):
            steps = [slots]
            for k in range(1, t):
                steps.append(place(steps[-1], edges[:, k]))
            each, self.slots = torch.stack(steps, 1), steps[-1]
        else:
            each = slots.unsqueeze(1).expand(b, t, *slots.shape[1:])
        # A slot that is empty points at its own agent, whom it never hears.
        own = torch.arange(n).view(n, 1).to(slots.device)
        self.index = torch.where(each > 0, each.long() - 1, own)
        self.heard = edges.gather(-1, self.index)
        self._set_rows(b * t, n, each.shape[-1])

    def _set_rows(self, teams: int, n: int, k: int) -> None:
        """Where, in flattened tensors, each slot's agent stands, and that agent's own slot for this one."""
        index = self.index.reshape(teams, n, k)
        first = torch.arange(0, teams * n, n, device=index.device).view(teams, 1, 1)
        rows = index + first
        back = index.reshape(teams, n * k).unsqueeze(-1)
        # The slot, among those of the agent heard, in which that agent keeps this one.
        theirs = index.gather(1, back.expand(-1, -1, k)).view(teams, n, k, k)
        heard = self.heard.reshape(teams, n, k)
        their_heard = heard.gather(1, back.expand(-1, -1, k)).view(teams, n, k, k)
        own = torch.arange(n, device=index.device).view(1, n, 1, 1)
        mine = (theirs == own) & (their_heard > 0)
        self._rows = rows.reshape(-1)
        self._twins = (rows * k + mine.to(torch.uint8).argmax(-1)).reshape(-1)
        self.mutual = self.heard * mine.any(-1).to(self.heard.dtype).view_as(self.heard)

    def hear(self, sent: Tensor) -> Tensor:
        """What each agent receives of what each agent sent to all: ``[*, N, m]`` -> ``[*, N, K, m]``.

        Unmasked: what stands in the slot of an agent that cannot be heard must not be looked at.
        """
        return sent.reshape(-1, sent.shape[-1]).index_select(0, self._rows).view(*self.index.shape, -1)

    def hear_own(self, sent: Tensor) -> Tensor:
        """What each agent receives of what each agent wrote into its slots: ``[*, N, K, m]`` -> ``[*, N, K, m]``.

        To be looked at only where :attr:`mutual` is 1: who is not heard himself has no slot to be written to in.
        """
        return sent.reshape(-1, sent.shape[-1]).index_select(0, self._twins).view(*self.index.shape, -1)


def place(slots: Tensor, edges: Tensor) -> Tensor:
    """Gives each neighbour without a slot one that is empty, else one whose agent is no neighbour now.

    Agents keep their slots while there is room. Where K are too few, those with the highest rows are not heard.

    Args:
        slots: ``[B, N, K]``, agent plus one, 0 where empty.
        edges: ``[B, N, N]``.

    Returns:
        ``[B, N, K]``.
    """
    n, k = edges.shape[-1], slots.shape[-1]
    waiting = (edges > 0) & (_placed(slots, n) == 0)
    if not bool(waiting.any()):
        return slots
    rows = torch.arange(1, n + 1, device=edges.device)
    arrivals = torch.where(waiting, rows, n + 1).sort(-1).values[..., :k]
    arrivals = torch.nn.functional.pad(arrivals, (0, k - arrivals.shape[-1]), value=n + 1)
    present = torch.cat([torch.zeros_like(edges[..., :1]), edges], -1).gather(-1, slots.long()) > 0
    free = torch.where(slots == 0, 0, torch.where(present, 2, 1))
    order = free.sort(dim=-1, stable=True).indices
    taken = free.gather(-1, order) == 2
    wanted = int(((edges > 0).sum(-1)).amax())
    if wanted > k:
        warnings.warn(
            f"An agent may hear {wanted} teammates, but ReMALIS keeps places for {k}: those with the highest rows are "
            f"not heard. Set rl_module.options.neighbours to {wanted}.",
            RuntimeWarning,
            stacklevel=2,
        )
    old = slots.gather(-1, order)
    return slots.scatter(-1, order, torch.where((arrivals > n) | taken, old, arrivals.to(slots.dtype)))


def _placed(slots: Tensor, n: int) -> Tensor:
    """``[B, N, N]``, 1 where row i has a slot for column j."""
    flags = torch.zeros(*slots.shape[:-1], n + 1, device=slots.device)
    return flags.scatter(-1, slots.long(), 1.0)[..., 1:]
