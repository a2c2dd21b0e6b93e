"""Reading of checked mappings: each key is asked for once, what is left over is an error that names the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from remalis_envs.errors import RemalisError
from remalis_envs.web.sites.expressions import Formula, FormulaError


class DomainError(RemalisError, ValueError):
    """A domain file that says something that it may not; the words name the place."""


class Section:
    """A mapping of a domain file, with the place where it stands.

    Args:
        data: what YAML gave.
        place: such as ``library.yaml: entities.book``.
    """

    def __init__(self, data: object, place: str) -> None:
        if not isinstance(data, Mapping):
            raise DomainError(f"{place} must be a mapping of keys to values, not {data!r}.")
        for key in data:
            if isinstance(key, bool):
                raise DomainError(
                    f"{place} has a key that YAML reads as {key}, such as on, off, yes or no: put it in quotes."
                )
        self.data: dict[str, Any] = {str(key): value for key, value in data.items()}
        self.place = place
        self._asked: list[str] = []

    def _get(self, key: str, default: Any, kinds: type | tuple[type, ...], what: str) -> Any:
        self._asked.append(key)
        value = self.data.get(key)
        if value is None:
            if default is ...:
                raise DomainError(f"{self.place} lacks {key!r}, which must be {what}.")
            return default
        wrong_bool = isinstance(value, bool) and kinds is not bool
        if wrong_bool or not isinstance(value, kinds):
            raise DomainError(f"{self.place}.{key} must be {what}, not {value!r}.")
        return value

    def text(self, key: str, default: Any = ..., of: Iterable[str] = ()) -> str:
        """A text; of a fixed set where ``of`` names one."""
        value = self._get(key, default, (str, int, float), "a text")
        value = value if value is default else str(value)
        valid = list(of)
        if valid and value not in valid and value != default:
            near = difflib.get_close_matches(str(value), valid, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise DomainError(f"{self.place}.{key} is {value!r}.{hint} Valid are: {', '.join(valid)}.")
        return value

    def number(self, key: str, default: Any = ...) -> float:
        """A number."""
        return self._get(key, default, (int, float), "a number")

    def integer(self, key: str, default: Any = ...) -> int:
        """A whole number."""
        return self._get(key, default, int, "a whole number")

    def flag(self, key: str, default: Any = ...) -> bool:
        """True or false."""
        return self._get(key, default, bool, "true or false")

    def texts(self, key: str, default: Any = ..., least: int = 0) -> tuple[str, ...]:
        """A list of texts; one text stands for a list of one."""
        value = self._get(key, default, (list, str, int, float), "a list of texts")
        if value is default and not isinstance(value, list):
            return default
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, bool) or not isinstance(part, str | int | float):
                raise DomainError(f"{self.place}.{key} must be a list of texts; {part!r} needs quotes or is no text.")
        if len(parts) < least:
            raise DomainError(f"{self.place}.{key} needs at least {least} texts, and has {len(parts)}.")
        return tuple(str(part) for part in parts)

    def formula(self, key: str) -> Formula | None:
        """A formula, or None."""
        value = self._get(key, None, (str, int, float), "a formula")
        if value is None:
            return None
        try:
            return Formula(str(value))
        except FormulaError as error:
            raise DomainError(f"{self.place}.{key}: {error}") from error

    def section(self, key: str, default: Any = ...) -> Section:
        """A mapping below this one."""
        return Section(self._get(key, default, Mapping, "a mapping"), f"{self.place}.{key}")

    def sections(self, key: str, default: Any = ...) -> list[tuple[str, Section]]:
        """The mappings of a mapping, by name."""
        below = self.section(key, default)
        return [(name, Section(value, f"{below.place}.{name}")) for name, value in below.data.items()]

    def list_of_sections(self, key: str) -> list[Section]:
        """The mappings of a list; none where there is no list."""
        value = self._get(key, [], list, "a list of mappings")
        return [Section(part, f"{self.place}.{key}[{place}]") for place, part in enumerate(value)]

    def raw(self, key: str) -> Any:
        """A value that the caller checks."""
        self._asked.append(key)
        return self.data.get(key)

    def finish(self) -> None:
        """Refuses keys that nobody asked for."""
        for key in self.data:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, n=1, cutoff=0.5)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise DomainError(
                    f"{self.place} has {key!r}, which is no key here.{hint} Keys are: {', '.join(self._asked)}."
                )
