"""The language model as a body: the model's own numbers, adapters that learn, and sentences for what does not fit."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import torch

from remalis_agents.language.backbone import Backbone, check_same, fingerprint
from remalis_agents.language.options import LanguageModel, LanguageModelError
from remalis_agents.language.tiny import make_tiny_llama
from remalis_agents.language.tokens import Vocabulary
from remalis_envs.errors import UnknownNameError

ACTIONS = 6


def backbone(folder, **options) -> Backbone:
    return Backbone(LanguageModel(path=str(folder), **options), ACTIONS)


def texts(*lengths: int, width: int = 20) -> torch.Tensor:
    rows = torch.zeros(len(lengths), width, dtype=torch.int32)
    for row, length in enumerate(lengths):
        rows[row, -length:] = torch.randint(1, 250, (length,), dtype=torch.int32)
    return rows


def with_words(body: Backbone) -> Backbone:
    """Adapters begin as nothing: fill them."""
    with torch.no_grad():
        for name, weights in body.named_parameters():
            if "lora_B" in name:
                weights.normal_()
    return body


def test_it_says_what_transformers_says_of_each_text_alone(llama):
    """Padding and the batch change nothing; the plain model without our code is the reference."""
    from transformers import AutoModelForCausalLM

    body, rows = backbone(llama, adapter="none"), texts(3, 20, 11)
    plain = AutoModelForCausalLM.from_pretrained(str(llama))
    hidden, scores = body(rows)
    assert hidden.shape == (3, 32) and scores.shape == (3, ACTIONS)
    for row, states, said in zip(rows, hidden, scores, strict=True):
        ids = row[row > 0].long()[None] - 1
        output = plain(ids, output_hidden_states=True)
        torch.testing.assert_close(states, output.hidden_states[-1][0, -1], atol=1e-5, rtol=0)
        whole = output.logits[0, -1].log_softmax(-1)[body.labels]
        torch.testing.assert_close(said.log_softmax(-1), whole.log_softmax(-1), atol=1e-5, rtol=0)


def test_positions_count_from_the_texts_beginning(tmp_path):
    """GPT-2 learns a vector for each position: a text must not move by the padding before it."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    folder = make_tiny_llama(tmp_path / "gpt2", ["some words"])
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=2, n_head=2, n_positions=128, resid_pdrop=0.5)
    GPT2LMHeadModel(config).save_pretrained(str(folder))
    body, rows = backbone(folder, targets=("c_attn",), max_tokens=128), texts(5)
    body.train()
    short, long = body(rows[:, -5:])[0], body(torch.cat([rows, texts(20)]))[0][:1]
    torch.testing.assert_close(short, long, atol=1e-5, rtol=0)
    assert sum("lora" in name for name, _ in body.named_parameters()) == 4, "and dropout never changes a pass"


def test_only_adapters_learn_and_they_begin_as_nothing(llama):
    rows = texts(9, 12)
    frozen, body = backbone(llama, adapter="none"), backbone(llama)
    assert not any(weights.requires_grad for weights in frozen.parameters())
    assert not frozen(rows)[0].requires_grad
    learning = {name for name, weights in body.named_parameters() if weights.requires_grad}
    assert len(learning) == 2 * 2 * 2 and all("lora_" in name for name in learning)
    assert torch.equal(body(rows)[1], frozen(rows)[1])
    changed = with_words(body)(rows)[1]
    assert not torch.allclose(changed, frozen(rows)[1], atol=1e-4)
    changed.square().sum().backward()
    assert all((weights.grad is not None) == (name in learning) for name, weights in body.named_parameters())


def test_rank_targets_and_precision_are_what_was_asked_for(llama):
    body = backbone(llama, rank=3, targets=("o_proj", "down_proj"), dtype="bfloat16")
    ranks = {name: weights.shape[0] for name, weights in body.named_parameters() if "lora_A" in name}
    assert len(ranks) == 4 and set(ranks.values()) == {3}
    assert all(("o_proj" in name) or ("down_proj" in name) for name in ranks)
    kinds = {weights.requires_grad: weights.dtype for weights in body.parameters()}
    assert kinds == {True: torch.float32, False: torch.bfloat16}
    hidden, scores = body(texts(7))
    assert hidden.dtype == scores.dtype == torch.float32


