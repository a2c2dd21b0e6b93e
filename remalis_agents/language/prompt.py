"""What an agent reads: what it sees in words, its legal actions, each behind a label that is one token, and a question.

The text, in tokens::

    <what the environment's describe() says>
    Actions:
     A: phase 0: N+S through, left yielding
     C: phase 2: ...
    Best action:

and the answer that is looked for is the next token, one of the labels. An action's label depends on its index alone.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from remalis_agents.language.options import LanguageModelError

Encode = Callable[[str], list[int]]
"""Text to tokens, without those that a tokenizer puts before and after."""
ACTIONS, ANSWER = "\nActions:", "\nBest action:"


def label_tokens(tokenizer: Any, encode: Encode, count: int) -> list[int]:
    """A token for each of ``count`` actions: letters as far as they go, then numbers, then pairs of letters.

    Args:
        tokenizer: of transformers.
        encode: see :data:`Encode`.
        count: A.

    Raises:
        LanguageModelError: the vocabulary has too few words of one token.
    """
    special = set(tokenizer.all_special_ids)
    best: list[int] = []
    for space in (" ", ""):  # most vocabularies know a word by the space before it
        found: dict[int, None] = {}
        for word in _words():
            tokens = encode(space + word)
            if len(tokens) == 1 and tokens[0] not in special and tokenizer.decode(tokens).strip() == word:
                found.setdefault(tokens[0])
            if len(found) == count:
                return list(found)
        best = max(best, list(found), key=len)
    raise LanguageModelError(
        f"This language model's vocabulary has {len(best)} letters, numbers and pairs of letters that are one token, "
        f"but agents have {count} actions, each of which needs one as its label: take another model."
    )


def _words() -> Iterator[str]:
    yield from string.ascii_uppercase + string.ascii_lowercase
    yield from map(str, range(100))
    yield from map("".join, product(string.ascii_uppercase, repeat=2))


class Prompt:
    """Puts an agent's text together, within a limit.

    Args:
        encode: see :data:`Encode`.
        labels: the actions' label tokens.
        max_tokens: L.
        before: tokens that the tokenizer puts before every text.

    Raises:
        LanguageModelError: not even the labels of all actions fit.
    """

    def __init__(self, encode: Encode, labels: Sequence[int], max_tokens: int, before: Sequence[int] = ()) -> None:
        self.labels, self.max_tokens, self.before = list(labels), max_tokens, list(before)
        self._encode, self._new_line = encode, encode("\n")
        self._colon, self._answer, self._actions = encode(":"), encode(ANSWER), encode(ACTIONS)
        self._frame = len(self.before) + len(self._actions) + len(self._answer)
        self._entry = len(self._new_line) + 1 + len(self._colon)
        least = self._frame + len(labels) * self._entry
        if least > max_tokens:
            raise LanguageModelError(
                f"language_model.max_tokens is {max_tokens}, but {least} are needed for the labels of {len(labels)} "
                "actions alone: raise it."
            )

    def __call__(self, seen: list[int], actions: Mapping[int, list[int]]) -> tuple[list[int], bool]:
        """The tokens of a whole text, and whether something had to be left out.

        Args:
            seen: what the agent sees, in tokens; its middle is left out first.
            actions: index and text, in tokens, of each legal action; texts are cut at their ends where they alone are
                too long, labels never.
        """
        room = self.max_tokens - self._frame - len(actions) * self._entry
        # What the agent sees keeps half of the room, or what it needs of it.
        texts, shortened = _shared_out(list(actions.values()), room - min(len(seen), room // 2))
        left = room - sum(map(len, texts))
        if len(seen) > left:
            seen, shortened = [*seen[: left - left // 2], *(seen[-(left // 2) :] if left > 1 else [])], True
        listed = [
            token
            for index, text in zip(actions, texts, strict=True)
            for token in (*self._new_line, self.labels[index], *self._colon, *text)
        ]
        return [*self.before, *seen, *self._actions, *listed, *self._answer], shortened


def _shared_out(texts: list[list[int]], room: int) -> tuple[list[list[int]], bool]:
    """The texts, the longest cut to the same length until all fit; and whether any was."""
    if sum(map(len, texts)) <= room:
        return texts, False
    longest = max(map(len, texts))
    while sum(min(len(text), longest) for text in texts) > room:
        longest -= 1
    return [text[:longest] for text in texts], True
