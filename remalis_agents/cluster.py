"""Ray under a training: started on this machine, or a cluster that runs already and is joined."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Any

from remalis_agents.registration import register_with_ray
from remalis_agents.runs import TrainingError

AUTO = "auto"
"""The address that stands for whichever cluster ``RAY_ADDRESS`` names, or runs on this machine."""

_started_here = False
"""Whether the Ray that runs was started by :func:`start_ray`, which may then start a larger one, or join another."""


def end_as_interrupted() -> None:
    """Lets SIGTERM do what Ctrl-C does, once Ray runs: its own handler prints a stack of C++ and leaves at once."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def start_ray(address: str | None = None, cpus: float = 1, log_to_driver: bool = False) -> None:
    """Joins a cluster, or starts Ray here with room for at least ``cpus``; keeps a running one that has the room.

    Raises:
        TrainingError: no cluster answers, or the Ray that the caller started is too small: a training would wait in it
            for ever.
    """
    import ray

    global _started_here
    joined = found(address) if address else None
    if ray.is_initialized():
        has = ray.cluster_resources().get("CPU", 0.0)
        if address is None and has < cpus and not _started_here:
            raise TrainingError(
                f"This training needs {cpus:g} CPUs, but the Ray that runs here has {has:g}: start it with "
                f"ray.init(num_cpus={cpus:g}), or use fewer env runners."
            )
        if _started_here and (address is not None or has < cpus):
            ray.shutdown()
    if not ray.is_initialized():
        options: dict[str, Any] = {"log_to_driver": log_to_driver, "logging_level": "ERROR"}
        if joined:
            options["address"] = joined
        else:
            # Runners wait for each other in turns, so more of them than cores is a choice and not a mistake.
            options |= {"num_cpus": max(os.cpu_count() or 1, int(cpus + 0.999)), "include_dashboard": False}
            # A Ray that somebody else started on this machine is not ours to join unasked.
            options["address"] = "local"
        try:
            ray.init(**options)
        except ConnectionError as error:
            raise TrainingError(unanswered(address, error)) from None
        _started_here = address is None
    register_with_ray()


def found(address: str) -> str:
    """The address of a cluster that answers: the one given, or for ``auto`` the one that runs on this machine.

    Ray shows a cluster this machine's token only where it looked for the address itself, so ``auto`` does it here.

    Raises:
        TrainingError: nobody answers, or ``auto`` finds no cluster or several.
    """
    if address == AUTO:
        from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

        address = os.environ.get("RAY_ADDRESS") or _running_here()
        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        try:  # Ray itself tries for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise TrainingError(f"No Ray cluster answers at {address!r}: {error.strerror or error}.") from None
    return address


def _running_here() -> str:
    from ray._private.services import find_bootstrap_address, find_gcs_addresses

    running, begun = find_gcs_addresses(), find_bootstrap_address(None)
    if begun in running:  # by `ray start`, as a cluster is; others may be some training's own
        return str(begun)
    if not running:
        raise TrainingError(
            f"--ray-address {AUTO} joins the Ray cluster that runs on this machine, but none does: start one with "
            "`ray start --head`, give a cluster's own address such as 10.0.0.1:6379, or leave --ray-address out to "
            "start Ray for this training alone."
        )
    if len(running) > 1:
        raise TrainingError(
            f"--ray-address {AUTO} joins the Ray cluster that runs on this machine, but several do: give one of "
            f"{', '.join(sorted(running))} as --ray-address."
        )
    return str(next(iter(running)))


def unanswered(address: str | None, error: Exception) -> str:
    """A sentence about a cluster that could not be joined."""
    said = f"No Ray cluster answers at {address!r}: {error}"
    if address and address != AUTO and not os.environ.get("RAY_AUTH_MODE"):
        said = f"{said.rstrip('.')}. If it asks for a token, set RAY_AUTH_MODE=token."
    return said


def described() -> str:
    """The cluster that this process has joined: its address, nodes, CPUs and GPUs."""
    import ray

    address = ray.get_runtime_context().gcs_address
    nodes = sum(1 for node in ray.nodes() if node["Alive"])
    has, free = ray.cluster_resources(), ray.available_resources()
    counts = [f"{nodes} node{'s' * (nodes != 1)}"]
    for kind in ("CPU", "GPU"):
        counts.append(f"{has.get(kind, 0):g} {kind}s" + (f" ({free.get(kind, 0):g} free)" if has.get(kind) else ""))
    return f"the Ray cluster at {address}: {', '.join(counts)}"
