"""An application: a form in two parts, with documents, that is handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.mechanics.base import Mechanic

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


class Application(Mechanic):
    """Fill in two pages, attach documents (flags), submit. Option ``documents``: inputs of which one must be given."""

    name = "application"
    ends = "submit"
    parts = 2

    def refusal(self, world: SiteWorld, service: Service, target: int, values: dict[str, str]) -> str:
        """An application without any document is not taken."""
        documents = service.options.get("documents")
        if isinstance(documents, list) and documents and all(values.get(one) != "yes" for one in documents):
            return "Please attach at least one document."
        return super().refusal(world, service, target, values)


class Registration(Mechanic):
    """Sign up for something of the catalogue; handed in, not confirmed."""

    name = "registration"
    ends = "submit"
