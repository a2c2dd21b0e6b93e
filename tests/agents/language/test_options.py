"""The language model's options: one clear sentence for what makes no sense, and where the folder is found."""

from __future__ import annotations

import pytest

from remalis_agents.language.options import LanguageModel, LanguageModelError
from remalis_agents.networks.remalis import Options
from remalis_envs.errors import RemalisError


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pth": "x"}, r"Unknown option of language_model 'pth'. Did you mean 'path'\?"),
        ({"adapter": "lorra"}, r"language_model.adapter 'lorra'. Did you mean 'lora'\?"),
        ({"dtype": "float16"}, r"language_model.dtype 'float16'.*bfloat16"),
        ({"rank": 0}, "rank is a whole number of 1 or more, not 0"),
        ({"rank": True}, "rank is a whole number"),
        ({"max_tokens": 1.5}, "max_tokens is a whole number"),
        ({"alpha": -1}, "alpha is a number above 0"),
        ({"targets": "q_proj"}, r"targets is a list such as \[q_proj, v_proj\]"),
        ({"targets": []}, "targets are names of layers"),
        ({"path": 3}, "path is the path of a folder"),
        ("folder", r"language_model is a mapping such as"),
    ],
)
def test_one_clear_sentence(given, says):
    with pytest.raises(RemalisError, match=says) as caught:
        Options.of(language_model=given)
    assert "\n" not in str(caught.value)


def test_an_adapter_of_null_is_none():
    found = Options.of(language_model={"adapter": None, "targets": ["k_proj"]}).language_model
    assert (found.adapter, found.targets) == ("none", ("k_proj",))
    assert Options.of().language_model is None


def test_the_folder_is_the_configured_one_or_that_of_the_variable(llama, tmp_path, monkeypatch):
    assert LanguageModel(path=str(llama)).folder() == llama.resolve()
    with pytest.raises(LanguageModelError, match=r"no folder is given: .*--set .*path=FOLDER.*REMALIS_LANGUAGE_MODEL"):
        LanguageModel().folder()
    gone = LanguageModel(path=str(tmp_path / "gone"))
    with pytest.raises(LanguageModelError, match=r"gone' is not a folder\. To give another, .*REMALIS_LANGUAGE_MODEL"):
        gone.folder()
    with pytest.raises(LanguageModelError, match=r"is a folder without config\.json"):
        LanguageModel(path=str(tmp_path)).folder()
    monkeypatch.setenv("REMALIS_LANGUAGE_MODEL", str(llama))
    assert LanguageModel().folder() == llama.resolve()
    with pytest.warns(RuntimeWarning, match=r"gone'.*takes its place"):
        assert gone.folder() == llama.resolve()


def test_a_relative_path_is_made_absolute(llama, monkeypatch):
    monkeypatch.chdir(llama.parent)
    assert LanguageModel(path="llama").folder() == llama.resolve()
