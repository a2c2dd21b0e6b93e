"""What the parts of a recording are called on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from remalis_agents.explain.messages import OUTCOMES
from remalis_agents.explain.recording import Recording

CARRIES = {
    "goal": "where the sender is heading",
    "subgoals": "what belongs to its goal, and what comes next",
    "assignment": "what it leaves to this teammate",
    "recursion": "what it believes of this teammate",
    "feedback": "what became of its last action",
    "grounding": "what it takes the things around it for",
    "planning": "what it is about to plan",
}
"""What a message of each kind is made from."""
OFTEN = {
    "step": "in every step",
    "gate": "when the sender's gate is open",
    "assignment": "to those who are assigned at least an equal share",
    "reply": "in answer to what was heard",
}
"""When a message is sent, by what triggers it."""
FATES = {
    "lost": "got lost",
    "withheld": "did not fit into the byte budget and were not sent",
    "missed": "came when their receiver could no longer hear the sender",
    "under way": "were still under way at the end",
}
"""What became of messages that did not arrive."""
INTENDED = {"plan": "plan", "next_subgoal": "intention", "goal": "goal"}
"""What an agent is after, by where a recording says it."""
INTENDED_LONG = {
    "plan": "what planning said when it was last asked (equation 1)",
    "next_subgoal": "what its intention says comes next (section 3.1); this is what teammates are told",
    "goal": "the sub-goal that its goal is likest",
}
COMMUNICATION = {
    "none": "nothing crosses from agent to agent",
    "basic": "each tells its goal to every neighbour",
    "selective": "each tells its goal to every neighbour, and its sub-goals to those who are to see to one",
    "full": "the whole method's messages cross",
}


def clock(steps: int, step_s: float | None) -> str:
    """Simulated time of so many steps, such as ``10:00``; empty where there is no clock."""
    if step_s is None:
        return ""
    seconds = round(steps * step_s)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def percent(share: float, digits: int = 0) -> str:
    """Such as ``74%``; a dash for nan."""
    return "–" if share != share else f"{math.floor(100 * share * 10**digits + 0.5) / 10**digits:.{digits}f}%"


def size(count: float) -> str:
    """Bytes for people."""
    return f"{count:,.0f} B" if count < 10_000 else f"{count / 1000:,.1f} kB"


def played(recording: Recording) -> str:
    """What was played, in a sentence."""
    meta = recording.meta
    options = ", ".join(f"{key}={value}" for key, value in dict(meta.get("env_config") or {}).items())
    world = f"{meta.get('env', 'an environment')} ({options})" if options else str(meta.get("env", "an environment"))
    span = clock(recording.steps, meta.get("step_s"))
    length = f"{recording.steps} steps" + (f", {span} of simulated time" if span else "")
    way = "actions drawn as in training" if meta.get("sample") else "the most probable action each time"
    return f"{len(recording.agents)} agents on {world}, seed {meta.get('seed')}, {length}, {way}."


def spoken(recording: Recording) -> str:
    """How the team talks, in a sentence."""
    mode = recording.meta["communication"]
    text = f"Communication: {mode}; {COMMUNICATION.get(mode, 'see the network')}."
    if recording.gate is not None:
        budget: Mapping[str, Any] = recording.meta
        text += f" Gates keep to a budget of {percent(float(budget['gate_budget']))} of the steps."
    return text + limited(recording.meta)


def limited(meta: Mapping[str, Any]) -> str:
    """The limits of the channel, in sentences with a space before each; empty where it has none."""
    text = ""
    if meta.get("delay"):
        text += f" Messages take {meta['delay']} step{'s' if meta['delay'] > 1 else ''} to arrive."
    if meta.get("drop_rate"):
        text += f" Of those sent, {percent(float(meta['drop_rate']))} get lost."
    if meta.get("byte_budget") is not None:
        text += f" A link carries {size(meta['byte_budget'])} a step at most."
    return text


def became(recording: Recording) -> str:
    """What became of the messages that did not arrive, in a sentence; empty where all did."""
    rows = recording.messages(everything=True)
    counts = np.bincount(rows["outcome"], minlength=len(OUTCOMES))
    missing = [f"{count:,} {FATES[name]}" for name, count in zip(OUTCOMES, counts, strict=True) if name != "arrived"]
    if counts.sum() == counts[0]:
        return ""
    missing = [text for text in missing if not text.startswith("0 ")]
    return f" Of {len(rows):,} messages {', '.join(missing)}."
