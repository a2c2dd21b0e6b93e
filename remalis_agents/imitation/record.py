"""Records episodes of a controller or a trained team as a file of demonstrations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from remalis_agents.imitation.schema import FLAT, LISTS, SCHEMA, DemonstrationError, Header
from remalis_agents.imitation.splitting import FEWEST_EPISODES, by_episode, by_sequence
from remalis_agents.runs import versions
from remalis_agents.team import Team
from remalis_envs.team import NO_OUTCOME, TeamEnv

Steps = dict[str, list[Any]]
"""Columns of an episode."""


class Demonstrator(Protocol):
    """Who can be recorded: a controller, or anything that acts on what a parallel environment's agents see.

    One that only says what is right, while another plays, has ``played`` as :class:`.correcting.Corrected` has it.
    """

    def reset(self, env: Any, seed: int) -> None:
        """Begin an episode of a parallel environment."""

    def act(self, observations: Mapping[str, Any]) -> Mapping[str, int]:
        """Actions of all agents in ``observations``."""


def record(
    env: Any,
    player: Demonstrator,
    out: str | Path,
    *,
    env_name: str,
    env_config: Mapping[str, Any],
    demonstrator: str,
    episodes: int,
    first_seed: int = 0,
    split_seed: int = 0,
    on_step: Callable[[int, int], None] | None = None,
    helpers: Helpers | None = None,
) -> Header:
    """Plays episodes and writes them to a file.

    Args:
        env: a team view, wrapped or not, as ``make_team_env`` makes it.
        player: who acts.
        out: the Parquet file; what stands there is replaced when the recording is whole.
        env_name: the environment's name, for the file.
        env_config: its options, for the file.
        demonstrator: what the file calls the player.
        episodes: how many.
        first_seed: seed of the first episode; each next one is one higher.
        split_seed: of the draw of the 80/10/10 split.
        on_step: called after each step with the number of the episode and of the step; with helpers, after each
            episode.
        helpers: who play the episodes side by side, each in a process of its own, instead of ``env`` and ``player``.

    Raises:
        DemonstrationError: an episode broke off, or the file cannot be written.
    """
    whole = episodes >= FEWEST_EPISODES
    team = _team_view(env)
    header = Header(
        env_name,
        dict(env_config),
        demonstrator,
        first_seed,
        episodes,
        "episode" if whole else "sequence",
        split_seed,
        int(env.observation_space["obs"].shape[1]),
        int(env.action_space.nvec[0]),
        list(team.subgoals),
        list(team.concepts),
        versions(),
    )

    def played() -> Iterator[Steps]:
        if helpers is not None:
            yield from helpers.played(first_seed, episodes, on_step)
            return
        for number in range(episodes):
            yield play(env, player, first_seed + number, number, on_step)

    with _written(Path(out), header) as write:
        if whole:
            for steps, split in zip(played(), by_episode(episodes, split_seed), strict=True):
                write(steps, [split] * len(steps["step"]))
        else:
            kept = list(played())
            for steps, splits in zip(kept, by_sequence([len(s["step"]) for s in kept], split_seed), strict=True):
                write(steps, splits)
    return header


class Helpers(Protocol):
    """Who play episodes for a recording, as :class:`.side_by_side.SideBySide` does."""

    def played(self, first_seed: int, episodes: int, on_step: Callable[[int, int], None] | None) -> Iterator[Steps]:
        """Episodes in order."""


def play(
    env: Any, player: Demonstrator, seed: int, number: int, on_step: Callable[[int, int], None] | None = None
) -> Steps:
    """One episode; what was known before an action and what became of it stand in its row."""
    torch.manual_seed(seed)
    steps: Steps = {name: [] for name in (*FLAT, *LISTS) if name != "split"}
    observation, known = env.reset(seed=seed)
    team = _team_view(env)
    player.reset(team.parallel_env, seed)
    over = False
    while not over:
        action = _act(player, observation, team)
        played = player.played(observation, action) if hasattr(player, "played") else action
        following, _, terminated, truncated, became = env.step(played)
        over = terminated or truncated
        if "infra_error" in became:
            raise DemonstrationError(f"The episode of seed {seed} broke off: {became['infra_error']}")
        row = {"episode": number, "step": len(steps["step"]), "seed": seed, "agents": team.size, "action": action}
        row |= {name: observation[name] for name in ("obs", "action_mask", "adjacency", "alive")}
        row |= {"online": known["online"], "misaligned": known["misaligned"], "carried": known["carried"]}
        row |= {"reward": became["agent_rewards"]}
        # What became of another action than the one that stands here says nothing of this one.
        row |= {name: np.where(played == action, became[f"{name}s"], NO_OUTCOME) for name in ("subgoal", "concept")}
        for name, value in row.items():
            steps[name].append(value)
        observation, known = following, became
        if on_step is not None:
            on_step(number, len(steps["step"]))
    return steps


def _act(player: Demonstrator, observation: Mapping[str, NDArray[Any]], team: TeamEnv) -> NDArray[np.int64]:
    if isinstance(player, Team):
        return player(observation)
    seen = {
        agent: {"observation": observation["obs"][row], "action_mask": observation["action_mask"][row]}
        for row, agent in enumerate(team.agents)
        if observation["alive"][row] > 0
    }
    chosen, actions = player.act(seen), np.zeros(team.size, np.int64)
    for row, agent in enumerate(team.agents):
        actions[row] = chosen.get(agent, 0)
    return actions


def _team_view(env: Any) -> TeamEnv:
    team = env.unwrapped
    if not isinstance(team, TeamEnv):
        raise DemonstrationError(
            f"Demonstrations are recorded in a team view (remalis_envs.team.TeamEnv), not in a {type(team).__name__}."
        )
    return team


@contextlib.contextmanager
def _written(path: Path, header: Header) -> Iterator[Callable[[Steps, list[str]], None]]:
    """Writes beside the file and puts it in its place at the end: what stands there is always whole."""
    part = path.with_name(f".{path.name}.part")
    schema = SCHEMA.with_metadata(header.to_metadata())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:

            def write(steps: Steps, splits: list[str]) -> None:
                writer.write_table(pa.table(_columns(steps, splits), schema=schema), row_group_size=len(splits))

            yield write
        part.replace(path)
    except OSError as error:
        raise DemonstrationError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)


def _columns(steps: Steps, splits: list[str]) -> dict[str, pa.Array]:
    columns = {name: pa.array(splits if name == "split" else steps[name], kind) for name, kind in FLAT.items()}
    for name, kind in LISTS.items():
        values = np.stack(steps[name]).reshape(len(splits), -1)
        ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
        flat = pa.array(values.reshape(-1).astype(kind.to_pandas_dtype()), kind)
        columns[name] = pa.ListArray.from_arrays(pa.array(ends), flat)
    return columns
