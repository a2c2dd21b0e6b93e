"""Traces: an episode as JSON that can be replayed, and the replay that finds out whether all comes out the same."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from remalis_agents.web_film.recorder import Recorder
from remalis_agents.web_film.recording import Ending, Moment, Recording, Turn
from remalis_envs.errors import RemalisError
from remalis_envs.web.desk import Slot
from remalis_envs.web.env import WebEnv
from remalis_envs.web.notebook import Note
from remalis_envs.web.pages.items import Item
from remalis_envs.web.source import Choice, Place

KIND, FORMAT = "remalis web trace", 1
"""Of files; a change that old code cannot read counts it up."""


class ReplayError(RemalisError):
    """An episode did not come out as its trace says."""


# -- files --------------------------------------------------------------------------------------------------------
def as_json(recording: Recording) -> str:
    """An episode that is over, all but its pictures."""
    assert recording.ending is not None
    steps = [
        {
            "step": moment.step,
            "turns": [_turn(turn) for turn in moment.turns],
            "notes": [asdict(note) for note in moment.notes],
            "changes": list(moment.changes),
            "done": sorted(moment.done),
            "rewards": dict(moment.rewards),
            "readings": dict(moment.readings),
        }
        for moment in recording.moments
    ]
    whole = {
        "kind": KIND,
        "format": FORMAT,
        "remalis": metadata.version("remalis"),
        "options": recording.options,
        "seed": recording.seed,
        "place": recording.place._asdict(),
        "who": recording.who,
        "instruction": recording.instruction,
        "budget": recording.budget,
        "agents": list(recording.agents),
        "subtasks": recording.subtasks,
        "first": dict(recording.first),
        "steps": steps,
        "ending": asdict(recording.ending),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "agent": turn.agent,
        "action": turn.action,
        "slots": [None if slot is None else {"item": asdict(slot.item), "text": slot.text} for slot in turn.slots],
        "words": turn.words,
        "outcome": turn.outcome,
        "requested": list(turn.requested),
        "answer": turn.answer,
        "finished": list(turn.finished),
        "moved": turn.moved,
    }


def read_trace(path: str | Path) -> Recording:
    """An episode as :func:`as_json` wrote it.

    Raises:
        RemalisError: the file cannot be read, or is no trace.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(found, dict) or found.get("kind") != KIND:
            raise RemalisError(
                f"{str(path)!r} is no trace of a web episode: `remalis play --env web --trace` writes one."
            )
        if found["format"] > FORMAT:
            raise RemalisError(
                f"The trace {str(path)!r} was written by remalis {found['remalis']}, in a format that this version "
                "does not know: install that version or a later one."
            )
        return _recording(found)
    except OSError as error:
        raise RemalisError(f"The trace {str(path)!r} cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RemalisError(f"The trace {str(path)!r} is damaged: {type(error).__name__}, {error}.") from None


def _recording(found: Mapping[str, Any]) -> Recording:
    ended = dict(found["ending"])
    ended["checks"] = tuple((text, held) for text, held in ended["checks"])
    return Recording(
        dict(found["options"]),
        int(found["seed"]),
        Place(**found["place"]),
        found["who"],
        found["instruction"],
        int(found["budget"]),
        tuple(found["agents"]),
        dict(found["subtasks"]),
        None,
        dict(found["first"]),
        [_moment(one) for one in found["steps"]],
        Ending(**{**ended, "harm": tuple(ended["harm"])}),
    )


def _moment(found: Mapping[str, Any]) -> Moment:
    turns = []
    for one in found["turns"]:
        slots = tuple(None if slot is None else Slot(_item(slot["item"]), slot["text"]) for slot in one["slots"])
        words, outcome, answer = one["words"], one["outcome"], one["answer"]
        requested, finished = tuple(one["requested"]), tuple(one["finished"])
        turn = Turn(one["agent"], int(one["action"]), slots, words, outcome, requested, answer, finished)
        turns.append(replace(turn, moved=bool(one["moved"])))
    notes = tuple(Note(**note) for note in found["notes"])
    rewards = {agent: float(reward) for agent, reward in found["rewards"].items()}
    done, changed = frozenset(found["done"]), tuple(found["changes"])
    return Moment(int(found["step"]), tuple(turns), notes, changed, done, rewards, dict(found["readings"]))


def _item(found: Mapping[str, Any]) -> Item:
    return Item(**{**found, "options": tuple(found["options"])})


# -- replays ------------------------------------------------------------------------------------------------------
class OneTask(Choice):
    """The task of a trace, whichever domains this version has beside its own.

    Args:
        choice: of the environment.
        place: of the task.
    """

    def __init__(self, choice: Choice, place: Place) -> None:
        self.__dict__.update(choice.__dict__)
        self._place = place

    def place(self, seed: int) -> Place:
        return self._place


class _Player:
    """Does what a trace says."""

    def __init__(self, trace: Recording) -> None:
        self._moments = iter(trace.moments)

    def reset(self, env: WebEnv, seed: int) -> None:
        self._env = env

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        moment = next(self._moments, None)
        if moment is None:
            raise ReplayError("The trace is over, but the episode is not.")
        for k, turn in enumerate(moment.turns):
            if turn.slots:
                self._env.episode.desks[k].slots[:] = turn.slots
                self._env.episode.show_slots(k)
        return {turn.agent: turn.action for turn in moment.turns}


class Replayer(Recorder):
    """Replays a trace; :meth:`moments` raises :class:`ReplayError` where something comes out differently.

    Args:
        env: made with the trace's options.
        trace: as :func:`read_trace` gives it.
        pictures: take pictures of the tabs.

    Raises:
        ReplayError: the task is another one, or the tabs begin with another page.
    """

    def __init__(self, env: WebEnv, trace: Recording, pictures: bool = True) -> None:
        if tuple(env.possible_agents) != trace.agents:
            raise ReplayError(f"The trace is of the agents {list(trace.agents)}, not of {env.possible_agents}.")
        env.choice = OneTask(env.choice, trace.place)
        super().__init__(env, _Player(trace), trace.seed, trace.options, trace.who, pictures)
        self.trace = trace
        if self.recording.instruction != trace.instruction:
            raise ReplayError(
                f"The trace is of the task {trace.instruction!r}, but this version draws "
                f"{self.recording.instruction!r} in its place."
            )
        _compare("at the start", "what tabs show", trace.first, self.recording.first)

    def moments(self) -> Generator[Moment, None, None]:
        told = self.trace.moments
        steps = super().moments()
        for number, moment in enumerate(steps):
            if number < len(told):
                self._check(told[number], moment)
            yield moment
            if number + 1 == len(told) and self.trace.ending is not None and self.trace.ending.fault:
                steps.close()  # there it broke off
                self.recording.ending = self.trace.ending
                return
        ended, was = self.recording.ending, self.trace.ending
        if ended is not None and ended.fault:
            raise ReplayError(f"The replay broke off: {ended.fault}")
        if len(self.recording.moments) != len(told):
            raise ReplayError(f"The trace has {len(told)} steps, but the episode ended after {number + 1}.")
        if ended is not None and was is not None:
            _compare("at the end", "figures", was.metrics, ended.metrics)

    @staticmethod
    def _check(told: Moment, found: Moment) -> None:
        when = f"in step {told.step}"
        outcomes = ({turn.agent: turn.outcome for turn in one.turns} for one in (told, found))
        _compare(when, "what actions came to", *outcomes)
        _compare(when, "rewards", told.rewards, found.rewards)
        _compare(when, "what tabs show", told.readings, found.readings)


def _compare(when: str, what: str, told: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for name in dict.fromkeys((*told, *found)):
        if told.get(name) != found.get(name):
            raise ReplayError(
                f"The replay differs from the trace {when} in {what}: of {name} it has {found.get(name)}, "
                f"the trace {told.get(name)}."
            )
