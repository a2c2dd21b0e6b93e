"""Inner loops as machine code: plain functions over arrays, compiled by Numba where they are first needed.

A kernel is an ordinary function that reads nothing but its arguments, neither a constant of its module nor another
function of ours: what Numba keeps on disk from one process to the next is renewed when the kernel's own file changes,
and would not notice a constant that changed elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")
_ready: dict[Callable[..., Any], Any] = {}
_PATIENCE_S = 1.0


def compiled(kernel: Callable[..., Result], *example: Any) -> Callable[..., Result]:
    """``kernel`` as machine code for arguments of the types of ``example``, which it is not called with.

    The first time on a machine takes a second, later processes load what that one kept: beside the kernel's file, or
    in the user's cache folder where that is read-only. Where neither can be written, every process compiles for
    itself. Numba is loaded by the first call, so that importing :mod:`remalis_envs` stays cheap.
    """
    import numba

    signature = tuple(numba.typeof(argument) for argument in example)
    with _announced():
        try:
            dispatcher = _ready.get(kernel) or numba.njit(cache=True)(kernel)
            dispatcher.compile(signature)
        except (OSError, RuntimeError):  # a full disk; no folder at all that Numba could write to
            dispatcher = numba.njit(kernel)
            dispatcher.compile(signature)
    _ready[kernel] = dispatcher
    return dispatcher  # type: ignore[no-any-return]


@contextlib.contextmanager
def _announced() -> Iterator[None]:
    """Say on standard error, once in a process, what takes more than a moment here."""
    timer = threading.Timer(_PATIENCE_S, _announce)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@functools.cache
def _announce() -> None:
    print("remalis: compiling its inner loops, some seconds the first time; later they are loaded", file=sys.stderr)
