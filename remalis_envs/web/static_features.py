"""Features of an item that depend on no instruction: its role, its states, its words as hashes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from remalis_envs.web.feature_names import ACTION_FEATURES, CONTEXT_HASH, GROUP_OF, LABEL_HASH, F
from remalis_envs.web.pages.items import Item
from remalis_envs.web.words import word_hash, word_set, words

Row = npt.NDArray[np.float32]


def hashed(text: str, size: int) -> Row:
    """Words of a text as a signed hash, float32 ``(size,)`` within [-1, 1]."""
    return np.array(_hash_list(text, size), np.float32)


@lru_cache(maxsize=50_000)
def _hash_list(text: str, size: int) -> list[float]:
    out = [0.0] * size
    for word in words(text):
        code = word_hash(word)
        place = code % size
        out[place] = max(-1.0, min(1.0, out[place] + (0.5 if code & 0x10000 else -0.5)))
    return out


@lru_cache(maxsize=50_000)
def sketch_of(text: str) -> int:
    """The words of a text as 64 bits, by hash."""
    return sketch(word_set(text))


def sketch(found: frozenset[str]) -> int:
    """A set of words as 64 bits, by hash."""
    bits = 0
    for word in found:
        bits |= 1 << (word_hash(word) & 63)
    return bits


@lru_cache(maxsize=60_000)
def static_row(item: Item) -> Row:
    """What of an item depends on no instruction, float32 ``(F,)``; one for all, so never write into it."""
    values = [0.0] * len(ACTION_FEATURES)
    values[F["exists"]] = values[F["role_link"] + GROUP_OF[item.role]] = 1.0
    begin = F["checked"]
    values[begin : begin + 7] = (
        bool(item.checked),
        bool(item.expanded),
        bool(item.selected),
        bool(item.value),
        item.kind == "submit",
        item.form.startswith("GET"),
        item.form.startswith("POST"),
    )
    values[F["label_0"] : F["label_0"] + LABEL_HASH] = _hash_list(item.name, LABEL_HASH)
    values[F["context_0"] : F["context_0"] + CONTEXT_HASH] = _hash_list(item.context, CONTEXT_HASH)
    return np.array(values, np.float32)
