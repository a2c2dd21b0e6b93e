"""The document model: elements with attributes and children, as light as a tree can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Attribute = str | int | bool
"""True stands for an attribute that is there (``hidden``), False for one that is not."""
Child = "Element | str"


class Element:
    """One element: what HTML knows of it, and nothing else.

    Attributes:
        tag: its name, lower case.
        attributes: by their HTML names.
        children: elements and text, in order.
    """

    __slots__ = ("attributes", "children", "tag")

    def __init__(self, tag: str, attributes: dict[str, Attribute], children: list[Element | str]) -> None:
        self.tag, self.attributes, self.children = tag, attributes, children

    def get(self, name: str, default: str = "") -> str:
        """An attribute as text; ``default`` where it is not there."""
        value = self.attributes.get(name)
        if value is None or value is False:
            return default
        return name if value is True else str(value)

    def has(self, name: str) -> bool:
        """Whether an attribute is there."""
        return self.attributes.get(name) not in (None, False)

    def elements(self) -> Iterator[Element]:
        """This element and all below it, in document order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.elements()

    def text(self) -> str:
        """All text below it, white space folded."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield " "
                yield from child._pieces()
                yield " "

    def copy(self) -> Element:
        """A copy that shares nothing with it."""
        children = [child if isinstance(child, str) else child.copy() for child in self.children]
        return Element(self.tag, dict(self.attributes), children)

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attributes} {self.text()[:40]!r}>"


class Fixed(Element):
    """A part that many pages share as it is, such as what stands above and below their content; read once for all.

    It has nothing that depends on what is around it: no field, no form, no dialog, no id.

    Attributes:
        readings: site -> what a reader made of it there.
    """

    __slots__ = ("readings",)

    def __init__(self, element: Element) -> None:
        super().__init__(element.tag, element.attributes, element.children)
        self.readings: dict[str, list[Any]] = {}


Content = Element | str | None | Iterable["Element | str | None"]


def e(tag: str, *content: Content, **attributes: Attribute | None) -> Element:
    """An element; ``class_`` and ``for_`` stand for HTML's names, other underscores for hyphens.

    Args:
        tag: its name.
        *content: elements, text, lists of them; None is left out.
        **attributes: None and False are left out.
    """
    children: list[Element | str] = []
    for part in content:
        if isinstance(part, _SINGLE):
            children.append(part)
        elif part is not None:
            children.extend([one for one in part if one is not None])
    named: dict[str, Attribute] = {}
    if attributes:
        for name, value in attributes.items():
            if value is not None and value is not False:
                named[_HTML_NAMES.get(name) or _html_name(name)] = value
    return Element(tag, named, children)


_SINGLE = (str, Element)
_HTML_NAMES: dict[str, str] = {}


def _html_name(name: str) -> str:
    """The HTML name of an attribute; pages are made by the thousand, so that each name is worked out once."""
    return _HTML_NAMES.setdefault(name, name.rstrip("_").replace("_", "-"))


@dataclass(slots=True)
class Page:
    """A whole page.

    Attributes:
        title: of the document.
        body: the ``body`` element.
        theme: name of the style sheet.
        kept: what an engine keeps with the page, so that a page that is shown again is not read again.
    """

    title: str
    body: Element
    theme: str = "plain"
    kept: Any = field(default=None, repr=False, compare=False)
