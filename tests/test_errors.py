"""Errors name what was wrong and the nearest valid name."""

from __future__ import annotations

import pytest

from remalis_envs.errors import RemalisError, UnknownNameError, unknown


def test_unknown_names_the_nearest_valid_name():
    error = unknown("level", "hel", ("easy", "medium", "hard", "hell"))
    assert isinstance(error, UnknownNameError) and isinstance(error, ValueError) and isinstance(error, RemalisError)
    assert "Did you mean 'hell'?" in str(error) and "'medium'" in str(error)


def test_unknown_ignores_case():
    assert "Did you mean 'queue'?" in str(unknown("reward", "QUEUE", ("queue", "delay")))


@pytest.mark.parametrize("name", ["zzz", 7, None])
def test_unknown_makes_no_wild_guess(name):
    assert "Did you mean" not in str(unknown("level", name, ("easy", "hell")))
