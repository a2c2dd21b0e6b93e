"""Tests of what of an item is the same under every instruction."""

from __future__ import annotations

import numpy as np

from remalis_envs.web.feature_names import F
from remalis_envs.web.pages.items import Item
from remalis_envs.web.roles import COMPUTE, OPEN
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
