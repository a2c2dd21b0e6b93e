"""Tests of what of an item is the same under every instruction."""

from __future__ import annotations

import numpy as np

from remalis_envs.web.feature_names import LABEL_HASH, F
from remalis_envs.web.features import FeatureTable
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.roles import COMPUTE, OPEN, rights_of
from remalis_envs.web.static_features import hashed
from remalis_envs.web.traits import traits_of


def test_a_button_of_a_form_takes_the_right_of_its_site():
    button = Item("button", "Work it out", kind="submit", form="GET /result")
    here, there = (traits_of(button, host).offers for host in ("calculator", "main"))
    assert here is not None and [offer.right for offer in here.offers] == [COMPUTE, COMPUTE]
    assert here.legal == (True, False)  # the second is what others see
    assert there is not None and [offer.right for offer in there.offers] == [OPEN]


def test_rows_hold_one_operation_and_one_right_each():
    block = traits_of(Item("button", "Add it", kind="submit", form="POST /basket/add/buy/1"), "main").block
    assert block.shape[0] == 2 and np.array_equal(block[:, F["operation_press"]], [1.0, 1.0])
    assert np.array_equal(block[:, F["right_edit"]], [1.0, 1.0]) and not block[:, F["operation_follow"]].any()


def test_fields_are_left_to_the_instruction_and_equal_items_share_traits():
    field = Item("textbox", "Name", form="POST /draft/save", kind="text")
    assert traits_of(field, "main").offers is None
    assert traits_of(Item("link", "Home", href="/"), "main") is traits_of(Item("link", "Home", href="/"), "main")


def test_words_are_told_apart_though_they_share_a_column():
    stamps = {hashed(word, LABEL_HASH).tobytes() for word in (f"word{number}" for number in range(3_000))}
    assert len(stamps) > 2_900, "with one column each there would be 96"
    assert np.abs(hashed(" ".join(f"word{number}" for number in range(300)), LABEL_HASH)).max() == 1.0


def test_a_fact_is_known_by_its_term_and_a_row_by_its_name():
    labels = slice(F["label_0"], F["label_0"] + LABEL_HASH)
    for item, said in (
        (Item("definition", "RC 08 782", context="Railcard"), "Railcard"),
        (Item("link", "Edith Ashdown", context="Edith Ashdown strict €30.50", href="/item/guide/1"), "Edith Ashdown"),
    ):
        assert np.array_equal(traits_of(item, "main").block[0, labels], hashed(said, LABEL_HASH))


def test_options_of_a_select_are_told_apart_by_their_words():
    options = ("Name", "Price: up", "Price: down")
    select = Item("combobox", "Sort by", options=options, form="GET /search/room")
    table = FeatureTable("The cheapest room.", {})
    view = table.view(Reading("main/search/room", "Search rooms", (select,)), rights_of("alone", "overlapping"))
    rows = view.block[:, F["label_0"] : F["label_0"] + LABEL_HASH]
    assert len(rows) == 3 and len({row.tobytes() for row in rows}) == 3
    assert np.array_equal(rows[1], hashed("Sort by Price: up", LABEL_HASH))
