"""The one Parquet schema of demonstrations: a row is a team's step, in the order in which it was played.

| column | type | meaning |
|---|---|---|
| ``episode`` | int32 | counted from 0; the rows of an episode stand together, its steps in order |
| ``step`` | int32 | counted from 0 within the episode |
| ``split`` | string | ``train``, ``validation`` or ``test``: what the step is for, see :mod:`.splitting` |
| ``seed`` | int64 | of the episode's ``reset`` |
| ``agents`` | int32 | N, rows of the team, padded ones among them |
| ``obs`` | list of float32, N x D | what each agent saw, agent by agent |
| ``action_mask`` | list of int8, N x A | 1 for legal actions |
| ``adjacency`` | list of int8, N x N | 1 where row i may hear column j |
| ``alive`` | list of float32, N | 1 for agents that took part |
| ``online`` | list of float32, N | 1 for agents whose action was used |
| ``action`` | list of int64, N | what each agent did |
| ``reward`` | list of float32, N | what each agent then earned |
| ``subgoal`` | list of int64, N | sub-goal that the action served, as it turned out; -1 for none |
| ``concept`` | list of int64, N | true concept of what the agent looked at; -1 for none |
| ``misaligned`` | list of float32, N | known before the action: share of its pairs that did not fit; -1 for none |
| ``carried`` | list of float32, N | known before the action: what it got done lately; -1 where nobody says |

Where the team that learns played and the demonstrator corrected it (:mod:`.correcting`), ``action`` is what the
demonstrator would have done and ``reward`` is of what was done; an agent that did something else has no sub-goal and no
concept. What an agent has no value for, a padded or offline row say, is 0 or -1 as in
:class:`remalis_envs.team.TeamEnv`. The file's metadata hold, under :data:`METADATA_KEY`, a :class:`Header` as JSON.
Files are written a row group an episode.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from remalis_envs.errors import RemalisError

FORMAT = 1
"""Of the files; a change that old code cannot read counts it up."""
METADATA_KEY = b"remalis_demonstrations"
SPLITS = ("train", "validation", "test")

FLAT = {"episode": pa.int32(), "step": pa.int32(), "split": pa.string(), "seed": pa.int64(), "agents": pa.int32()}
"""Columns with one value a step, and their types."""
LISTS = {
    "obs": pa.float32(),
    "action_mask": pa.int8(),
    "adjacency": pa.int8(),
    "alive": pa.float32(),
    "online": pa.float32(),
    "action": pa.int64(),
    "reward": pa.float32(),
    "subgoal": pa.int64(),
    "concept": pa.int64(),
    "misaligned": pa.float32(),
    "carried": pa.float32(),
}
"""Columns with a list a step, agent by agent, and the types of the lists' values."""
SCHEMA = pa.schema([*FLAT.items(), *((name, pa.list_(kind)) for name, kind in LISTS.items())])


class DemonstrationError(RemalisError, ValueError):
    """A file of demonstrations cannot be made, cannot be read, or does not fit."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        env: name of the environment that was played, such as ``remalis/TrafficTeam-v0``: its family.
        env_config: its options, the level or scenario among them.
        demonstrator: who played: ``controller:<name>`` or ``checkpoint:<path>``.
        first_seed: seed of the first episode; each next one is one higher.
        episodes: how many.
        split_by: ``episode`` or ``sequence``.
        split_seed: of the draw of the split.
        observation_size: D.
        action_count: A.
        subgoals: the family's vocabulary.
        concepts: the same.
        versions: of Python, of the package and of what it stands on.
        format: see :data:`FORMAT`.
    """

    env: str
    env_config: dict[str, Any]
    demonstrator: str
    first_seed: int
    episodes: int
    split_by: str
    split_seed: int
    observation_size: int
    action_count: int
    subgoals: list[str] = field(default_factory=list)
    concepts: list[str] = field(default_factory=list)
    versions: dict[str, str | None] = field(default_factory=dict)
    format: int = FORMAT

    def to_metadata(self) -> dict[bytes, bytes]:
        """As Parquet keeps it."""
        return {METADATA_KEY: json.dumps(asdict(self), default=str).encode()}


def header_of(schema: pa.Schema, source: str) -> Header:
    """Checks the columns of a file and reads what it says of itself.

    Raises:
        DemonstrationError: it is not a file of demonstrations, or one of a later format.
    """
    hint = "`rllib demonstrate` writes such files, and remalis_agents/imitation/schema.py describes them"
    text = (schema.metadata or {}).get(METADATA_KEY)
    if text is None:
        raise DemonstrationError(
            f"{source} is a Parquet file, but not one of demonstrations: its metadata have no "
            f"{METADATA_KEY.decode()!r}; {hint}."
        )
    try:
        header = Header(**json.loads(text))
    except (ValueError, TypeError):
        raise DemonstrationError(
            f"{source} was written in a format of demonstrations that this version does not know; {hint}."
        ) from None
    if header.format > FORMAT:
        raise DemonstrationError(
            f"{source} is in format {header.format}, but this version reads up to {FORMAT}: install remalis "
            f"{header.versions.get('remalis')} or a later one."
        )
    for column in SCHEMA:
        found = schema.field(column.name).type if column.name in schema.names else None
        if found is None or not found.equals(column.type):
            was = "is missing" if found is None else f"is of type {found}"
            raise DemonstrationError(f"{source}: column {column.name!r} {was}, but must be {column.type}; {hint}.")
    return header
