"""What a request does is told by what it asks for, not by the words of its control."""

from __future__ import annotations

import pytest

from remalis_envs.web.sites.concepts import concept_of_request
from remalis_envs.web.sites.loading import load_domain


@pytest.mark.parametrize(
    ("requested", "concept"),
    [
        ("POST main/draft/start/fly/3", "outbound"),
        ("POST main/account/start/change/3", "change"),
        ("POST main/hold/start/seat/3", "reserve"),
        ("POST main/confirm/cancel", "cancel"),
        ("POST main/draft/save", "draft"),
        ("GET main/search/flight", "search"),
        ("GET main/search/flight?q=NA1&cabin=&sort=", "search"),
        ("GET main/search/flight?q=&cabin=economy&sort=", "filter"),
        ("GET main/search/flight?q=&cabin=&sort=Fare: up", "sort order"),
        ("GET main/item/flight/3", "navigation"),
        ("GET main/review", "review"),
        ("GET calculator/result?a=1", "compute"),
        ("POST calendar/add", "date"),
    ],
)
def test_airline(requested, concept):
    assert concept_of_request(load_domain("airline"), requested) == concept


def test_returns_and_baskets():
    shop = load_domain("shop")
    assert concept_of_request(shop, "POST main/account/start/give_back/3") == "return goods"
    assert concept_of_request(shop, "POST main/basket/add/order/3") == "add to basket"
    assert concept_of_request(shop, "POST main/pay/order") == "purchase order"
