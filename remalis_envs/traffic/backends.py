"""Where a world runs: in this process or in a worker."""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, SumoError
from remalis_envs.traffic.core_config import Arrays, CoreConfig
from remalis_envs.traffic.engine.simulation import process_is_free
from remalis_envs.traffic.inline import InlineCore
from remalis_envs.traffic.remote import RemoteCore

BACKENDS = ("auto", "inline", "worker")


class Backend(Protocol):
    """What the environment asks of a world."""

    arrays: Arrays

    @property
    def done(self) -> bool:
        """Whether the horizon is reached."""

    def reset(self, seed: int, options: dict[str, Any]) -> None:
        """Begin an episode."""

    def step(self, actions: npt.NDArray[np.int64]) -> None:
        """Run one decision interval."""

    def metrics(self) -> dict[str, float]:
        """Figures of the episode."""

    def state(self) -> npt.NDArray[np.float32]:
        """The global state."""

    def layout_row(self, agent: int) -> npt.NDArray[np.float32]:
        """An agent's vector in the default layout."""

    def scene(self) -> Any:
        """What a picture shows."""

    def snapshot(self) -> Any:
        """Branch."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a branch."""

    def close(self) -> None:
        """End it."""


def open_backend(config: CoreConfig, name: str) -> Backend:
    """The world of ``config``.

    Raises:
        RemalisError: ``inline`` was asked for and this process already holds a simulation.
    """
    if name != "worker":
        core = InlineCore(config)
        with contextlib.suppress(SumoError):
            core.simulation.claim()
            return core
    if name == "inline":
        raise RemalisError(
            "libsumo holds one simulation a process, and this process has one already; "
            "close it, or use backend='worker' (backend='auto' does so by itself)"
        )
    return RemoteCore(config)


def is_usable(backend: Backend) -> bool:
    """Whether a world can begin an episode where it is.

    One in this process may have lost it to another by a fault; one in a worker may be that of the process from which
    this one was forked.
    """
    if isinstance(backend, RemoteCore):
        return backend.is_ours
    return not isinstance(backend, InlineCore) or process_is_free(but_for=backend.simulation)
