"""What of an item is the same under every instruction: what it offers, the rows of that, the words that it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from remalis_envs.web.actions import OPERATIONS
from remalis_envs.web.candidates import VALUED, Offer, bare, operation_on, plain_offers
from remalis_envs.web.feature_names import ACTION_FEATURES, F
from remalis_envs.web.page_views import RIGHT_NUMBER
from remalis_envs.web.pages.items import Item
from remalis_envs.web.roles import OPEN, RIGHTS
from remalis_envs.web.static_features import Ones, Row, sketch_of, static_rows
from remalis_envs.web.words import KINDS

_OPERATION = {name: F[f"operation_{name.replace(' ', '_')}"] for name in OPERATIONS}
_RIGHT = {name: F[f"right_{name}"] for name in RIGHTS}
_KIND = {"": F["exists"], **{kind: F[f"value_is_{kind}"] for kind in KINDS}}
"""What has no value has a 1 where every row has one."""


MOST_KEPT = 20_000
"""Items of a site whose traits are kept."""


@dataclass(slots=True, eq=False)
class Offers:
    """What something offers, and what of it goes into a table.

    Attributes:
        offers: to who has the right to them, and last, where they take one, what is offered to who has not.
        rights: of each, the number of the right that it takes; ``len(RIGHTS)`` more for who has not.
        legal: of each, whether it is.
        ones: for each, columns of features that are 1.
    """

    offers: tuple[Offer, ...]
    rights: tuple[int, ...]
    legal: tuple[bool, ...]
    ones: Ones


@dataclass(slots=True, eq=False)
class Traits:
    """Of an item on a site.

    Attributes:
        offers: what it offers; None where values are offered, which differ from instruction to instruction.
        block: of these offers, the features that depend on no instruction, float32 ``(n, F)``. Never write into it.
        sketch: the words of its name and context as 64 bits.
    """

    offers: Offers | None
    block: Row
    sketch: int


_kept: dict[str, dict[Item, Traits]] = {}


def traits_of(item: Item, host: str) -> Traits:
    """The traits of an item; made once for all sites of that name.

    Args:
        item: of a reading.
        host: of its page.
    """
    kept = _kept.setdefault(host, {})
    found = kept.get(item)
    if found is None:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        found = kept[item] = _traits(item, host)
    return found


def _traits(item: Item, host: str) -> Traits:
    bits = sketch_of(item.name) | sketch_of(item.context)
    if item.is_control and operation_on(item) in VALUED:
        return Traits(None, _NO_ROWS, bits)
    offers = shared_offers(plain_offers(item, host), operation_on(item))
    return Traits(offers, static_rows(item, offers.ones) if offers.offers else _NO_ROWS, bits)


_NO_ROWS: Row = np.zeros((0, len(ACTION_FEATURES)), np.float32)


def all_offers(offers: tuple[Offer, ...], operation: str) -> Offers:
    """What there is for who has the right to something, and for who has not.

    Args:
        offers: to who has the right.
        operation: what others see instead, which they may not do.
    """
    right = offers[0].right if offers else OPEN
    if right != OPEN:
        offers = (*offers, bare(operation, right))
    numbers = [RIGHT_NUMBER[offer.right] for offer in offers]
    if right != OPEN:
        numbers[-1] += len(RIGHTS)
    return Offers(
        offers,
        tuple(numbers),
        tuple([offer.legal for offer in offers]),
        tuple([(_OPERATION[offer.operation], _RIGHT[offer.right], _KIND[offer.kind]) for offer in offers]),
    )


shared_offers = lru_cache(maxsize=1_000)(all_offers)
"""The same for offers without values, of which there are few."""


@dataclass(slots=True)
class NewRows:
    """Rows that a table is to get, column by column.

    Attributes:
        blocks: what depends on no instruction, see :class:`Traits`.
        rights, legal: by row, see :class:`Offers`.
        labels, contexts: by row, which words of the instruction the label or value has, and the context, as bits.
        sketches: by row, the words of the item as 64 bits.
        alike: numbers of the rows that have anything of the instruction.
        likeness: of these, the features from ``label_share`` to the last ``context_names``.
    """

    blocks: list[Row] = field(default_factory=list)
    rights: list[int] = field(default_factory=list)
    legal: list[bool] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    contexts: list[int] = field(default_factory=list)
    sketches: list[int] = field(default_factory=list)
    alike: list[int] = field(default_factory=list)
    likeness: list[tuple[float, ...]] = field(default_factory=list)
