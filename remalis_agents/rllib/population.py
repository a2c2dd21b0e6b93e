"""Earlier policies of a training, put aside for its co-players."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.rllib.callbacks.callbacks import RLlibCallback

from remalis_agents.co_player_kinds import PAST_PATTERN
from remalis_agents.team import Team


@dataclass(frozen=True)
class PastPolicies:
    """Where past policies are put, and when.

    Attributes:
        folder: theirs; runners on other machines must see it, as they see Ray's storage.
        every: training iterations between two.
        keep: how many of the latest are kept.
    """

    folder: str
    every: int
    keep: int


class PutAside(RLlibCallback):
    """Exports the policy every few iterations and forgets the oldest."""

    def on_train_result(self, *, algorithm: Any, result: dict[str, Any], **kwargs: Any) -> None:
        past: PastPolicies | None = getattr(algorithm.config, "past_policies", None)
        if past is None or result["training_iteration"] % past.every:
            return
        module = algorithm.get_module()
        folder = Path(past.folder)
        put_aside(Team(module.model, module.model_config.get("trained_on")), folder, result["training_iteration"])
        for old in sorted(folder.glob(PAST_PATTERN))[: -past.keep]:
            # A runner that reads it just now has had the file open, or finds the next one at its next reset.
            shutil.rmtree(old, ignore_errors=True)


def forget_abandoned(past: PastPolicies | None, iteration: int) -> None:
    """Removes past policies that were put aside later than where a training stands.

    A run that is resumed goes on from a checkpoint. What it put aside after that checkpoint belongs to a part of it
    that has been abandoned: co-players would be drawn from it, and it would count among the latest, so that new
    policies were forgotten in its stead.

    Args:
        past: where they are; None where none are put aside.
        iteration: training iterations that are done.
    """
    if past is None:
        return
    for place in Path(past.folder).glob(PAST_PATTERN):
        if place.name > _name(iteration):
            shutil.rmtree(place, ignore_errors=True)


def _name(iteration: int) -> str:
    """A folder's name, which sorts by age."""
    return PAST_PATTERN.replace("*", f"{iteration:08d}")


def put_aside(team: Team, folder: Path, iteration: int) -> Path:
    """Exports a team under a name that sorts by age; it appears whole or not at all."""
    made = team.save_pretrained(folder / f".{iteration:08d}")
    place = folder / _name(iteration)
    shutil.rmtree(place, ignore_errors=True)
    return made.rename(place)
