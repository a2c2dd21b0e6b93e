"""What a request to a site really does, in the family's words, whatever the control that sent it is called."""

from __future__ import annotations

from remalis_envs.web.sites.domain import Domain
from remalis_envs.web.sites.mechanics import MECHANICS

_BY_FIRST = {
    "search": "search",
    "suggest": "search",
    "account": "account",
    "messages": "message",
    "help": "help",
    "review": "review",
    "basket": "add to basket",
    "draft": "draft",
    "confirm": "confirm",
    "pay": "pay",
    "submit": "confirm",
}
_BY_HOST = {"calculator": "compute", "calendar": "date", "map": "fact", "mail": "message", "manual": "help"}


def concept_of_request(domain: Domain, requested: str) -> str:
    """The concept of a request: that of the service which it begins or ends, else what its path is for.

    Args:
        domain: of the main site.
        requested: ``"METHOD host/path?query"``.

    Returns:
        One of ``vocabulary.CONCEPTS``.
    """
    method, _, address = requested.partition(" ")
    host, _, target = address.partition("/")
    path, _, query = target.partition("?")
    if host in _BY_HOST:
        return _BY_HOST[host]
    parts = path.split("/")
    if method == "POST":
        for part in parts[1:]:
            if part in domain.services:
                service = domain.services[part]
                adds = MECHANICS[service.mechanic].quantity and parts[0] == "basket"
                return "add to basket" if adds else service.concept
        return _BY_FIRST.get(parts[0], "navigation")
    if parts[0] == "search" and any(one.startswith("sort=") and len(one) > 5 for one in query.split("&")):
        return "sort order"
    if parts[0] == "search" and any(
        value and name not in ("q", "page") for name, _, value in (one.partition("=") for one in query.split("&"))
    ):
        return "filter"
    return _BY_FIRST.get(parts[0], "navigation")
