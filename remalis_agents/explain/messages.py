"""The log of messages: who told whom what and when, what made it do so, and what became of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remalis_agents.networks.base import BYTES_PER_FLOAT
from remalis_envs.errors import RemalisError

if TYPE_CHECKING:
    from remalis_agents.explain.recording import Recording

TRIGGERS = ("step", "gate", "assignment", "reply", "replanning")
"""What made its sender send a message; where several hold, the last of these: it is sent in every step; its sender's
gate opened; its receiver was assigned a share (sub-goals in mode ``selective``); it answers what was heard in this step
(rounds of recursive reasoning); its sender planned anew in this step, and it is of planning."""
OUTCOMES = ("arrived", "lost", "withheld", "missed", "under way")
"""What became of it: it arrived; the channel lost it; the byte budget left no room, so that it was not sent; its
receiver could no longer hear its sender when it came; the recording ended before."""
MESSAGE = np.dtype(
    [
        ("step", np.int32),
        ("sender", np.int32),
        ("receiver", np.int32),
        ("kind", np.int16),
        ("bytes", np.int32),
        ("trigger", np.int8),
        ("gate", np.float32),
        ("replanned", np.bool_),
        ("outcome", np.int8),
        ("arrival", np.int32),
    ]
)
"""A message that was to be sent in ``step``.

``sender`` and ``receiver`` are rows of ``agents``, ``kind`` of ``kinds``, ``trigger`` of :data:`TRIGGERS`, ``outcome``
of :data:`OUTCOMES`. All rounds and layers of one kind are one message: ``bytes`` are those that arrived, else those
that were sent, else those that it would have taken. ``gate`` is the probability with which the sender's gate was open,
nan where the team has no gate; ``replanned`` says whether the sender planned anew; ``arrival`` is the step in which the
message arrived, -1 where it did not.
"""
LARGE = 200_000
"""Messages from which on the log is written as Parquet: as text they would take ten megabytes and more."""
_SUFFIXES = (".csv", ".parquet")


def log(recording: Recording, everything: bool = False) -> NDArray[np.void]:
    """Rows of :data:`MESSAGE` in order of the steps in which they were sent; none where nobody talks.

    Args:
        recording: of the episode.
        everything: whether what did not arrive is listed, too.
    """
    r = recording
    if r.sent is None or r.floats is None or r.neighbour is None:
        return np.empty(0, MESSAGE)
    kind, step, receiver, slot = (r.sent if r.meant is None else r.meant).nonzero()
    sender = r.neighbour[step, receiver, slot]
    rows = np.empty(len(kind), MESSAGE)
    rows["step"], rows["sender"], rows["receiver"], rows["kind"] = step, sender, receiver, kind
    rows["trigger"] = _triggers(r)[kind]
    if "planning" in r.meta["kinds"] and r.replanned is not None:
        new = (kind == r.meta["kinds"].index("planning")) & r.replanned[step, sender]
        rows["trigger"][new] = TRIGGERS.index("replanning")
    rows["gate"] = np.nan if r.gate is None else r.gate[step, sender]
    rows["replanned"] = True if r.replanned is None else r.replanned[step, sender]
    rows["bytes"] = BYTES_PER_FLOAT * r.floats[kind]
    rows["outcome"], rows["arrival"] = OUTCOMES.index("arrived"), step
    if r.meant is not None:
        _follow(r, rows, slot)
    if not everything:
        kept = rows["outcome"] == OUTCOMES.index("arrived")
        kind, step, receiver, sender, rows = kind[kept], step[kept], receiver[kept], sender[kept], rows[kept]
    ordered: NDArray[np.void] = rows[np.lexsort((kind, receiver, sender, step))]
    return ordered


def _triggers(recording: Recording) -> NDArray[np.int64]:
    return np.array([TRIGGERS.index(name) for name in recording.triggers()])


def _follow(r: Recording, rows: NDArray[np.void], slot: NDArray[np.int64]) -> None:
    """Fills in what became of messages in a channel with limits, and of how many bytes."""
    assert r.sent is not None and r.neighbour is not None
    assert r.meant is not None and r.posted is not None and r.received is not None
    kind, step, receiver, sender = (rows[name] for name in ("kind", "step", "receiver", "sender"))
    due = step + int(r.meta.get("delay", 0))
    when = np.minimum(due, r.steps - 1)
    # It arrives in whichever slot the sender stands by then.
    here = (r.neighbour[when, receiver] == sender[:, None]) & r.sent[kind, when, receiver]
    arrived, posted = (due < r.steps) & here.any(1), r.posted[kind, step, receiver, slot]
    lost = np.zeros(len(rows), bool) if r.lost is None else r.lost[step, receiver, slot]
    became = np.select([arrived, posted == 0, lost, due >= r.steps], [0, 2, 1, 4], 3)
    rows["outcome"] = became
    rows["arrival"] = np.where(arrived, due, -1)
    came = r.received[kind, when, receiver, here.argmax(1)]
    floats = np.select([arrived, posted > 0], [came, posted], rows["bytes"] // BYTES_PER_FLOAT)
    rows["bytes"] = BYTES_PER_FLOAT * floats


def beside(page: Path, usual: str) -> Path:
    """Where the log of a page goes, without its suffix: ``messages``, or so that the page's name tells it."""
    return page.with_name("messages" if page.name == usual else f"{page.stem}_messages")


def write(recording: Recording, stem: Path) -> Path:
    """Writes the log with names in the place of numbers, as CSV, or as Parquet from :data:`LARGE` messages on.

    Args:
        recording: of the episode; all its messages are listed, those that did not arrive too.
        stem: path of the file without its suffix.

    Returns:
        The file's path.

    Raises:
        RemalisError: the file cannot be written.
    """
    rows = log(recording, everything=True)
    path = stem.with_name(stem.name + _SUFFIXES[len(rows) >= LARGE])
    try:
        if path.suffix == ".csv":
            _write_csv(recording, rows, path)
        else:
            _write_parquet(recording, rows, path)
        for suffix in _SUFFIXES:  # an earlier recording's would be taken for this one's
            if suffix != path.suffix:
                stem.with_name(stem.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise RemalisError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from None
    return path


def _words(recording: Recording) -> dict[str, list[str]]:
    agents = recording.agents
    return {
        "sender": agents,
        "receiver": agents,
        "kind": list(recording.meta["kinds"]),
        "trigger": list(TRIGGERS),
        "outcome": list(OUTCOMES),
    }


def _write_csv(recording: Recording, rows: NDArray[np.void], path: Path) -> None:
    words, columns = _words(recording), []
    for name in MESSAGE.fields or ():
        values: list[Any] = rows[name].tolist()
        if name in words:
            values = [words[name][one] for one in values]
        elif name == "gate":
            values = ["" if one != one else f"{one:.6g}" for one in values]
        elif name == "arrival":
            values = ["" if one < 0 else one for one in values]
        elif name == "replanned":
            values = [int(one) for one in values]
        columns.append(values)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(MESSAGE.names or ())
        writer.writerows(zip(*columns, strict=True))


def _write_parquet(recording: Recording, rows: NDArray[np.void], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    words, columns = _words(recording), {}
    for name in MESSAGE.fields or ():
        values = np.ascontiguousarray(rows[name])
        if name in words:
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int32)), pa.array(words[name]))
        elif name in ("gate", "arrival"):
            columns[name] = pa.array(values, mask=np.isnan(values) if name == "gate" else values < 0)
        else:
            columns[name] = pa.array(values)
    pq.write_table(pa.table(columns), path)
