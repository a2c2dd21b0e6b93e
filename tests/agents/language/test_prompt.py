"""Prompts: labels of one token, the whole text where it fits, and what is left out where it does not."""

from __future__ import annotations

import pytest

from remalis_agents.language.options import LanguageModelError
from remalis_agents.language.prompt import Prompt, label_tokens
from remalis_agents.language.tokens import Vocabulary
from remalis_envs.traffic.network.model import MAX_PHASES


@pytest.fixture(scope="module")
def words(llama):
    return Vocabulary(llama, MAX_PHASES)


def test_each_action_has_a_label_of_one_token_that_depends_on_its_index_alone(words):
    assert len(set(words.labels)) == MAX_PHASES
    said = [words.tokenizer.decode(label) for label in words.labels]
    assert [word.strip() for word in said[:3]] == ["A", "B", "C"]
    assert all(words.encode(word) == [label] for word, label in zip(said, words.labels, strict=True))
    assert label_tokens(words.tokenizer, words.encode, 5) == words.labels[:5]


def test_more_labels_than_letters_are_found_among_numbers_and_pairs(words):
    labels = label_tokens(words.tokenizer, words.encode, 60)
    assert len(set(labels)) == 60
    assert labels[:32] == words.labels


def test_a_vocabulary_without_enough_labels_is_refused(words):
    with pytest.raises(LanguageModelError, match=r"vocabulary has \d+ letters.* but agents have 2000 actions"):
        label_tokens(words.tokenizer, words.encode, 2000)


def prompt(words, max_tokens, before=()):
    return Prompt(words.encode, words.labels[:4], max_tokens, before)


def test_what_fits_is_all_there(words):
    actions = {0: words.encode(" phase 0: N+S left"), 2: words.encode(" phase 2: E+W left")}
    tokens, cut = prompt(words, 200, before=[0])(words.encode("Intersection A0, 4 arms."), actions)
    text = words.tokenizer.decode(tokens)
    assert not cut
    assert text == "<s>Intersection A0, 4 arms.\nActions:\n A: phase 0: N+S left\n C: phase 2: E+W left\nBest action:"


def test_of_a_text_that_is_too_long_the_middle_is_left_out_first(words):
    seen = words.encode("first " + "vehicles queued " * 100 + "last")
    actions = {k: words.encode(f" phase {k}: N+S left") for k in range(4)}
    tokens, cut = prompt(words, 100)(seen, actions)
    text = words.tokenizer.decode(tokens)
    assert cut and len(tokens) == 100
    assert text.startswith("first vehicles") and "queued last\nActions:" in text
    assert all(f"phase {k}: N+S left" in text for k in range(4)), "actions are whole where there is room for them"


def test_labels_stay_where_even_the_actions_are_too_long(words):
    actions = {k: words.encode(" " + "through and left yielding " * 40) for k in range(4)}
    for limit in (40, 60, 120):
        tokens, cut = prompt(words, limit)(words.encode("first " + "vehicles " * 50), actions)
        assert cut and len(tokens) <= limit
        assert [tokens.count(label) for label in words.labels[:4]] == [1, 1, 1, 1]
        assert words.tokenizer.decode(tokens).endswith("Best action:")


def test_a_limit_below_the_labels_alone_is_refused(words):
    with pytest.raises(LanguageModelError, match=r"max_tokens is 10, but \d+ are needed for the labels of 4 actions"):
        prompt(words, 10)
