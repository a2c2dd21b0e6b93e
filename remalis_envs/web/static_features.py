"""Features of an item that depend on no instruction: its role, its states, its words as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from remalis_envs.web.feature_names import ACTION_FEATURES, CONTEXT_HASH, GROUP_OF, LABEL_HASH, F
from remalis_envs.web.pages.items import Item
from remalis_envs.web.words import word_hash, words

Row = npt.NDArray[np.float32]
Ones = tuple[tuple[int, int, int], ...]
PLACES = 3
"""Columns of a word."""
_LABEL = slice(F["label_0"], F["label_0"] + LABEL_HASH)
_CONTEXT = slice(F["context_0"], F["context_0"] + CONTEXT_HASH)


@lru_cache(maxsize=100_000)
def hashed(text: str, size: int) -> Row:
    """Words of a text as a signed hash, float32 ``(size,)`` within [-1, 1]; one for all, which cannot be written to.

    Each word has :data:`PLACES` columns, since words that shared their only one could never be told apart (Weinberger
    et al., "Feature Hashing for Large Scale Multitask Learning", 2009, arXiv:0902.2206).
    """
    out = [0.0] * size
    for code in _codes(text):
        for _ in range(PLACES):
            place = (code >> 1) % size
            out[place] = max(-1.0, min(1.0, out[place] + (0.5 if code & 1 else -0.5)))
            code >>= 20
    row = np.array(out, np.float32)
    row.flags.writeable = False
    return row


@lru_cache(maxsize=50_000)
def _codes(text: str) -> tuple[int, ...]:
    return tuple([word_hash(word) for word in words(text)])


@lru_cache(maxsize=50_000)
def sketch_of(text: str) -> int:
    """The words of a text as 64 bits, by hash."""
    bits = 0
    for code in _codes(text):
        bits |= 1 << (code & 63)
    return bits


def sketch(found: frozenset[str]) -> int:
    """A set of words as 64 bits, by hash."""
    bits = 0
    for word in found:
        bits |= 1 << (word_hash(word) & 63)
    return bits


def static_rows(item: Item, ones: Ones, chosen: Sequence[str] = ()) -> Row:
    """What of an item and its offers depends on no instruction, float32 ``(n, F)``.

    Args:
        item: of a reading.
        ones: of each offer, three columns of features that are 1.
        chosen: of each offer, what it would choose, whose words stand beside those of the label; "" for none.
    """
    form = item.form
    rows = _template(
        item.role,
        ones,
        bool(item.checked),
        bool(item.expanded),
        bool(item.selected),
        bool(item.value),
        item.kind == "submit",
        form.startswith("GET"),
        form.startswith("POST"),
        bool(item.name) and len(item.context) > len(item.name) and item.context.startswith(item.name),
    ).copy()
    # What a fact says differs from site to site; what it is a fact of tells whether it is the one to write down.
    rows[:, _LABEL] = hashed(item.context if item.role == "definition" else item.name, LABEL_HASH)
    for row, value in enumerate(chosen):
        if value:
            rows[row, _LABEL] = hashed(f"{item.name} {value}", LABEL_HASH)
    if item.context:
        rows[:, _CONTEXT] = hashed(item.context, CONTEXT_HASH)
    return rows


@lru_cache(maxsize=5_000)
def _template(role: str, ones: Ones, *states: bool) -> Row:
    """The rows of an item without words."""
    rows = np.zeros((len(ones), len(ACTION_FEATURES)), np.float32)
    rows[:, F["exists"]] = rows[:, F["role_link"] + GROUP_OF[role]] = 1.0
    rows[:, F["checked"] : F["checked"] + len(states)] = states
    for row, columns in zip(rows, ones, strict=True):
        row[list(columns)] = 1.0
    return rows
