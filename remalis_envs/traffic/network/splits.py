"""Train, validation and test: disjoint by construction."""

from __future__ import annotations

from remalis_envs.errors import RemalisError, unknown

SPLITS = ("train", "validation", "test")


def split_seed(seed: int, split: str) -> int:
    """A seed that no other split can have: ``3 seed + position of the split``.

    Raises:
        UnknownNameError: The split is not known.
        RemalisError: The seed is negative.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if seed < 0:
        raise RemalisError(f"A seed is 0 or more, not {seed}.")
    return 3 * int(seed) + SPLITS.index(split)
