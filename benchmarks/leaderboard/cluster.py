"""Cells as Ray tasks: each starts a process of its own, passes its progress on, and says what became of it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaderboard.cells import Cell
from leaderboard.limits import end_tree, said
from leaderboard.process import MARK, POLICY, TRAINING
from leaderboard.store import Store
from remalis_envs.errors import RemalisError

PACKAGE = Path(__file__).resolve().parent
LOG_LINES, KEPT_LINES = 30, 200
_POLL_S = 0.5
_NOTICED_S = 30.0
"""Until Ray notices that a machine of its cluster has ended."""
_LISTEN_S = 10.0
"""A process that is left over may hold the pipe that its parent wrote to: no more is waited for than this."""
_OBJECT_STORE_BYTES = 400_000_000


@dataclass
class Running:
    """A cell that has been handed to Ray; its progress is what it last told."""

    cell: Cell
    told: dict[str, Any]
    begun: float | None = None


class Board:
    """An actor on which cells write how far they are."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, Any]] = {}

    def tell(self, key: str, figures: dict[str, Any]) -> None:
        """Replace what is known of a cell."""
        self._told[key] = figures

    def read(self) -> dict[str, dict[str, Any]]:
        """All that is known, by key."""
        return self._told


def connect(address: str | None) -> None:
    """Joins a cluster, or starts Ray on this machine.

    Raises:
        RemalisError: no cluster answers.
    """
    import ray

    from remalis_agents.cluster import end_as_interrupted, found, unanswered
    from remalis_agents.rllib.quiet import hush_ray

    hush_ray()
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in (str(PACKAGE.parent), os.environ.get("PYTHONPATH")) if p)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address:
        # Other machines have the library installed, but not this folder.
        options |= {"address": found(address), "runtime_env": {"py_modules": [str(PACKAGE)]}}
    else:
        options |= {"address": "local", "include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    try:
        ray.init(**options)
    except ConnectionError as error:
        raise RemalisError(unanswered(address, error)) from None
    end_as_interrupted()


class RayGoneError(RemalisError):
    """Ray itself has ended, and with it every cell that was under way."""


def run_all(
    cells: Sequence[Cell],
    store: Store,
    told: Callable[[list[Running], Cell | None], None],
    about: dict[str, Any],
    limit_s: float,
) -> None:
    """Runs cells, as many at once as there are CPUs, and stores each result as it comes.

    Args:
        cells: in the order in which they are begun. A cell that plays what another one trains waits for it.
        store: where results go.
        told: called about twice a second with the cells under way, and once with each one that has ended.
        about: circumstances, kept with every result.
        limit_s: how long a cell may take; one that takes longer is ended and has failed.

    Raises:
        RayGoneError: there is no Ray left to run the others; nothing is stored of those under way.
    """
    import ray

    board = ray.remote(num_cpus=0)(Board).remote()
    waiting = list(cells)
    running: dict[Any, Running] = {}
    while waiting or running:
        for cell in to_begin(waiting, [one.cell for one in running.values()], _cpus()):
            waiting.remove(cell)
            running[_begin(cell, store.training(cell), board, limit_s)] = Running(cell, {})
        ended, _ = ray.wait(list(running), timeout=_POLL_S)
        for reference in ended:
            one = running.pop(reference)
            store.save(one.cell, {**_result(reference, store.training(one.cell)), "about": about})
            told(list(running.values()), one.cell)
        news = _news(board)
        for one in running.values():
            one.told = news.get(one.cell.key, one.told)
            if one.told and one.begun is None:
                one.begun = time.monotonic()
        told(list(running.values()), None)


def to_begin(waiting: Sequence[Cell], running: Iterable[Cell], cpus: float) -> list[Cell]:
    """The cells to hand to Ray now, in order: work for twice the CPUs, so that none waits.

    Ray begins what it holds in any order, and a call that handed over everything and was then stopped would have
    something of every seed and the whole of none. A cluster that grows on demand still sees that there is more to do.

    Args:
        waiting: cells not handed over yet, in the order in which they should begin.
        running: those handed over that have not ended.
        cpus: of all machines.
    """
    held = list(running)
    busy = {cell.training_key for cell in held if cell.learned}
    room = 2.0 * max(cpus, 1.0) - sum(cell.cpus for cell in held)
    chosen = []
    for cell in waiting:
        if room <= 0.0:
            break
        if cell.learned and cell.training_key in busy:  # it plays what the other one trains
            continue
        chosen.append(cell)
        room -= cell.cpus
        busy |= {cell.training_key} if cell.learned else set()
    return chosen


def _cpus() -> float:
    import ray

    return float(ray.cluster_resources().get("CPU", 1.0))


def _begin(cell: Cell, folder: Path, board: Any, limit_s: float) -> Any:
    """Hands a cell to Ray; returns the reference of what it gives back."""
    import ray

    largest = max((node["Resources"].get("CPU", 1.0) for node in ray.nodes() if node["Alive"]), default=1.0)
    # More than the largest machine has would wait for ever; a cell only gets slower with less.
    options = {"num_cpus": min(cell.cpus, largest), "num_gpus": cell.gpus, "name": cell.label}
    task = ray.remote(max_retries=1)(run_cell).options(**options)
    return task.remote(cell.to_dict(), str(folder), _pack(folder), board, limit_s)


def _news(board: Any) -> dict[str, dict[str, Any]]:
    import ray

    try:
        return ray.get(board.read.remote(), timeout=10)
    except ray.exceptions.RayError:  # without the board there is less to see, and as much to run
        return {}


def _result(reference: Any, folder: Path) -> dict[str, Any]:
    import ray

    try:
        result, packed = ray.get(reference)
    except ray.exceptions.RayError as error:
        if isinstance(error, ray.exceptions.LocalRayletDiedError) and _own_node_is_gone():
            raise RayGoneError(
                "Ray itself ended, as it does where a machine is out of memory or too busy to answer: look at `ray "
                "status` or the logs below /tmp/ray. The same command goes on from here."
            ) from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = lines[-1] if lines else "nothing"
        return {"status": "failed", "reason": f"Ray lost the cell: {type(error).__name__}: {said}"}
    _unpack(packed, folder)
    return result


def _own_node_is_gone() -> bool:
    """Whether no more can be begun from here; another machine's end costs its own cells only."""
    import ray

    own, until = ray.get_runtime_context().get_node_id(), time.monotonic() + _NOTICED_S
    while time.monotonic() < until:
        if not any(node["Alive"] and node["NodeID"] == own for node in ray.nodes()):
            return True
        time.sleep(_POLL_S)
    return False


def run_cell(
    cell: dict[str, Any], folder: str, packed: bytes | None, board: Any, limit_s: float
) -> tuple[dict[str, Any], bytes | None]:
    """What a Ray task does: the cell in a process of its own.

    Args:
        cell: as :meth:`Cell.to_dict` gives it.
        folder: of its training, on a disk that all machines share, or else this machine's own.
        packed: what is known of its training where the command was typed.
        board: actor to report to.
        limit_s: how long the process may take.

    Returns:
        The result, and what its training left, packed where it is new.
    """
    one, place = Cell.from_dict(cell), Path(folder)
    if one.learned:
        place.mkdir(parents=True, exist_ok=True)
        _unpack(packed, place)
    board.tell.remote(one.key, {"doing": "starting", "share": 0.0})
    with tempfile.TemporaryDirectory(prefix="remalis-cell-") as scratch:
        job: dict[str, Any] = {"cell": cell, "folder": folder, "result": f"{scratch}/result.json"}
        why, log = _process(job, lambda figures: board.tell.remote(one.key, figures), limit_s)
        try:
            result = json.loads(Path(job["result"]).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            result = {"status": "failed", "reason": why}
    if result["status"] == "failed":
        result["log"] = log[-LOG_LINES:]
    return result, _pack(place) if packed is None else None


def _process(job: dict[str, Any], told: Callable[[dict[str, Any]], Any], limit_s: float) -> tuple[str, list[str]]:
    """How the cell's process ended, for the case that it left no result, and the end of its log."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RAY_") or k == "RAY_USAGE_STATS_ENABLED"}
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "leaderboard.process", job["folder"]],  # the folder is for readers of `ps`
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for the command; the cells end when their standard input closes
        env={**inherited, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"},
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    log, last = deque[str](maxlen=KEPT_LINES), {"doing": "starting", "share": 0.0}
    listener = threading.Thread(target=_listen, args=(process.stdout, told, log, last), daemon=True)
    listener.start()
    try:
        code, late = process.wait(limit_s), False
    except subprocess.TimeoutExpired:
        end_tree(process.pid)
        code, late = process.wait(), True
    listener.join(_LISTEN_S)
    why = _too_long(limit_s, last) if late else _ending(code, list(log))
    return why, list(log)


def _listen(lines: Iterable[str], told: Callable[[dict[str, Any]], Any], log: deque[str], last: dict[str, Any]) -> None:
    """Passes on what a cell's process tells of its progress, and keeps the end of all else that it says."""
    for line in lines:
        try:
            figures = json.loads(line.removeprefix(MARK)) if line.startswith(MARK) else None
        except ValueError:  # somebody else wrote into the line; a pipe that nobody reads would stop the cell
            figures = None
        if figures is None:
            log.append(line.rstrip())
        else:
            last.update(figures)
            told(figures)


def _too_long(limit_s: float, last: Mapping[str, Any]) -> str:
    return (
        f"The cell was ended after {said(limit_s)}, the limit that --cell-timeout sets: it was {last['doing']}, "
        f"{last['share']:.0%} done."
    )


def _ending(code: int, log: Sequence[str]) -> str:
    if code < 0:
        return f"The cell's process was ended by signal {-code}."
    last = next((line for line in reversed(log) if line.strip()), "it said nothing")
    return f"The cell's process ended with status {code}: {last.strip()}"


def _pack(folder: Path) -> bytes | None:
    """The final policy of a training with what is told of it, None where it is not finished."""
    if not (folder / TRAINING).exists():
        return None
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in (POLICY, Path(TRAINING)):
            tar.add(folder / name, arcname=str(name))
    return buffer.getvalue()


def _unpack(packed: bytes | None, folder: Path) -> None:
    if packed is None or (folder / TRAINING).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(folder, filter="data")
