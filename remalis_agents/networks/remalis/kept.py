"""What need not be worked out anew at each step: results that hold until the tensors behind them change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.remalis.links import Links, Reach


def same(known: Sequence[Tensor], given: Sequence[Tensor]) -> bool:
    """Whether two rows of tensors are alike in shape, type, place and value."""
    return all(
        one.shape == other.shape and one.dtype == other.dtype and one.device == other.device and torch.equal(one, other)
        for one, other in zip(known, given, strict=True)
    )


class Kept:
    """One result that depends on a few small tensors alone, such as weights.

    It is kept only where nothing learns through it: in passes without gradients. Values are compared, because torch
    does not count every change of a tensor (a fused optimiser's, say).
    """

    def __init__(self) -> None:
        self._known: tuple[list[Tensor], Tensor] | None = None

    def of(self, behind: Sequence[Tensor], make: Callable[[], Tensor]) -> Tensor:
        """What ``make()`` gives, or gave when ``behind`` was the same."""
        device = behind[0].device.type
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled(device):
            return make()
        if self._known is None or not same(self._known[0], behind):
            self._known = [one.clone() for one in behind], make()
        return self._known[1]


class KeptLinks:
    """The neighbourhoods: while a team acts they are the same for many steps, and worked out once."""

    def __init__(self) -> None:
        self._known: tuple[tuple[Tensor, ...], Links, Reach] | None = None

    def of(self, team: TeamInputs) -> tuple[Links, Reach]:
        """Who hears whom, and what follows from it."""
        acting = team.alive.shape[1] == 1 and not torch.is_grad_enabled()
        given = (team.state["slots"], team.adjacency, team.alive)
        if acting and self._known is not None and same(self._known[0], given):
            return self._known[1:]
        links = Links(team.state["slots"], team.edges() * team.alive.unsqueeze(-1))
        reach = Reach(links.heard, links.mutual)
        if acting:
            # What is given may lie in memory that others write to.
            self._known = tuple(one.clone() for one in (links.slots, team.adjacency, team.alive)), links, reach
        return links, reach
