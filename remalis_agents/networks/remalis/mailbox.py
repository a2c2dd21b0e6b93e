"""The mailbox: messages that are under way, and arrive a few steps after they were sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from remalis_agents.networks.remalis.links import Links

_SENDERS = "mail_from"


def nth(kind: str, k: int) -> str:
    """The k-th letter of a kind in a pass, from 0: rounds and layers send the same kind again."""
    return kind if k == 0 else f"{kind}_{k + 1}"


def empty_mailbox(letters: Sequence[tuple[str, int]], delay: int, neighbours: int) -> dict[str, Tensor]:
    """One agent's mailbox at the start of an episode, by name.

    Args:
        letters: names and widths m of what is sent, see :func:`.letters`.
        delay: d.
        neighbours: K.

    Returns:
        ``mail_from`` ``[d, K]``, the sender plus one, 0 for nobody; and ``mail_*`` ``[d, K, m + 1]``, letters and a
        flag each that says whether there is one.
    """
    empty = {f"mail_{name}": torch.zeros(delay, neighbours, floats + 1) for name, floats in letters}
    return {_SENDERS: torch.zeros(delay, neighbours), **empty}


class Mailbox:
    """Holds back what was sent, on the side of the receiver: what arrives at step t was sent at step t - d.

    A letter is handed over where its receiver can hear its sender in the step in which it arrives, in whichever slot
    the sender stands by then. Letters of the first d steps of a sequence come from the state before it.

    Args:
        delay: d, 1 or more.
        links: who hears whom, ``[B, T, N, K]``.
        before: the state before the first step, with what :func:`empty_mailbox` names: ``[B, N, d, K, ...]``.
        after: takes the state after the last step.
    """

    def __init__(self, delay: int, links: Links, before: Mapping[str, Tensor], after: dict[str, Tensor]) -> None:
        self.delay = delay
        self._before, self._after = before, after
        self._sent: Counter[str] = Counter()
        now = links.index.to(links.heard.dtype) + 1.0
        then = self._shift(_SENDERS, now)
        self._slots: Tensor | None = None
        same = then == now
        if bool((~same & (then > 0)).any()):
            # Somebody else stands in a slot by now: letters are looked up by their sender.
            matches = now.unsqueeze(-1) == then.unsqueeze(-2)
            same, self._slots = matches.any(-1), matches.to(torch.uint8).argmax(-1)
        self._reachable = links.heard * same

    def exchange(self, kind: str, letters: Tensor, sent: Tensor) -> tuple[Tensor, Tensor]:
        """Puts in what is sent now, and takes out what arrives.

        Args:
            kind: the type of message.
            letters: ``[B, T, N, K, m]``, from the agent in each of the receiver's slots.
            sent: ``[B, T, N, K]``, 1 where there is one that will not be lost.

        Returns:
            The same of what arrives, letters 0 where none does.
        """
        name, self._sent[kind] = nth(kind, self._sent[kind]), self._sent[kind] + 1
        then = self._shift(f"mail_{name}", torch.cat([letters, sent.unsqueeze(-1)], -1))
        if self._slots is not None:
            then = then.gather(-2, self._slots.unsqueeze(-1).expand_as(then))
        arrived = then[..., -1] * self._reachable
        return then[..., :-1] * arrived.unsqueeze(-1), arrived

    def _shift(self, name: str, now: Tensor) -> Tensor:
        """What was so d steps ago, ``[B, T, N, ...]`` like ``now``; keeps the last d steps as state."""
        steps = torch.cat([self._before[name].transpose(1, 2), now], 1)
        self._after[name] = steps[:, now.shape[1] :].transpose(1, 2)
        return steps[:, : now.shape[1]]
