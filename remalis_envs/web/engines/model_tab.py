"""A tab of the browserless engine, and copies of tabs and documents."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from remalis_envs.web.pages.addresses import Address
from remalis_envs.web.pages.elements import Element, Page
from remalis_envs.web.pages.reading import Read

NOWHERE = Address("", "/")


@dataclass(slots=True)
class Entry:
    """A place in a tab's history, with the document that was there, and its number."""

    address: Address
    root: Element
    document: int


@dataclass(slots=True)
class Tab:
    """A tab.

    Attributes:
        root: its live document; None before it opened.
        title: of the document.
        page: what the site answered, as long as the document is still that.
        document: its number. Going back to a place of the same number loads nothing, even where the document had to be
            loaded again in between.
        documents: how many numbers were given out.
        address: where it is.
        history: places before this one.
        posted: places where a page was the answer to a POST; Back passes over them, for a browser would ask there
            whether to send the form again.
        shared: whether the document belongs to the site, or to a saved state, and must be copied before a change.
        last: the reading that was given out last, which deeds speak of.
        left: whether another document has come since; its items are not those, even where the page looks the same.
        fresh: a reading of the document as it is now, if there is one.
        requested: what the deed in progress asked for.
    """

    root: Element | None = None
    title: str = ""
    page: Page | None = None
    document: int = 0
    documents: int = 0
    address: Address = NOWHERE
    history: list[Entry] = field(default_factory=list)
    posted: frozenset[str] = frozenset()
    shared: bool = True
    last: Read | None = None
    left: bool = False
    fresh: Read | None = None
    requested: list[str] = field(default_factory=list)


def twin(tab: Tab) -> Tab:
    """A tab that goes its own way from here; both copy the document before they change it."""
    history = [Entry(entry.address, entry.root, entry.document) for entry in tab.history]
    return replace(tab, history=history, shared=True, requested=[])


def put_back(tab: Tab) -> Tab:
    """A saved tab, where every place of its history has to be loaded again, as in a browser."""
    put = twin(tab)
    for entry in put.history:
        put.documents += 1
        entry.document = put.documents
    put.documents += 1
    put.document = put.documents
    return put


def copy(element: Element, twins: dict[int, Element]) -> Element:
    """A copy of a tree; ``twins`` gets the copy of each element by the ``id`` of what it was copied from."""
    children = [child if isinstance(child, str) else copy(child, twins) for child in element.children]
    made = twins[id(element)] = Element(element.tag, dict(element.attributes), children)
    return made


def moved(read: Read, twins: dict[int, Element]) -> Read:
    """A reading whose elements are those of a copy; elements that are gone stay as they were."""
    elements = [twins.get(id(element), element) for element in read.elements]
    return Read(read.reading, elements, [None if form is None else twins.get(id(form), form) for form in read.forms])
