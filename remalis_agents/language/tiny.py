"""A tiny random Llama with a tokenizer of its own, made on the spot: to try things out without anybody's weights.

The command ``remalis tiny-llama FOLDER``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from remalis_agents.language.options import VARIABLE
from remalis_agents.language.prompt import ACTIONS, ANSWER
from remalis_agents.language.quiet import in_silence
from remalis_agents.language.tokens import describe
from remalis_envs.errors import RemalisError

VOCABULARY = 1024
_POSITIONS = 4096


def traffic_texts(steps: int = 12, seed: int = 0) -> list[str]:
    """What the lights of ``easy`` see at the beginning of an episode of random actions, as text."""
    from remalis_envs.traffic import traffic_v0

    env, rng, texts = traffic_v0(level="easy"), np.random.default_rng(seed), []
    try:
        observations, _ = env.reset(seed=seed)
        for _ in range(steps):
            for agent, own in observations.items():
                seen, actions = describe(env, agent, own["action_mask"])
                texts.append("\n".join([seen + ACTIONS, *actions.values()]) + ANSWER)
            chosen = {a: int(rng.choice(np.flatnonzero(own["action_mask"]))) for a, own in observations.items()}
            observations, *_ = env.step(chosen)
    finally:
        env.close()
    return texts


def make_tiny_llama(
    folder: str | Path,
    texts: Sequence[str] | None = None,
    *,
    width: int = 32,
    layers: int = 2,
    heads: int = 2,
    seed: int = 0,
) -> Path:
    """Writes a Llama of random weights and a tokenizer that was trained on some texts, as transformers reads them.

    Args:
        folder: where to; it is made.
        texts: what the tokenizer learns its words from; :func:`traffic_texts` by default.
        width: of its hidden states.
        layers: how many.
        heads: of its attention.
        seed: of its weights.

    Returns:
        The folder.

    Raises:
        RemalisError: the folder cannot be written.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    labels = " A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x y z"
    words.train_from_iterator([*(traffic_texts() if texts is None else texts), *[labels] * 2], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=_POSITIONS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with in_silence():
            tokenizer.save_pretrained(str(path))
            model.save_pretrained(str(path))
    except OSError as error:
        raise RemalisError(f"A model cannot be written to {str(folder)!r}: {error.strerror or error}.") from None
    return path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("folder", help="where to write the model")
    add("--width", type=int, default=32, help="of its hidden states, a multiple of 4 (default: 32)")
    add("--layers", type=int, default=2, help="how many (default: 2)")
    add("--seed", type=int, default=0, help="of its weights (default: 0)")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: something that the user can put right.
    """
    if args.width < 4 or args.width % 4 or args.layers < 1:
        raise RemalisError(f"--width is a multiple of 4 and --layers 1 or more, not {args.width} and {args.layers}.")
    folder = make_tiny_llama(args.folder, width=args.width, layers=args.layers, seed=args.seed)
    print(f"written     {folder}: random weights, {args.layers} layers of width {args.width}")
    print(f"train       {VARIABLE}={folder} rllib train file traffic_easy_remalis_llm")
    return 0
