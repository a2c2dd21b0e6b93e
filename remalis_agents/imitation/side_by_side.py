"""Episodes of a recording, played side by side in processes of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from remalis_agents.imitation.record import Demonstrator, Steps, play
from remalis_agents.imitation.schema import DemonstrationError

Make = Callable[[], tuple[Any, Demonstrator]]
"""Makes a team view and who plays there; it is sent to the processes, so that it can be pickled."""
_AHEAD = 4
"""Episodes for each process that are begun before they are asked for: enough that none waits, few to hold."""
_scene: tuple[Any, Demonstrator] | None = None
"""In a process: where it plays, and who."""


class SideBySide:
    """Processes that each play whole episodes. What they record does not depend on how many there are.

    Args:
        make: see :data:`Make`.
        processes: how many.
    """

    def __init__(self, make: Make, processes: int) -> None:
        self.ahead = _AHEAD * processes
        # Started anew rather than forked: a fork of a process that has used several threads can hang.
        self._pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, (make,))

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def played(
        self, first_seed: int, episodes: int, on_step: Callable[[int, int], None] | None = None
    ) -> Iterator[Steps]:
        """Episodes in order.

        Args:
            first_seed: of the first; each next one is one higher.
            episodes: how many.
            on_step: called once an episode, with its number and 1.

        Raises:
            DemonstrationError: an episode broke off, or a process ended.
        """
        waiting: deque[Future[Steps]] = deque()
        begun = 0
        for number in range(episodes):
            while begun < episodes and len(waiting) < self.ahead:
                waiting.append(self._pool.submit(_play, first_seed + begun, begun))
                begun += 1
            try:
                steps = waiting.popleft().result()
            except BrokenProcessPool:
                raise DemonstrationError(
                    "A process that recorded episodes ended before its time. A script that starts processes needs "
                    'its own code under `if __name__ == "__main__":`; else it may have lacked memory: try fewer.'
                ) from None
            if on_step is not None:
                on_step(number, 1)
            yield steps


def _begin(make: Make) -> None:
    import torch

    global _scene
    torch.set_num_threads(1)
    _scene = make()


def _play(seed: int, number: int) -> Steps:
    assert _scene is not None
    return play(*_scene, seed, number)
