"""Asking for something of the catalogue: a draft about it, then confirmed."""

from __future__ import annotations

from remalis_envs.web.sites.mechanics.base import Mechanic


class Collection(Mechanic):
    """Reserve for collection: the plainest of all, a form about one thing."""

    name = "collection"
