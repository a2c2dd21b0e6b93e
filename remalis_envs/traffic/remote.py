"""The environment's side of a world that lives in a worker process; see :mod:`.worker`."""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import send_handle
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, ScenarioError, SumoError
from remalis_envs.traffic.core_config import CoreConfig, prepare_cache
from remalis_envs.traffic.worker import shared_arrays, shared_size

_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
NOT_OURS = (
    "this snapshot belongs to another environment, or to this one before it was closed; only the environment that took "
    "it can restore it, until it is closed"
)


def refuse_pickling() -> Any:
    """Says why a snapshot cannot be pickled.

    Raises:
        RemalisError: always.
    """
    raise RemalisError("a snapshot lives in the process that took it; it cannot be pickled or sent elsewhere")


class SimulatorDied(SumoError):
    """The process that holds the simulation is gone."""


class RemoteSnapshot:
    """A waiting fork of the simulation; it ends with the environment, or with ``close``."""

    def __init__(self, connection: Connection, owner: RemoteCore) -> None:
        self.connection, self.owner = connection, weakref.ref(owner)

    def close(self) -> None:
        """End the waiting process."""
        self.connection.close()

    def __copy__(self) -> RemoteSnapshot:
        """Itself: restoring never changes it, and there is one process behind it."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> RemoteSnapshot:
        return self

    def __reduce__(self) -> Any:
        return refuse_pickling()


class RemoteCore:
    """Same verbs as ``TrafficCore``, served by a worker."""

    def __init__(self, config: CoreConfig) -> None:
        self.config, self.n_agents = config, len(config.scenario.network.intersections)
        self._snapshots: weakref.WeakSet[RemoteSnapshot] = weakref.WeakSet()
        self._runner: Connection | None = None
        self._start: RemoteSnapshot | None = None
        self._finalizer: weakref.finalize | None = None
        self.done = False
        self._owner = os.getpid()
        self._open_memory()
        self._start_keeper()

    # -- life -------------------------------------------------------------------------------------------------
    def _open_memory(self) -> None:
        size = shared_size(self.n_agents)
        if hasattr(os, "memfd_create"):
            self._memory_handle = os.memfd_create("remalis")
        else:
            with tempfile.TemporaryFile() as file:
                self._memory_handle = os.dup(file.fileno())
        os.ftruncate(self._memory_handle, size)
        self._memory = mmap.mmap(self._memory_handle, size)
        self.arrays, self._actions = shared_arrays(self._memory, self.n_agents)

    def _start_keeper(self) -> None:
        ours, theirs = Pipe()
        # Not `-m`: the package itself imports the worker module, which would then be loaded twice.
        start = f"from remalis_envs.traffic.worker import keep; keep({theirs.fileno()}, {self._memory_handle})"
        command = [sys.executable, "-c", start]
        paths = [path for path in sys.path if path]
        environment = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)}
        self._keeper = subprocess.Popen(
            command,
            pass_fds=(theirs.fileno(), self._memory_handle),
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        self._finalizer = weakref.finalize(self, _end, self._keeper, ours, os.getpid())
        try:
            ours.send((self.config, prepare_cache(self.config)))
            answer = ours.recv()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            answer = error
        except (EOFError, OSError):
            self.close()
            raise SimulatorDied("the simulator's worker process ended before it was ready") from None
        if isinstance(answer, Exception):
            self.close()
            raise RemalisError(
                f"this environment runs in a worker process, and its settings cannot be sent there ({answer}); "
                "define a reward function at the top level of an importable module"
            )

    def _start_runner(self) -> None:
        ours, theirs = Pipe()
        self._control.send_bytes(b"r")
        send_handle(self._control, theirs.fileno(), self._keeper.pid)
        theirs.close()
        self._runner = ours
        with self._undisturbed():
            answer = ours.recv()
        if isinstance(answer, Exception):
            raise answer

    def _drop(self) -> None:
        """End every process, but keep the memory: the next reset starts anew."""
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        for snapshot in list(self._snapshots):
            snapshot.close()
        self._start = None

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Drop everything where a Ctrl-C comes between a request and its answer, which would be taken for another's."""
        try:
            yield
        except (EOFError, OSError):
            raise
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """End every process of this environment."""
        self._drop()
        if self._memory_handle >= 0:
            os.close(self._memory_handle)
            self._memory_handle = -1

    # -- requests ---------------------------------------------------------------------------------------------
    @property
    def is_ours(self) -> bool:
        """Whether this process opened it; a forked child has a copy, whose requests would reach the parent's world."""
        return os.getpid() == self._owner

    def _check_ours(self) -> None:
        if not self.is_ours:
            raise RemalisError("this episode belongs to the process that this one was forked from; call reset() here")

    def call(self, verb: str, *args: Any) -> Any:
        """Ask the runner; its exceptions are raised here.

        Raises:
            SimulatorDied: the runner is gone.
        """
        self._check_ours()
        if self._runner is None:
            raise SimulatorDied("the simulator is not running; call reset()")
        try:
            with self._undisturbed():
                self._runner.send((verb, *args))
                answer = self._runner.recv()
        except (EOFError, OSError):
            self._runner.close()
            self._runner = None
            raise SimulatorDied("the process that holds the simulation died") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def reset(self, seed: int, options: dict[str, Any]) -> None:
        """Begin an episode, from the forked start state where the scenario has one; after a fault, from nothing."""
        self.done = False
        try:
            self._load(seed)
            self.call("begin", seed, options)
        except (SimulatorDied, EOFError, OSError):
            self._drop()
            self._start_keeper()
            self._load(seed)
            self.call("begin", seed, options)

    def _load(self, seed: int) -> None:
        if self._start is not None:
            self.restore(self._start, publish=False)
            return
        if self._finalizer is None:
            self._start_keeper()
        if self._runner is None:
            self._start_runner()
        self.call("load", seed)
        if self.config.scenario.demand is not None:
            self.call("begin", seed, {})
            self._start = self.snapshot()

    def step(self, actions: npt.NDArray[np.int64]) -> None:
        """Run one decision interval."""
        self._actions[:] = actions
        try:
            self.done = self.call("step")
        except SimulatorDied:
            raise
        except SumoError as error:  # its process lives, but the simulation is over: the next reset needs a new one
            if self._runner is not None:
                self._runner.close()
                self._runner = None
            if isinstance(error, ScenarioError):
                raise
            raise SimulatorDied(str(error)) from None

    def snapshot(self) -> RemoteSnapshot:
        """Fork the simulation; a few milliseconds."""
        self._check_ours()
        if self._runner is None:
            raise SimulatorDied("the simulator is not running; call reset()")
        ours, theirs = Pipe()
        try:
            with self._undisturbed():
                self._runner.send(("snapshot",))
                send_handle(self._runner, theirs.fileno(), 0)
                self._runner.recv()
        except (EOFError, OSError):
            raise SimulatorDied("the process that holds the simulation died") from None
        finally:
            theirs.close()
        snapshot = RemoteSnapshot(ours, self)
        self._snapshots.add(snapshot)
        return snapshot

    def restore(self, snapshot: RemoteSnapshot, *, publish: bool = True) -> None:
        """Go on from ``snapshot``, which stays usable.

        Raises:
            RemalisError: it is not a snapshot of this environment.
        """
        if not isinstance(snapshot, RemoteSnapshot) or snapshot.owner() is not self:
            raise RemalisError(NOT_OURS)
        self._check_ours()
        ours, theirs = Pipe()
        try:
            snapshot.connection.send_bytes(b"r")
            send_handle(snapshot.connection, theirs.fileno(), 0)
        except (EOFError, OSError):
            ours.close()
            raise SimulatorDied("the snapshot's process is gone") from None
        finally:
            theirs.close()
        if self._runner is not None:
            self._runner.close()
        self._runner, self.done = ours, False
        if publish:
            self.call("publish")

    @property
    def simulator_pid(self) -> int:
        """Process id of the simulator."""
        return int(self.call("pid"))

    def __getattr__(self, name: str) -> Any:
        """Every other verb of ``TrafficCore``, such as ``metrics``, is asked of the runner."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.call(name, *args)


def _end(keeper: subprocess.Popen[bytes], control: Connection, owner: int) -> None:
    if os.getpid() != owner:  # a forked child drops its copy; the simulator is its parent's
        return
    control.close()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(keeper.pid, signal.SIGKILL)
    keeper.wait()
