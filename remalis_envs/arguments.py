"""What callers hand to constructors, ``reset`` and ``step``, checked and turned into plain numbers."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, unknown

RESET_OPTIONS = ("outages",)
FindAgent = Callable[[Any], int]
"""An agent's index, or an error that names the nearest agent."""
Build = TypeVar("Build", bound=Callable[..., Any])


def with_known_options(elsewhere: Mapping[str, str] | None = None) -> Callable[[Build], Build]:
    """Decorator of a constructor, which answers an unknown keyword argument with the nearest one that it has.

    Args:
        elsewhere: keywords of other packages, each with the words that say what does it here.
    """

    def decorate(build: Build) -> Build:
        known = inspect.signature(build).parameters

        @functools.wraps(build)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for name in kwargs:
                if name not in known:
                    raise unknown("option", name, known, elsewhere)
            return build(*args, **kwargs)

        return cast(Build, checked)

    return decorate


def whole_seed(value: Any) -> int:
    """A seed as an int.

    Raises:
        RemalisError: it is no integer, or negative.
    """
    if not _is_index(value) or value < 0:
        raise RemalisError(f"a seed is an integer of at least 0, not {value!r}")
    return int(value)


def outages(options: Any, find: FindAgent, start: float = 0.0, unit: str = "seconds") -> list[tuple[int, float, float]]:
    """The outages among ``reset``'s options, each an agent's index, begin and end; other options draw a warning.

    Args:
        options: of ``reset``.
        find: see :data:`FindAgent`.
        start: when the episode begins, added to begin and end.
        unit: what time is counted in, for messages.

    Raises:
        RemalisError: the options are no mapping, or the outages no (agent, begin, end) triples with begin before end.
    """
    if not isinstance(options, Mapping):
        raise RemalisError(f"reset options are a mapping, not {options!r}")
    for name in options:
        if name not in RESET_OPTIONS:
            warnings.warn(f"reset option {name!r} is unknown and ignored; known are {RESET_OPTIONS}", stacklevel=3)
    try:
        given = list(options.get("outages", ()))
        found = [(find(a), start + float(t0), start + float(t1)) for a, t0, t1 in given]
    except (TypeError, ValueError) as error:
        if isinstance(error, RemalisError):
            raise
        raise RemalisError(f"option outages is a list of (agent, begin, end) in {unit}") from None
    for (_, begin, end), outage in zip(found, given, strict=True):
        if not begin < end:  # nan included
            raise RemalisError(f"the outage {outage!r} must begin before it ends")
    return found


def whole_actions(actions: Any, agents: Sequence[str], find: FindAgent, count: int) -> npt.NDArray[np.int64]:
    """The actions of ``agents`` in their order, int64 ``(N,)``.

    Raises:
        RemalisError: an agent is missing or unknown, or an action is not in ``Discrete(count)``.
    """
    if not isinstance(actions, dict | Mapping):  # a dict is known at once, any other mapping by a search
        raise RemalisError(f"step() takes a mapping from agents to actions, not {type(actions).__name__}")
    try:
        raw = [actions[agent] for agent in agents]
    except KeyError:
        missing = next(agent for agent in agents if agent not in actions)
        raise RemalisError(f"step() needs an action for every agent; none was given for {missing!r}") from None
    if len(actions) != len(agents):
        for agent in actions:
            find(agent)
    try:
        values = np.asarray(raw)
    except ValueError:  # ragged: somebody gave a list
        values = np.zeros(0)
    if values.dtype.kind not in "iu" or values.shape != (len(agents),):
        bad = next((a for a, v in zip(agents, raw, strict=True) if not _is_index(v)), None)
        if bad is not None:
            raise RemalisError(f"the action of {bad!r} must be one integer, not {actions[bad]!r}")
        # Integers of kinds that have none in common, or larger than any array holds.
        values = np.array([min(max(int(value), -1), count) for value in raw], np.int64)
    whole = values.tolist()
    if min(whole) < 0 or max(whole) >= count:
        bad = agents[int(np.flatnonzero((values < 0) | (values >= count))[0])]
        raise RemalisError(f"action {actions[bad]!s:.30} of {bad!r} is outside Discrete({count})")
    return values.astype(np.int64, copy=False)


def refuse_masked(values: npt.NDArray[np.int64], masks: npt.NDArray[np.int8], agents: Sequence[str]) -> None:
    """Raise where an action is not legal now.

    Raises:
        RemalisError: for the first such agent, with what it may do.
    """
    legal = masks[np.arange(len(agents)), values] > 0
    if not legal.all():
        k = int(np.flatnonzero(~legal)[0])
        allowed = np.flatnonzero(masks[k]).tolist()
        raise RemalisError(f"action {values[k]} of {agents[k]!r} is masked now; legal are {allowed}")


def _is_index(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)


def said_text(answer: Any) -> str:
    """What an agent answered.

    Raises:
        RemalisError: it is no text.
    """
    if not isinstance(answer, str):
        raise RemalisError(f"parse() takes the text that an agent answers, not {type(answer).__name__}")
    return answer
