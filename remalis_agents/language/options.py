"""Which language model is a network's body, and how it learns: ``rl_module.options.language_model``."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remalis_envs.errors import RemalisError, unknown

VARIABLE = "REMALIS_LANGUAGE_MODEL"
"""Environment variable with the folder of a language model, for where none is configured or it is not there."""
ADAPTERS = ("lora", "none")
DTYPES = ("float32", "bfloat16")
_HOW = (
    "name the folder of a transformers causal language model by `--set rl_module.options.language_model.path=FOLDER` "
    f"where it trains, or anywhere in the environment variable {VARIABLE}. `remalis tiny-llama FOLDER` makes a small "
    "random one to try things out"
)


class LanguageModelError(RemalisError, ValueError):
    """A language model, its tokenizer or its options are not as they must be."""


@dataclass(frozen=True)
class LanguageModel:
    """See the attributes."""

    path: str | None = None
    """The folder, with ``config.json``, weights and tokenizer, as ``save_pretrained`` of transformers writes it; where
    it is not there, the one that :data:`VARIABLE` names."""
    adapter: str = "lora"
    """``lora`` to train low-rank adapters (Hu et al., 2021, arXiv:2106.09685), ``none`` for a frozen model."""
    rank: int = 8
    """r, of the adapters."""
    alpha: float = 16.0
    """Adapters are scaled by alpha / r."""
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    """Names of the layers that get adapters."""
    max_tokens: int = 768
    """L, the longest text that an agent reads; of a longer one the middle is left out."""
    texts_at_once: int = 16
    """Texts that go through the model together. They decide how much memory a training takes: 1.2 GB a text of 500
    tokens for a model of 135 million weights in float32, say."""
    dtype: str = "float32"
    """Of the frozen weights; adapters are always float32."""

    def __post_init__(self) -> None:
        for name, value, known in (("adapter", self.adapter, ADAPTERS), ("dtype", self.dtype, DTYPES)):
            if value not in known:
                raise unknown(f"language_model.{name}", value, known)
        for name in ("rank", "max_tokens", "texts_at_once"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise LanguageModelError(f"language_model.{name} is a whole number of 1 or more, not {value!r}.")
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, int | float) or not self.alpha > 0:
            raise LanguageModelError(f"language_model.alpha is a number above 0, not {self.alpha!r}.")
        if not self.targets or not all(isinstance(target, str) for target in self.targets):
            raise LanguageModelError(
                f"language_model.targets are names of layers such as [q_proj, v_proj], not {list(self.targets)!r}."
            )
        if self.path is not None and not isinstance(self.path, str):
            raise LanguageModelError(f"language_model.path is the path of a folder, not {self.path!r}.")

    @classmethod
    def of(cls, given: Any) -> LanguageModel | None:
        """Reads what an experiment says; None for no language model.

        Raises:
            UnknownNameError: there is no such option.
            LanguageModelError: an option's value makes no sense.
        """
        if given is None or isinstance(given, LanguageModel):
            return given
        if not isinstance(given, Mapping):
            raise LanguageModelError(f"language_model is a mapping such as {{path: FOLDER, rank: 8}}, not {given!r}.")
        names = [f.name for f in dataclasses.fields(cls)]
        for name in given:
            if name not in names:
                raise unknown("option of language_model", name, names)
        values = dict(given)
        if values.get("adapter", "") is None:  # as YAML reads null
            values["adapter"] = "none"
        targets = values.get("targets", cls.targets)
        if isinstance(targets, str) or not hasattr(targets, "__iter__"):
            raise LanguageModelError(f"language_model.targets is a list such as [q_proj, v_proj], not {targets!r}.")
        return cls(**{**values, "targets": tuple(targets)})

    def folder(self) -> Path:
        """Where the model is, absolute: workers may run elsewhere.

        Raises:
            LanguageModelError: there is no model.
        """
        other = os.environ.get(VARIABLE)
        if self.path and _holds_model(self.path):
            return Path(self.path).expanduser().resolve()
        if other and _holds_model(other):
            if self.path:
                warnings.warn(
                    f"There is no language model at {self.path!r}: {VARIABLE}={other} takes its place.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return Path(other).expanduser().resolve()
        if not self.path and not other:
            raise LanguageModelError(f"This network's body is a language model, but no folder is given: {_HOW}.")
        told = [f"{place!r} {_what_is_wrong(place)}" for place in (self.path, other) if place]
        raise LanguageModelError(f"There is no language model: {' and '.join(told)}. To give another, {_HOW}.")


def _holds_model(place: str) -> bool:
    return (Path(place).expanduser() / "config.json").is_file()


def _what_is_wrong(place: str) -> str:
    return "is a folder without config.json" if Path(place).expanduser().is_dir() else "is not a folder"
