"""An episode's thoughts and messages as plain arrays: in one file, and without torch."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from remalis_agents.explain.messages import log
from remalis_envs.errors import RemalisError

_FORMAT = 1
_META = ("meta", "format")


@dataclass
class Recording:
    """T steps of N agents, each with K slots for neighbours; S sub-goals, V concepts, P kinds of messages.

    What a team does not have is None: arrays about messages in a team that does not talk, say. Probabilities are
    float32 in [0, 1]. A row of ``neighbour`` says who stands in an agent's slots; whatever is ``[T, N, K, ...]`` is
    in their order.
    """

    meta: dict[str, Any]
    """``agents``, ``subgoals``, ``concepts``, ``kinds``, ``action_texts``, ``communication``, and what was played."""
    alive: NDArray[np.bool_]
    """``[T, N]``: took part in the step, and was online."""
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    served: NDArray[np.int64]
    """``[T, N]``, the sub-goal that the step's action really served; -1 for none."""
    exists: NDArray[np.bool_]
    """``[T, N, S]``, sub-goals that make sense for the agent."""
    goal: NDArray[np.float32]
    """``[T, N, S]``, which sub-goal the intention's goal is, most likely."""
    parts: NDArray[np.float32]
    """``[T, N, S]``, what belongs to the goal, each in [0, 1]."""
    next_subgoal: NDArray[np.float32]
    """``[T, N, S]``, the intention's distribution over what comes next."""
    plan: NDArray[np.float32]
    """``[T, N, S]``, the plan that stands; ``fresh_plan`` is what planning would say now."""
    fresh_plan: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    """U, ``[T, N]`` in nats."""
    misaligned: NDArray[np.float32]
    """``[T, N]``, share of dependent pairs that did not fit, by the environment's record; -1 for no pair."""
    concept_believed: NDArray[np.float32]
    """``[T, N, V]``, what the thing that the agent then looked at was taken for; nan where it is not known."""
    concept_true: NDArray[np.int64]
    """``[T, N]``; -1 where unknown."""
    confusion_matrix: NDArray[np.float32]
    """C and M of equations 10 and 12, ``[V, V]``; at run time they stand still."""
    confusion_memory: NDArray[np.float32]
    places: NDArray[np.float64]
    """``[N, 2]``, where agents stand on a drawing; x to the right and y down, the nearest two about 1 apart."""
    replanned: NDArray[np.bool_] | None = None
    """R, ``[T, N]``; None where every step is planned anew."""
    forced: NDArray[np.bool_] | None = None
    """``[T, N]``: there was no plan, or it was as old as a plan may be."""
    plan_age: NDArray[np.int64] | None = None
    """``[T, N]``, the plan's age in steps before this one; 0 where there was none."""
    error: NDArray[np.float32] | None = None
    """E, ``[T, N]``."""
    gate: NDArray[np.float32] | None = None
    """``[T, N]``, the probability with which the agent talks; ``gate_open`` is what was drawn."""
    gate_open: NDArray[np.bool_] | None = None
    neighbour: NDArray[np.int64] | None = None
    """``[T, N, K]``, the agent in each slot; -1 where nobody can be heard."""
    delivered: NDArray[np.bool_] | None = None
    """``[T, N, K]``, whether the slot's agent was heard in the step."""
    assignment: NDArray[np.float32] | None = None
    """``[T, N, K + 1, S]``, for each sub-goal who should see to it: the slots' agents and, last, oneself."""
    belief: NDArray[np.float32] | None = None
    """``[T, N, K, S]``, the next sub-goal of each slot's agent, as believed."""
    sent: NDArray[np.bool_] | None = None
    """``[P, T, N, K]``, where a message of each kind came in from the slot's agent."""
    floats: NDArray[np.int64] | None = None
    """``[P]``, numbers in one message."""
    meant: NDArray[np.bool_] | None = None
    """``[P, T, N, K]``, where the slot's agent had a message of each kind for the agent; None, as the next three, where
    the channel has no limits, and all that is meant arrives at once."""
    posted: NDArray[np.int32] | None = None
    """``[P, T, N, K]``, numbers of it that the byte budget let through."""
    received: NDArray[np.int32] | None = None
    """``[P, T, N, K]``, numbers that arrived in this step, of a message of ``meta["delay"]`` steps before."""
    lost: NDArray[np.bool_] | None = None
    """``[T, N, K]``, links that lost what was sent in this step; None where nothing is lost, too."""
    action_text: NDArray[np.int64] | None = None
    """``[T, N]`` into ``meta["action_texts"]``; -1 for none."""

    @property
    def steps(self) -> int:
        """T."""
        return len(self.actions)

    @property
    def agents(self) -> list[str]:
        """Names, in the order of rows."""
        return list(self.meta["agents"])

    def served_by_neighbour(self) -> NDArray[np.int64]:
        """``[T, N, K]``, the sub-goal that each slot's agent then really served; -1 where nobody or nothing."""
        if self.neighbour is None:
            raise RemalisError("This team does not talk (communication: none), so nobody has neighbours to believe of.")
        steps = np.arange(self.steps)[:, None, None]
        return np.where(self.neighbour >= 0, self.served[steps, self.neighbour], -1)

    def messages(self, everything: bool = False) -> NDArray[np.void]:
        """Every message that arrived, as rows of :data:`.MESSAGE`, in order of steps; none where nobody talks.

        Args:
            everything: whether to list those, too, that were lost, kept back by the byte budget, or still under way.
        """
        return log(self, everything)

    def triggers(self) -> list[str]:
        """Why messages of each kind are sent, one of :data:`.TRIGGERS` a kind.

        Where there is a gate, nothing goes out but through it; sub-goals in mode ``selective`` go to those who are
        assigned at least their share; rounds of reasoning answer what was heard. Single messages of planning may have
        a trigger of their own, see :meth:`messages`.
        """
        gated = "gate" if self.gate is not None else "step"
        chosen = "assignment" if self.meta["communication"] == "selective" else gated
        return [{"subgoals": chosen, "recursion": "reply"}.get(kind, gated) for kind in self.meta["kinds"]]

    def save(self, path: str | Path) -> Path:
        """Writes everything as one ``.npz`` file, readable by ``numpy.load`` alone.

        Raises:
            RemalisError: the file cannot be written.
        """
        arrays = {f.name: getattr(self, f.name) for f in _fields() if getattr(self, f.name) is not None}
        meta = np.array(json.dumps(self.meta))
        try:
            with open(path, "wb") as file:
                np.savez_compressed(file, meta=meta, format=np.array(_FORMAT), **arrays)
        except OSError as error:
            raise RemalisError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from None
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Reads what :meth:`save` wrote.

        Raises:
            RemalisError: the file cannot be read, or is no recording.
        """
        try:
            with np.load(path) as file:
                found = {name: file[name] for name in file.files}
            if int(found["format"]) > _FORMAT:
                raise RemalisError(f"{str(path)!r} was recorded by a later version of remalis: install that one.")
            meta = json.loads(str(found["meta"]))
            return cls(meta=meta, **{name: cast(Any, a) for name, a in found.items() if name not in _META})
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise RemalisError(f"{str(path)!r} is not a recording of an episode: {error}") from None


def _fields() -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(Recording) if f.name != "meta"]
