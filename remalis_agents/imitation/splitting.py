"""Which demonstrations are learnt from, which stop the learning, which judge it: 80, 10 and 10 in a hundred.

Whole episodes are dealt out where there are at least :data:`FEWEST_EPISODES`, so that nothing of a held-out episode is
learnt from. With fewer, sequences of consecutive steps are: what stands beside a held-out sequence is then learnt from,
and the held-out figures flatter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from remalis_agents.imitation.schema import SPLITS, DemonstrationError

FEWEST_EPISODES = 10
SEQUENCE_STEPS = 20
"""Length of a dealt sequence; shorter in a recording that holds fewer than ten of them."""


def dealt(count: int, rng: np.random.Generator) -> list[str]:
    """A name of :data:`.SPLITS` for each of ``count`` things, drawn: a tenth each for validation and test."""
    held = max(1, round(count / 10))
    order = rng.permutation(count)
    names = np.full(count, SPLITS[0], dtype=object)
    names[order[:held]], names[order[held : 2 * held]] = SPLITS[1], SPLITS[2]
    return names.tolist()


def by_episode(episodes: int, seed: int) -> list[str]:
    """The split of each episode."""
    return dealt(episodes, np.random.default_rng(seed))


def by_sequence(lengths: Sequence[int], seed: int) -> list[list[str]]:
    """The split of each step of each episode, for episodes of these lengths.

    Raises:
        DemonstrationError: there are fewer steps than parts.
    """
    total = sum(lengths)
    if total < len(SPLITS):
        raise DemonstrationError(
            f"A recording of {total} steps cannot be split into training, validation and test: record more."
        )
    size = max(1, min(SEQUENCE_STEPS, total // 10))
    counts = [-(-length // size) for length in lengths]
    names = iter(dealt(sum(counts), np.random.default_rng(seed)))
    dealt_out = [[next(names) for _ in range(count)] for count in counts]
    return [[own[step // size] for step in range(length)] for own, length in zip(dealt_out, lengths, strict=True)]
