"""Reads files of demonstrations, and cuts them into the sequences that networks learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from remalis_agents.imitation.schema import FLAT, LISTS, SPLITS, DemonstrationError, Header, header_of
from remalis_agents.networks import Played, TeamInputs
from remalis_envs.team import NO_OUTCOME


@dataclass(frozen=True)
class Demonstrations:
    """Team steps of all episodes one after another, R of them, padded to N rows a team.

    Attributes:
        header: what the file says of itself.
        columns: the columns of :data:`.LISTS` as tensors: ``obs`` ``[R, N, D]``, ``action_mask`` ``[R, N, A]``,
            ``adjacency`` ``[R, N, N]``, all else ``[R, N]``.
        split: ``[R]``, index into :data:`.SPLITS`.
        lengths: steps of each episode.
    """

    header: Header
    columns: dict[str, Tensor]
    split: Tensor
    lengths: list[int]

    def __len__(self) -> int:
        return len(self.split)

    @property
    def agents(self) -> int:
        """N."""
        return self.columns["alive"].shape[1]

    def counts(self) -> dict[str, int]:
        """Parts of the split: episodes where it is by episode, else team steps."""
        if self.header.split_by == "episode":
            starts = np.cumsum([0, *self.lengths[:-1]])
            of = self.split[torch.as_tensor(starts)]
        else:
            of = self.split
        return {name: int((of == number).sum()) for number, name in enumerate(SPLITS)}

    @staticmethod
    def joined(parts: Sequence[Demonstrations]) -> Demonstrations:
        """Several of teams as large, as one."""
        if len(parts) == 1:
            return parts[0]
        columns = {name: torch.cat([part.columns[name] for part in parts]) for name in parts[0].columns}
        split = torch.cat([part.split for part in parts])
        return Demonstrations(parts[0].header, columns, split, [n for part in parts for n in part.lengths])

    def to(self, device: torch.device) -> Demonstrations:
        """The same, on a device."""
        columns = {name: column.to(device) for name, column in self.columns.items()}
        return Demonstrations(self.header, columns, self.split.to(device), self.lengths)

    def of(self, rows: Tensor, counted: Tensor, state: dict[str, Tensor] | None = None) -> tuple[TeamInputs, Played]:
        """What a network is given of some steps, and what is known of them.

        An agent counts where it was alive and online, and its action was a legal one.

        Args:
            rows: ``[*]``, which steps; -1 for padding.
            counted: ``[*]``, 1 where a step counts in losses.
            state: the network's, before the first step.
        """
        there = (rows >= 0).unsqueeze(-1)
        c = {name: column[rows.clamp(min=0)] for name, column in self.columns.items()}
        size = c["obs"].dtype
        alive, mask = c["alive"] * there, c["action_mask"].to(size)
        legal = mask.gather(-1, c["action"].unsqueeze(-1)).squeeze(-1)
        weights = alive * c["online"] * legal * counted.to(size).unsqueeze(-1)
        happened = (c["subgoal"], c["concept"], c["misaligned"], c["carried"])
        return (
            TeamInputs(c["obs"], alive, c["adjacency"].to(size), mask, state or {}),
            Played(c["action"], c["reward"], weights, *happened),
        )


class Windows(NamedTuple):
    """Sequences of one length, W of them, cut from the beginning of each episode on."""

    rows: Tensor
    """``[W, T]``, which steps; -1 behind an episode's end."""
    episode: Tensor
    """``[W]``."""
    number: Tensor
    """``[W]``, counted from 0 within the episode."""

    @classmethod
    def of(cls, data: Demonstrations, length: int) -> Windows:
        """Cuts all episodes into sequences of ``length`` steps."""
        rows, episode, number, start = [], [], [], 0
        for e, steps in enumerate(data.lengths):
            count = -(-steps // length)
            own = torch.arange(count * length)
            rows.append(torch.where(own < steps, own + start, -1).view(count, length))
            episode.append(torch.full((count,), e))
            number.append(torch.arange(count))
            start += steps
        return cls(*(torch.cat(parts).to(data.split.device) for parts in (rows, episode, number)))


def read(path: str | Path) -> Demonstrations:
    """Reads a file of demonstrations.

    Raises:
        DemonstrationError: there is none, it is of another schema, or a part of the split is empty.
    """
    file = Path(path)
    if not file.is_file():
        raise DemonstrationError(
            f"There is no file of demonstrations at {str(path)!r}: `rllib demonstrate --out {path}` records one."
        )
    try:
        with pq.ParquetFile(file) as parquet:
            header = header_of(parquet.schema_arrow, str(path))
            # All but the lists, which are many times as large and are read an episode at a time.
            table = parquet.read(columns=list(FLAT))
            if not table.num_rows:
                raise DemonstrationError(f"{str(path)!r} holds no steps.")
            columns = _stacked(parquet, table["agents"].to_numpy(), header, str(path))
    except (pa.ArrowInvalid, OSError) as error:
        raise DemonstrationError(f"{str(path)!r} cannot be read as Parquet: {' '.join(str(error).split())}") from None
    episode, step = (table[name].to_numpy() for name in ("episode", "step"))
    new = np.flatnonzero(np.diff(episode, prepend=episode[0] - 1))
    lengths = np.diff(new, append=len(episode))
    if len(set(episode[new])) < len(new) or (step != np.concatenate([np.arange(n) for n in lengths])).any():
        raise DemonstrationError(
            f"{str(path)!r}: the rows of an episode must stand together, its steps in order, counted from 0."
        )
    names = table["split"].to_pylist()
    if wrong := set(names) - set(SPLITS):
        raise DemonstrationError(f"{str(path)!r}: split must be one of {', '.join(SPLITS)}, but is {wrong.pop()!r}.")
    split = torch.tensor([SPLITS.index(name) for name in names])
    data = Demonstrations(header, columns, split, lengths.tolist())
    if empty := [name for name, count in data.counts().items() if not count]:
        raise DemonstrationError(f"{str(path)!r} has no steps for {' and '.join(empty)}: record more episodes.")
    return data


def _stacked(parquet: pq.ParquetFile, teams: NDArray[np.int64], header: Header, source: str) -> dict[str, Tensor]:
    """The columns with lists as tensors, padded to the largest team."""
    most, whole = int(teams.max()), {}
    for name, kind in LISTS.items():
        filling = NO_OUTCOME if name in ("subgoal", "concept", "misaligned", "carried") else 0
        shape = (len(teams), *_shape(name, most, header))
        whole[name] = np.full(shape, filling, kind.to_pandas_dtype())
    start = 0
    for group in range(parquet.num_row_groups):
        table = parquet.read_row_group(group, columns=list(LISTS))
        part = slice(start, start := start + table.num_rows)
        for name in LISTS:
            _fill(whole[name][part], table[name], teams[part], name, header, source)
    return {name: torch.from_numpy(column) for name, column in whole.items()}


def _fill(
    rows: NDArray[Any], column: pa.ChunkedArray, teams: NDArray[np.int64], name: str, header: Header, source: str
) -> None:
    lists = column.combine_chunks()
    lengths, values = lists.value_lengths().to_numpy(zero_copy_only=False), lists.flatten().to_numpy()
    for size in np.unique(teams).tolist():
        here, own = teams == size, _shape(name, size, header)
        if (lengths[here] != np.prod(own)).any():
            raise DemonstrationError(
                f"{source}: column {name!r} must have {np.prod(own)} values a step of {size} agents (vectors of "
                f"{header.observation_size}, {header.action_count} actions), but has {lengths[here][0]}."
            )
        rows[(here, *(slice(0, k) for k in own))] = values[np.repeat(here, lengths)].reshape(-1, *own)


def _shape(name: str, agents: int, header: Header) -> tuple[int, ...]:
    """Of a step's value in a column of a team of that size."""
    widths = {"adjacency": agents, "obs": header.observation_size, "action_mask": header.action_count}
    return (agents, *([widths[name]] if name in widths else []))


def check_fits(data: Demonstrations, observation_size: int, action_count: int, what: str, source: str) -> None:
    """One sentence where the demonstrations are of other agents than a network is for.

    Raises:
        DemonstrationError: their vectors or actions are of another size.
    """
    h = data.header
    if (h.observation_size, h.action_count) != (observation_size, action_count):
        raise DemonstrationError(
            f"{source} holds demonstrations of agents with vectors of length {h.observation_size} and "
            f"{h.action_count} actions ({h.demonstrator} on {h.env}), but {what} is for vectors of length "
            f"{observation_size} and {action_count} actions: record them in the environment that is trained on."
        )


def described(data: Demonstrations) -> dict[str, Any]:
    """What people want to know of a file, as plain data."""
    h, counts = data.header, data.counts()
    return {
        "demonstrator": h.demonstrator,
        "env": h.env,
        "env_config": h.env_config,
        "episodes": len(data.lengths),
        "team_steps": len(data),
        "split_by": h.split_by,
        "split_unit": "episodes" if h.split_by == "episode" else "team steps",
        **{f"{name}_count": count for name, count in counts.items()},
    }
