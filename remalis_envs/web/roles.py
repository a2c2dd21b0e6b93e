"""The seven roles of a team and what each may do, as an office parts it."""

from __future__ import annotations

from dataclasses import dataclass

from remalis_envs.web.pages.items import Item

OPEN, QUERY, EDIT, COMPUTE, SCHEDULE, ACCOUNT, CONFIRM = RIGHTS = (
    "open",
    "query",
    "edit",
    "compute",
    "schedule",
    "account",
    "confirm",
)
"""``open``: links, disclosures and whatever changes nothing. ``query``: searching, filters, sorting. ``edit``: typing
into a draft and saving it, putting into a basket, holding a seat. ``compute`` and ``schedule``: the tool sites.
``account``: account, messages and help. ``confirm``: what is final."""

_BY_HOST = {"calculator": COMPUTE, "calendar": SCHEDULE, "map": SCHEDULE, "mail": ACCOUNT}
_BY_PATH = {
    "search": QUERY,
    "draft": EDIT,
    "basket": EDIT,
    "hold": EDIT,
    "account": ACCOUNT,
    "messages": ACCOUNT,
    "help": ACCOUNT,
    "confirm": CONFIRM,
    "pay": CONFIRM,
    "submit": CONFIRM,
}


@dataclass(frozen=True)
class Role:
    """One trade.

    Attributes:
        name: also the agent's name, with a number where a team has it several times.
        rights: what it may do when roles overlap, so that two roles can do most things.
        trade: the right that is its own when roles are exclusive.
        records_many: whether it records a whole row or list of facts in one step.
    """

    name: str
    rights: tuple[str, ...]
    trade: str
    records_many: bool = False


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("searcher", (OPEN, QUERY, ACCOUNT), QUERY),
        Role("form_filler", (OPEN, EDIT, SCHEDULE), EDIT),
        Role("calculator", (OPEN, COMPUTE, EDIT), COMPUTE),
        Role("scheduler", (OPEN, SCHEDULE, COMPUTE), SCHEDULE),
        Role("navigator", (OPEN, ACCOUNT, QUERY), ACCOUNT),
        Role("reader", (OPEN,), OPEN, records_many=True),
        Role("verifier", (OPEN, CONFIRM), CONFIRM),
    )
}
"""In the order in which their actions are dispatched."""


def rights_of(role: str, parted: str) -> frozenset[str]:
    """The rights of a role; ``alone`` has them all.

    Args:
        role: name of one of :data:`ROLES`, or ``alone``.
        parted: ``overlapping`` or ``exclusive``.
    """
    if role == "alone":
        return frozenset(RIGHTS)
    own = ROLES[role]
    return frozenset(own.rights if parted == "overlapping" else (OPEN, own.trade))


def right_of(item: Item, host: str) -> str:
    """The right that acting on a control needs, from what the control would ask its site for.

    Args:
        item: a control.
        host: name of the site that its page belongs to.
    """
    if item.role == "link" or not item.form:
        return OPEN
    return right_of_path(item.form.partition(" ")[2], host)


def right_of_path(path: str, host: str) -> str:
    """The right that asking a site for a path through a form needs.

    Args:
        path: ``/path?query``.
        host: name of the site.
    """
    if host in _BY_HOST:
        return _BY_HOST[host]
    return _BY_PATH.get(path.partition("?")[0].strip("/").split("/")[0], OPEN)
