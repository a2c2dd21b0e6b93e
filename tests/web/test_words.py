"""Values are found by their form alone, and normalised as fields take them."""

from __future__ import annotations

import pytest

from remalis_envs.web.words import values_in, word_set, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Give "choir meeting" as the purpose.', [("choir meeting", "quoted")]),
        ("Enter 3:03 PM as the time.", [("15:03", "time")]),
        ("At 12:05 a.m., then 9:40am, then 11:59.", [("00:05", "time"), ("09:40", "time"), ("11:59", "time")]),
        ("It should be on 22 October 2031 at 16:30.", [("2031-10-22", "date"), ("16:30", "time")]),
        ("Leave on March 3rd, 2030.", [("2030-03-03", "date")]),
        ("There are three of us, for 12.50 each.", [("3", "number"), ("12.50", "number")]),
        ("Pay 1,250 once.", [("1250", "number")]),
        ("three times the fee, twice", [("3", "number"), ("2", "number")]),
        ("Your code is FRIEND-35, seat B12.", [("FRIEND-35", "code"), ("B12", "code")]),
        ("Write to anna@mail.test about it.", [("anna@mail.test", "email")]),
        ("Book the Draper Room at Penrith Branch.", [("Draper Room", "phrase"), ("Penrith Branch", "phrase")]),
        ("Book it. Then Confirm.", [("Confirm", "phrase")]),
    ],
)
def test_values(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(value.text, value.kind) for value in values_in(text)] == expected


def test_a_value_knows_what_stands_near_it() -> None:
    people, weeks = values_in("There will be 7 people. Renew it for 3 weeks.")
    assert "people" in people.near and "week" in weeks.near and "people" not in weeks.near


def test_words_leave_out_endings_and_small_words() -> None:
    assert words("The cheapest rooms of the libraries") == ("cheapest", "room", "library")
    assert word_set("Room rooms ROOM") == {"room"}
