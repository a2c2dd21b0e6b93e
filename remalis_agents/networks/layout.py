"""The layout of an agent's vector: which slice describes the options it chooses from.

A network that scores each option from that option's own features learns far faster than one that must discover
that entry 40 belongs to action 5, and works on options it never saw. The layout is plain data, so no network is tied
to a family of environments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from remalis_envs.errors import RemalisError, unknown

_MOST = 10**6
"""No vector is as long: a number beyond it is damage."""


@dataclass(frozen=True)
class Layout:
    """Where the options' features stand; everything outside is context.

    Attributes:
        start: first index of the block of options.
        count: number of options, one for each action.
        features: features of one option, stored option by option.
        exists: index, among an option's features, of the flag that the option exists here; -1 where all do.
        types: first index of the block that says which type the agent is, one-hot; -1 where none does.
        type_count: length of that block.
        entity_start: first index of the block of entities, the things that the agent looks at (arms of an
            intersection); -1 where the vector as a whole is the one thing.
        entity_count: how many there are.
        entity_features: features of one entity, stored entity by entity.
        entity_exists: index, among an entity's features, of the flag that it exists here; -1 where all do.
        current: index, among an option's features, of the flag that it is the one that stands now; -1 where none does.
        option_entities: index, among an option's features, of the first of ``entity_count`` shares that say how much
            the option has to do with each entity; -1 where nothing is said.
    """

    start: int
    count: int
    features: int
    exists: int = -1
    types: int = -1
    type_count: int = 0
    entity_start: int = -1
    entity_count: int = 0
    entity_features: int = 0
    entity_exists: int = -1
    current: int = -1
    option_entities: int = -1

    @classmethod
    def _read(cls, described: Mapping[str, Any]) -> Layout:
        known = {one.name: one.default is MISSING for one in fields(cls)}
        for key, value in described.items():
            if key not in known:
                raise unknown("key of a layout", key, known)
            if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < _MOST:
                raise RemalisError(
                    f"A layout's {key} is a whole number of at least -1 and below {_MOST:,}, but it is {value!r}."
                )
        missing = [key for key, needed in known.items() if needed and described.get(key, -1) < 0]
        if missing:
            raise RemalisError(f"A layout needs {' and '.join(missing)}, each 0 or more.")
        return cls(**described)

    @property
    def stop(self) -> int:
        """The index after the block."""
        return self.start + self.count * self.features

    def to_dict(self) -> dict[str, int]:
        """Plain data, as it stands in a checkpoint."""
        return asdict(self)

    @classmethod
    def of(cls, described: Any, action_count: int) -> Layout | None:
        """Reads a layout from a mapping, or from an environment's own ``layout`` object.

        Args:
            described: a mapping of this class's attributes; an object whose ``phases`` is the slice of the vector
                with one row an action, the first entry of each row being its flag of existence, whose ``types``, if it
                has any, is the slice of the agent's type, and whose ``arms``, if it has any, is that of
                ``arm_count`` rows like those of the phases. ``current`` and ``served_arms``, where there are any, are
                columns of a phase's row: see ``current`` and ``option_entities``. Or None.
            action_count: A, the rows of such a slice.

        Raises:
            UnknownNameError: a mapping has a key that is no attribute.
            RemalisError: a mapping's values are no indices or counts.
        """
        if described is None or isinstance(described, Layout):
            return described
        if isinstance(described, Mapping):
            return cls._read(described)
        block: slice = described.phases
        features = (block.stop - block.start) // action_count
        types: slice | None = getattr(described, "types", None)
        arms: slice | None = getattr(described, "arms", None)
        layout = cls(block.start, action_count, features, exists=0, current=getattr(described, "current", -1))
        if types is not None:
            layout = replace(layout, types=types.start, type_count=types.stop - types.start)
        if arms is not None:
            count = described.arm_count
            entity = {"entity_start": arms.start, "entity_count": count, "entity_exists": 0}
            entity |= {"option_entities": getattr(described, "served_arms", -1)}
            layout = replace(layout, **entity, entity_features=(arms.stop - arms.start) // count)
        return layout
