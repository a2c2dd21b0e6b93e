"""Layers that all networks are made of, with one set of weights for the team, one a type, or one an agent.

Networks build their layers with :func:`linear`, :func:`mlp` and :func:`gru` and need not know how parameters are
shared: :func:`sharing` decides it for everything that is built inside, and :class:`Groups` says at each pass which
agent uses which weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise

import torch
from torch import Tensor, nn


class Groups:
    """Which set of weights each agent uses: ``index`` is ``[*, N]`` integer, set before each pass."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.index: Tensor | None = None


_GROUPS: ContextVar[Groups | None] = ContextVar("groups", default=None)


@contextmanager
def sharing(groups: Groups | None) -> Iterator[None]:
    """Layers built inside have one set of weights for each of ``groups``; None for one set for all."""
    token = _GROUPS.set(groups)
    try:
        yield
    finally:
        _GROUPS.reset(token)


@contextmanager
def one_step(groups: Groups | None, step: int) -> Iterator[None]:
    """Layers called inside are given one step ``[B, N, ...]`` of the sequences that the groups were set for."""
    if groups is None or groups.index is None:
        yield
        return
    whole = groups.index
    groups.index = whole[:, step]
    try:
        yield
    finally:
        groups.index = whole


def current_groups() -> Groups | None:
    """The groups that layers built here are shared by, see :func:`sharing`."""
    return _GROUPS.get()


class GroupedLinear(nn.Module):
    """One linear layer for each group of agents.

    Shapes:
        ``[*, N, ..., inputs]`` -> ``[*, N, ..., outputs]``, where the agents' dimension is the one at which
        ``groups.index`` ends.
    """

    def __init__(self, inputs: int, outputs: int, groups: Groups, bias: bool = True) -> None:
        super().__init__()
        self.groups = groups
        self.parts = nn.ModuleList(nn.Linear(inputs, outputs, bias) for _ in range(groups.count))

    def forward(self, inputs: Tensor) -> Tensor:
        index = self.groups.index
        assert index is not None, "the groups of agents are set before each pass"
        index = index.reshape(*index.shape, *(1,) * (inputs.dim() - index.dim()))
        # Few groups: running each over all rows is cheaper than gathering weights or rows.
        return torch.stack([part(inputs) * (index == k) for k, part in enumerate(self.parts)]).sum(0)


def linear(inputs: int, outputs: int, gain: float = 2**0.5, bias: bool = True) -> nn.Module:
    """A linear layer, orthogonally initialised, shared as :func:`sharing` says."""
    groups = _GROUPS.get()
    layer = nn.Linear(inputs, outputs, bias) if groups is None else GroupedLinear(inputs, outputs, groups, bias)
    for part in layers_of(layer):
        nn.init.orthogonal_(part.weight, gain)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    return layer


def layers_of(layer: nn.Module) -> list[nn.Linear]:
    """The plain linear layers inside one built by :func:`linear`."""
    return [part for part in layer.modules() if isinstance(part, nn.Linear)]


def mlp(sizes: list[int], last_gain: float | None = None) -> nn.Sequential:
    """Linear layers with ReLU between them, orthogonally initialised.

    Args:
        sizes: widths from input to output.
        last_gain: gain of the last layer, which then has no ReLU after it; None for ReLU after every layer.
    """
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        layers.append(linear(inputs, outputs, last_gain if last and last_gain is not None else 2**0.5))
        if not (last and last_gain is not None):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class AgentGRU(nn.Module):
    r"""A gated recurrent unit for each agent, or each of an agent's slots, over whole sequences at once.

    .. math:: h_t = \mathrm{GRU}(x_t, h_{t-1})

    Cho et al., 2014, arXiv:1406.1078. Agents are sequences of one batch, so T steps cost one call and no loop.

    Args:
        inputs: width of x.
        hidden: width of each layer.
        layers: L, layers one above the other.

    Shapes:
        inputs ``[B, T, N, *, inputs]``, state ``[B, N, *, L hidden]`` -> outputs of the last layer
        ``[B, T, N, *, hidden]``, state ``[B, N, *, L hidden]``.
    """

    def __init__(self, inputs: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.hidden, self.layers = hidden, layers
        self.groups = _GROUPS.get()
        count = 1 if self.groups is None else self.groups.count
        self.parts = nn.ModuleList(nn.GRU(inputs, hidden, layers, batch_first=True) for _ in range(count))
        kinds = ("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")
        self._names = [[f"{kind}{layer}" for kind in kinds] for layer in range(layers)]

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b, t, *rows, width = inputs.shape
        if t == 1 and self.groups is None and not torch.is_grad_enabled() and inputs.device.type == "cpu":
            return self._step(inputs, state)
        sequences = inputs.movedim(1, -2).reshape(-1, t, width)
        first = state.reshape(-1, self.layers, self.hidden).transpose(0, 1).contiguous()
        outputs = last = None
        for k, part in enumerate(self.parts):
            found, final = part(sequences, first)
            if self.groups is None:
                outputs, last = found, final
                break
            assert self.groups.index is not None
            # An agent's group does not change within an episode: its first step tells.
            mine = (self.groups.index[:, 0] == k).reshape(b, rows[0], *(1,) * (len(rows) - 1)).expand(b, *rows)
            mine = mine.reshape(-1, 1).to(found.dtype)
            outputs = found * mine.unsqueeze(1) + (0.0 if outputs is None else outputs)
            last = final * mine + (0.0 if last is None else last)
        assert outputs is not None and last is not None
        after = last.transpose(0, 1).reshape(b, *rows, -1)
        return outputs.reshape(b, *rows, t, self.hidden).movedim(-2, 1), after

    def _step(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step while acting: the same numbers without the cost of setting up a sequence."""
        (part,) = self.parts
        above, states = inputs.reshape(-1, inputs.shape[-1]), []
        for before, names in zip(state.reshape(-1, self.layers, self.hidden).unbind(1), self._names, strict=True):
            above = torch.gru_cell(above, before, *[getattr(part, name) for name in names])
            states.append(above)
        after = above if self.layers == 1 else torch.stack(states, 1)
        return above.reshape(*inputs.shape[:-1], self.hidden), after.reshape(state.shape)