def test_a_few_texts_at_a_time_give_the_same_and_learn_the_same(llama):
    rows = texts(9, 12, 20, 4, 6)
    found = []
    for count in (2, 32):
        torch.manual_seed(1)
        body = with_words(backbone(llama, texts_at_once=count))
        with torch.no_grad():
            silent = body(rows)
        hidden, scores = body(rows)
        torch.testing.assert_close(silent[0], hidden, atol=1e-5, rtol=0)
        (hidden.sum() + scores.square().sum()).backward()
        found.append((hidden, scores, *(w.grad for w in body.parameters() if w.grad is not None)))
    assert len(found[0]) == 10
    for few, many in zip(*found, strict=True):
        torch.testing.assert_close(few, many, atol=1e-4, rtol=1e-4)


def test_another_model_is_told_by_its_fingerprint(llama, tmp_path):
    here, again = backbone(llama), backbone(llama, adapter="none", dtype="bfloat16")
    assert torch.equal(here.fingerprint, again.fingerprint), "whatever is made of it"
    other = make_tiny_llama(tmp_path / "other", seed=1)
    weights = {f"body.{name}": value for name, value in backbone(other).state_dict().items()}
    with pytest.raises(
        LanguageModelError, match=r"learnt on another language model than the one in .*llama' \(a Llama"
    ):
        check_same(here, weights)
    check_same(here, here.state_dict())


def test_a_fingerprint_reaches_through_large_weights(llama):
    """Float32 cannot count as far as an embedding of 50,000 words has numbers."""
    large, words = torch.nn.Module(), Vocabulary(llama, ACTIONS)
    large.weight = torch.nn.Parameter(torch.zeros(28_311_552, dtype=torch.bfloat16))
    before = fingerprint(large, words)
    with torch.no_grad():
        large.weight[14_155_776] = 1.0
    assert fingerprint(large, words) != before
    large.weight = torch.nn.Parameter(torch.zeros(3))
    assert len(fingerprint(large, words)) == len(before) == 8


def test_a_target_that_no_layer_has_is_named_with_what_is_near(llama):
    with pytest.raises(UnknownNameError, match=r"targets 'q_prj'. Did you mean 'q_proj'\?"):
        backbone(llama, targets=("q_prj",))
    with pytest.raises(LanguageModelError, match="cannot have adapters"):
        backbone(llama, targets=("input_layernorm",))


def test_without_peft_a_sentence_says_what_to_install(llama, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(LanguageModelError, match=r"pip install remalis\[llm\]"):
        backbone(llama)
    assert backbone(llama, adapter="none").width == 32, "a frozen model needs none"


def test_what_is_no_language_model_is_refused(llama, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(llama, broken)
    (broken / "model.safetensors").unlink()
    with pytest.raises(LanguageModelError, match=r"cannot load a causal language model from .*broken'") as caught:
        backbone(broken)
    assert "\n" not in str(caught.value)
    with pytest.raises(LanguageModelError, match=r"max_tokens is 5000, but the model in .* reads 4096 at most"):
        backbone(llama, max_tokens=5000)
    alien = tmp_path / "alien"
    shutil.copytree(llama, alien)
    words = json.loads((alien / "tokenizer.json").read_text())
    for k in range(900):
        words["model"]["vocab"][f"word{k}"] = len(words["model"]["vocab"])
    (alien / "tokenizer.json").write_text(json.dumps(words))
    with pytest.raises(LanguageModelError, match=r"has \d+ tokens, but the model there knows \d+"):
        backbone(alien)


def test_a_tiny_llama_is_the_same_each_time(llama, tmp_path):
    again = make_tiny_llama(tmp_path / "again")
    assert torch.equal(backbone(again).fingerprint, backbone(llama).fingerprint)
    assert (again / "tokenizer.json").read_bytes() == (llama / "tokenizer.json").read_bytes()
