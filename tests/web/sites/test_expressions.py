"""Formulas compute what they say, refuse what they may not hold, and unfold into single operations."""

from __future__ import annotations

import pytest

from remalis_envs.web.sites.expressions import Formula, FormulaError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * a", 14),
        ("a if b == 'x' else -a", 4),
        ("not (a > 3 and b in ('x', 'y'))", False),
        ("min(a, 3) + round(7 / 2, 1)", 6.5),
        ("p.age // 10 + p.home.tax", 6),
    ],
)
def test_values(text, value):
    assert Formula(text)({"a": 4, "b": "x", "p.age": 35, "p.home.tax": 3}) == value


@pytest.mark.parametrize(
    "text", ["__import__('os')", "a.b()", "[x for x in a]", "a if", "lambda: 1", "a ** 9", "'a'.b"]
)
def test_refused(text):
    with pytest.raises(FormulaError):
        Formula(text)


def test_pythons_own_words_are_explained():
    with pytest.raises(FormulaError, match="'class' cannot be the name of a field"):
        Formula("class == 'van'")


def test_a_name_without_a_value_is_named():
    with pytest.raises(FormulaError, match="'price'"):
        Formula("price * 2")({})


def test_steps():
    steps = Formula("t.fee * 3 + 2")({"t.fee": 1}), Formula("t.fee * 3 + 2").steps({"t.fee": 6.5})
    assert steps[0] == 5
    first, second = steps[1]
    assert (first.first.name, first.operation, first.second.value, first.result) == ("t.fee", "times", 3, 19.5)
    assert second.first.step == 0 and second.result == 21.5


def test_a_condition_is_decided_before_it_is_unfolded():
    assert [step.operation for step in Formula("a + 1 if a > 2 else a - 1").steps({"a": 1})] == ["minus"]
