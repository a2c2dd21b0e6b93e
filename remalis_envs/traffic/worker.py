"""A traffic world in a process of its own: several at once, and exact snapshots by forking it.

Three kinds of process serve one environment. The *keeper* is started by the environment, simulates nothing, reaps the
others and ends them all when the environment goes away, however it goes. A *runner*, forked from it, holds the
simulation and serves one connection. A *snapshot* is a runner's fork that waits; restoring forks a new runner from it.
No runner has threads, which is what makes a fork of a running SUMO exact.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
import os
import pickle
import signal
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any

import numpy as np

from remalis_envs.errors import SumoError
from remalis_envs.traffic.cache import adopt_private
from remalis_envs.traffic.core import TrafficCore
from remalis_envs.traffic.core_config import Arrays, CoreConfig

_PARENT_POLL_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36


def shared_arrays(memory: mmap.mmap, n_agents: int) -> tuple[Arrays, np.ndarray]:
    """Lay :class:`Arrays` and the int64 ``(N,)`` of actions over shared ``memory``."""
    template, offset, views = Arrays.empty(n_agents), 0, {}
    for name, array in vars(template).items():
        views[name] = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
        offset += -(-array.nbytes // 64) * 64
    actions = np.frombuffer(memory, np.int64, n_agents, offset)
    return Arrays(**views), actions


def shared_size(n_agents: int) -> int:
    """Bytes of shared memory for ``n_agents``."""
    arrays = Arrays.empty(n_agents)
    return sum(-(-array.nbytes // 64) * 64 for array in vars(arrays).values()) + 8 * n_agents


class Runner:
    """Serves one connection with one world."""

    def __init__(self, connection: Connection, config: CoreConfig, memory: mmap.mmap) -> None:
        self.connection, self.core = connection, TrafficCore(config)
        self.shared, self.actions = shared_arrays(memory, self.core.index.n_agents)

    def serve(self) -> None:
        """Answer requests until the other side hangs up."""
        while True:
            try:
                request = self.connection.recv()
            except (EOFError, OSError):
                return
            try:
                answer = self._answer(*request)
            except Exception as error:
                answer = _picklable(error)
            try:
                self.connection.send(answer)
            except OSError:
                return

    def _answer(self, verb: str, *args: Any) -> Any:
        if verb == "step":
            self.core.step(self.actions.copy())
            self._publish()
            return self.core.done
        if verb == "load":
            return self.core.load(*args)
        if verb == "begin":
            self.core.begin(*args)
            self._publish()
            return None
        if verb == "snapshot":
            return self._fork_snapshot()
        if verb == "publish":
            self._publish()
            return None
        if verb == "pid":
            return os.getpid()
        return getattr(self.core, verb)(*args)

    def _publish(self) -> None:
        for name, array in vars(self.shared).items():
            array[...] = getattr(self.core.arrays, name)

    def _fork_snapshot(self) -> None:
        """Fork a process that waits on a connection of its own, which arrives as a file descriptor."""
        handle = recv_handle(self.connection)
        gc.collect()
        gc.freeze()
        if os.fork():
            os.close(handle)
            return
        self.connection.close()
        self._wait_as_snapshot(Connection(handle))

    def _wait_as_snapshot(self, calls: Connection) -> None:
        while True:
            try:
                calls.recv_bytes()
                handle = recv_handle(calls)
            except (EOFError, OSError):
                os._exit(0)
            if os.fork():
                os.close(handle)
                continue
            calls.close()
            self.connection = Connection(handle)
            self.serve()
            os._exit(0)


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        if type(error).__name__ in ("TraCIException", "FatalTraCIError"):
            return SumoError(f"SUMO stopped: {' '.join(str(error).split())}")
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def keep(handle: int, memory_handle: int) -> None:
    """Run the keeper: fork a runner for every connection that arrives, end all when the parent is gone."""
    parent = os.getppid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    control = Connection(handle)
    try:
        config = _receive(control)
        memory = mmap.mmap(memory_handle, 0)
        control.send(os.getpid())
        while os.getppid() == parent:
            if not control.poll(_PARENT_POLL_S):
                continue
            control.recv_bytes()
            runner_handle = recv_handle(control)
            if os.fork():
                os.close(runner_handle)
                continue
            control.close()
            _run(Connection(runner_handle), config, memory)
    except (EOFError, OSError):
        pass
    os.killpg(0, signal.SIGKILL)


def _receive(control: Connection) -> CoreConfig:
    try:
        config, folders = control.recv()
    except (AttributeError, ImportError) as error:
        control.send(_picklable(error))
        raise EOFError from None
    adopt_private(folders)
    found: CoreConfig = config
    return found


def _run(connection: Connection, config: CoreConfig, memory: mmap.mmap) -> None:
    try:
        runner = Runner(connection, config, memory)
    except Exception as error:
        connection.send(_picklable(error))
        os._exit(1)
    connection.send(os.getpid())
    runner.serve()
    os._exit(0)
