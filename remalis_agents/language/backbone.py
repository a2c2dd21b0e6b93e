"""A causal language model as a body: what it makes of a text, and how likely it finds each action's label next."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from remalis_agents.language.options import LanguageModel, LanguageModelError
from remalis_agents.language.quiet import in_silence
from remalis_agents.language.tokens import Vocabulary
from remalis_envs.errors import unknown

FINGERPRINT = "fingerprint"
_SAMPLES = 16
"""Numbers of each weight, about, that the fingerprint looks at."""


class Backbone(nn.Module):
    r"""The language model of equation 7, frozen but for its adapters.

    .. math:: h = \mathrm{LM}(x)_{|x|}, \quad s_a = \log p_{\mathrm{LM}}(\text{label}_a \mid x) + \text{const}

    Any causal model of ``transformers``; LoRA by ``peft``. It is always in evaluation mode: with dropout the pass that
    is learnt from would not be the one that acted. Of many texts a few go through at a time, and again for the
    gradient, because what a training batch leaves behind in all layers would not fit into memory.

    Args:
        options: which model.
        action_count: A.

    Attributes:
        folder: where the model is.
        width: of h.

    Shapes:
        tokens ``[R, L]`` integer, plus one, each text at the end of its row, 0 before it; no row is empty
        -> h ``[R, width]`` and s ``[R, A]``, both float32.

    Raises:
        LanguageModelError: the folder holds no model that can be the body; peft is not installed.
        UnknownNameError: no layer has the name of a target.
    """

    labels: Tensor
    fingerprint: Tensor

    def __init__(self, options: LanguageModel, action_count: int) -> None:
        super().__init__()
        self.folder = options.folder()
        vocabulary = Vocabulary(self.folder, action_count)
        self.model = load(self.folder, getattr(torch, options.dtype))
        config = self.model.config.get_text_config()
        self.width = int(config.hidden_size)
        self._check(config, vocabulary.size, options.max_tokens)
        self.register_buffer("labels", torch.tensor(vocabulary.labels), persistent=False)
        # Part of the weights, so that these never stand on another model than the one that they were learnt on.
        self.register_buffer(FINGERPRINT, torch.tensor(list(fingerprint(self.model, vocabulary)), dtype=torch.uint8))
        self.model.requires_grad_(False)
        if options.adapter == "lora":
            add_adapters(self.model, options)
        self._learns, self._at_once = options.adapter == "lora", options.texts_at_once
        self._keeps = "logits_to_keep" in inspect.signature(self.model.forward).parameters
        self.train(self.training)

    def _check(self, config: Any, words: int, max_tokens: int) -> None:
        known = self.model.get_input_embeddings().num_embeddings
        if words > known:
            raise LanguageModelError(
                f"The tokenizer in {str(self.folder)!r} has {words} tokens, but the model there knows {known}: it is "
                "another model's."
            )
        longest = getattr(config, "max_position_embeddings", None)
        if longest is not None and max_tokens > longest:
            raise LanguageModelError(
                f"language_model.max_tokens is {max_tokens}, but the model in {str(self.folder)!r} reads {longest} at "
                "most: lower it."
            )

    def train(self, mode: bool = True) -> Backbone:
        super().train(mode)
        self.model.eval()
        return self

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        if len(tokens) <= self._at_once:
            return self._read(tokens)
        learns = self._learns and torch.is_grad_enabled()
        parts = [
            checkpoint(self._read, part, use_reentrant=False) if learns else self._read(part)
            for part in tokens.split(self._at_once)
        ]
        return torch.cat([hidden for hidden, _ in parts]), torch.cat([scores for _, scores in parts])

    def _read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        tokens = tokens[:, -int((tokens > 0).sum(-1).max()) :].long()
        there = (tokens > 0).long()
        given: dict[str, Any] = {
            "input_ids": (tokens - 1).clamp(min=0),
            "attention_mask": there,
            "position_ids": (there.cumsum(-1) - 1).clamp(min=0),
            "output_hidden_states": True,
            "use_cache": False,
        }
        output = self.model(**given, **({"logits_to_keep": 1} if self._keeps else {}))
        hidden, logits = output.hidden_states[-1][:, -1], output.logits[:, -1]
        return hidden.float(), logits[:, self.labels].float()


def load(folder: Path, dtype: torch.dtype) -> Any:
    """The model in a folder, on the CPU.

    Raises:
        LanguageModelError: transformers cannot load it.
    """
    from transformers import AutoModelForCausalLM

    with in_silence():
        try:
            model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype, local_files_only=True)
        except Exception as error:  # whatever a model's own code raises
            raise LanguageModelError(
                f"transformers cannot load a causal language model from {str(folder)!r}: "
                f"{' '.join(str(error).split())[:300]}"
            ) from None
    return model.eval()


def add_adapters(model: nn.Module, options: LanguageModel) -> None:
    """Gives a model low-rank adapters, in place, which alone are trained.

    Raises:
        LanguageModelError: peft is not installed.
        UnknownNameError: no layer has the name of a target.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise LanguageModelError(
            "language_model.adapter: lora needs peft, which is not installed: `pip install remalis[llm]`, or set "
            "adapter to none for a frozen model."
        ) from None
    layers = sorted({name.rpartition(".")[2] for name, layer in model.named_modules() if not list(layer.children())})
    for target in options.targets:
        if target not in layers:
            raise unknown("layer in language_model.targets", target, layers)
    config = LoraConfig(
        r=options.rank, lora_alpha=options.alpha, target_modules=list(options.targets), task_type="CAUSAL_LM"
    )
    try:
        inject_adapter_in_model(config, model)
    except ValueError as error:
        raise LanguageModelError(f"These layers cannot have adapters: {' '.join(str(error).split())}") from None
    for name, weights in model.named_parameters():
        own = "lora_" in name
        weights.requires_grad_(own)
        if own:
            weights.data = weights.data.float()


def fingerprint(model: nn.Module, vocabulary: Vocabulary) -> bytes:
    """What tells a model and its tokenizer from others: a digest of each weight's name, shape and a few numbers."""
    found = hashlib.sha256(repr((vocabulary.size, vocabulary.labels, vocabulary.before)).encode())
    for name, weights in sorted(model.named_parameters()):
        flat = weights.detach().flatten()
        some = flat[:: max(len(flat) // _SAMPLES, 1)]
        # As bfloat16, in which a model may be loaded, too.
        found.update(f"{name} {tuple(weights.shape)} {some.bfloat16().tolist()}".encode())
    return found.digest()[:8]


def check_same(backbone: Backbone, weights: Mapping[str, Any]) -> None:
    """Refuses weights that were learnt on another language model.

    Args:
        backbone: what is here.
        weights: a checkpoint's, by name.

    Raises:
        LanguageModelError: it is another.
    """
    for name, value in weights.items():
        if name.rpartition(".")[2] == FINGERPRINT and [int(v) for v in value] != backbone.fingerprint.tolist():
            raise LanguageModelError(
                f"These weights were learnt on another language model than the one in {str(backbone.folder)!r} (a "
                f"{type(backbone.model).__name__} of width {backbone.width}): give the folder of the model that they "
                "were trained with."
            )
