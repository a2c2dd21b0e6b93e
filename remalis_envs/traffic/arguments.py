"""What callers hand to ``reset`` and ``step``, checked and turned into plain numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError
from remalis_envs.traffic.network.model import MAX_PHASES

RESET_OPTIONS = ("outages",)
FindAgent = Callable[[Any], int]
"""An agent's index, or an error that names the nearest agent."""


def whole_seed(value: Any) -> int:
    """A seed as an int.

    Raises:
        RemalisError: it is no integer, or negative.
    """
    if not _is_index(value) or value < 0:
        raise RemalisError(f"a seed is an integer of at least 0, not {value!r}")
    return int(value)


def outages(options: Any, find: FindAgent, begin_s: float) -> list[tuple[int, float, float]]:
    """The outages among ``reset``'s options, in the simulation's time; other options draw a warning.

    Raises:
        RemalisError: the options are no mapping, or the outages no (agent, begin_s, end_s) triples.
    """
    if not isinstance(options, Mapping):
        raise RemalisError(f"reset options are a mapping, not {options!r}")
    for name in options:
        if name not in RESET_OPTIONS:
            warnings.warn(f"reset option {name!r} is unknown and ignored; known are {RESET_OPTIONS}", stacklevel=3)
    try:
        return [(find(a), begin_s + float(t0), begin_s + float(t1)) for a, t0, t1 in options.get("outages", ())]
    except (TypeError, ValueError) as error:
        if isinstance(error, RemalisError):
            raise
        raise RemalisError("option outages is a list of (agent, begin_s, end_s) in seconds") from None


def whole_actions(actions: Any, agents: Sequence[str], find: FindAgent) -> npt.NDArray[np.int64]:
    """The actions of ``agents`` in their order, int64 ``(N,)``.

    Raises:
        RemalisError: an agent is missing or unknown, or an action is not in ``Discrete(MAX_PHASES)``.
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
        bad = next((a for a, v in zip(agents, raw, strict=True) if not _is_index(v)), agents[0])
        raise RemalisError(f"the action of {bad!r} must be one integer, not {actions[bad]!r}")
    whole = values.tolist()
    if min(whole) < 0 or max(whole) >= MAX_PHASES:
        bad = agents[int(np.flatnonzero((values < 0) | (values >= MAX_PHASES))[0])]
        raise RemalisError(f"action {actions[bad]} of {bad!r} is outside Discrete({MAX_PHASES})")
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
