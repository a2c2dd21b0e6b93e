"""Errors of the suite: every message is a sentence that says what was wrong and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class RemalisError(Exception):
    """Base class of every error that the suite raises on purpose."""


class UnknownNameError(RemalisError, ValueError):
    """A name that is not in a registry; build it with :func:`unknown`."""


class TeamError(RemalisError, ValueError):
    """Agents that make no team, or an action or an outcome that is not one of the whole team."""


class NoEpisodeError(RemalisError, RuntimeError):
    """A step outside of an episode: before the first ``reset``, or after an end."""


class SumoError(RemalisError, RuntimeError):
    """SUMO or one of its tools failed; the message quotes what it said."""


class ScenarioError(SumoError, ValueError):
    """What a scenario's own files say, or its options, SUMO does not accept; another attempt would end there too."""


def unknown(
    kind: str, name: object, valid: Iterable[object], elsewhere: Mapping[str, str] | None = None
) -> UnknownNameError:
    """Build the error for a name that is not known, naming the nearest valid one.

    Args:
        kind: What the name stands for, such as ``"level"``.
        name: What the user wrote.
        valid: The names that would have been right.
        elsewhere: What other packages call so, by their name for it: the words that say what does it here.
    """
    names = [str(v) for v in valid]
    if elsewhere and isinstance(name, str) and name in elsewhere:
        return UnknownNameError(f"Unknown {kind} {name!r}. Here it is {elsewhere[name]}.")
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if not near:
        lowered = {n.lower(): n for n in names}
        near = [lowered[n] for n in difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.5)]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    choices = ", ".join(repr(n) for n in names) or "none"
    return UnknownNameError(f"Unknown {kind} {name!r}.{hint} Valid are: {choices}.")
