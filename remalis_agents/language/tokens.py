"""From a team's environment to the tokens that its agents read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_agents.language.options import LanguageModelError
from remalis_agents.language.prompt import Prompt, label_tokens


def load_tokenizer(folder: str | Path) -> Any:
    """The tokenizer in a model's folder.

    Raises:
        LanguageModelError: there is none that transformers can load.
    """
    # Its threads do not survive the forks of simulators, and warn about it.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # whatever a tokenizer's own code raises
        raise LanguageModelError(
            f"{str(folder)!r} holds no tokenizer that transformers can load: {' '.join(str(error).split())[:300]} "
            "Save the model's tokenizer there, with tokenizer.save_pretrained(folder)."
        ) from None


class Vocabulary:
    """A tokenizer as prompts need it.

    Args:
        folder: the language model's.
        action_count: A.

    Attributes:
        size: number of tokens.
        labels: the token of each action.
        before: tokens that stand before every text.

    Raises:
        LanguageModelError: there is no tokenizer, or it has too few labels.
    """

    def __init__(self, folder: str | Path, action_count: int) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.size = len(self.tokenizer)
        self.labels = label_tokens(self.tokenizer, self.encode, action_count)
        whole, bare = self.tokenizer("a")["input_ids"], self.encode("a")
        starts = [k for k in range(len(whole)) if whole[k : k + len(bare)] == bare]
        self.before: list[int] = whole[: starts[0]] if starts else []

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of several texts."""
        return self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"] if texts else []


class TeamTexts:
    """Reads a team's environment to its agents.

    Args:
        path: folder of the language model, whose tokenizer is used.
        max_tokens: L.
        action_count: A.

    Raises:
        LanguageModelError: the tokenizer cannot be loaded or does not fit.
    """

    def __init__(self, path: str | Path, max_tokens: int, action_count: int) -> None:
        self.vocabulary, self.max_tokens = Vocabulary(path, action_count), max_tokens
        encode = self.vocabulary.encode
        self._prompt = Prompt(encode, self.vocabulary.labels, max_tokens, self.vocabulary.before)
        self._action = lru_cache(maxsize=8192)(lambda text: encode(" " + text))
        self._warned = False

    def __call__(self, parallel_env: Any, alive: NDArray[Any], action_mask: NDArray[Any]) -> NDArray[np.int32]:
        """What every agent reads now.

        Args:
            parallel_env: which describes.
            alive: ``(N,)``; who is not gets no text.
            action_mask: ``(N, A)``.

        Returns:
            ``(N, L)``: each agent's text, at the end of its row, as tokens plus one; 0 where there is none.

        Raises:
            LanguageModelError: the environment describes nothing.
        """
        tokens = np.zeros((len(alive), self.max_tokens), np.int32)
        agents = list(parallel_env.possible_agents)
        rows = [row for row in np.flatnonzero(alive).tolist() if row < len(agents)]
        told = [describe(parallel_env, agents[row], action_mask[row]) for row in rows]
        seen = self.vocabulary.encode_all([text for text, _ in told])
        for row, own, (_, actions) in zip(rows, seen, told, strict=True):
            text, cut = self._prompt(own, {index: self._action(one) for index, one in actions.items()})
            tokens[row, -len(text) :] = np.asarray(text, np.int32) + 1
            if cut and not self._warned:
                self._warn(agents[row], len(own))
        return tokens

    def decode(self, tokens: NDArray[np.int32]) -> str:
        """The text of one agent's row, for people."""
        return str(self.vocabulary.tokenizer.decode([int(token) - 1 for token in tokens if token > 0]))

    def _warn(self, agent: str, length: int) -> None:
        self._warned = True
        warnings.warn(
            f"What {agent!r} sees takes {length} tokens, and with its actions more than language_model.max_tokens "
            f"{self.max_tokens}: the middle of such texts is left out. Raise max_tokens to have all of it read.",
            RuntimeWarning,
            stacklevel=3,
        )


def describe(parallel_env: Any, agent: str, action_mask: NDArray[Any]) -> tuple[str, dict[int, str]]:
    """What an agent sees, and its legal actions by index, as text.

    Raises:
        LanguageModelError: the environment has no text, or not one for each legal action.
    """
    view = getattr(parallel_env, "describe", None)
    actions = getattr(parallel_env, "action_texts", None)
    if not callable(view) or not callable(actions):
        raise LanguageModelError(
            f"A language model needs an environment that describes itself, with describe(agent) and "
            f"action_texts(agent), but {type(parallel_env).__name__} has none: take traffic, say."
        )
    legal, texts = np.flatnonzero(action_mask).tolist(), actions(agent)
    if len(legal) != len(texts):
        raise LanguageModelError(
            f"{type(parallel_env).__name__} gives {len(texts)} action_texts for the {len(legal)} legal actions of "
            f"{agent!r}: it must give one for each."
        )
    return view(agent), dict(zip(legal, texts, strict=True))
