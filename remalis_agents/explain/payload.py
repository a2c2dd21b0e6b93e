"""What the page's script is given: names and numbers as JSON, large arrays as bytes in base64."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_agents.explain.figures import clearest
from remalis_agents.explain.recording import Recording
from remalis_agents.explain.words import CARRIES, INTENDED, INTENDED_LONG, OFTEN
from remalis_agents.networks.base import BYTES_PER_FLOAT

_SHARES = ("goal", "parts", "next_subgoal", "plan", "fresh_plan", "assignment", "belief", "concept_believed", "gate")
"""Arrays of numbers from 0 to 1: a byte each, 255 for 1."""
_WHOLE = ("served", "concept_true", "plan_age", "neighbour", "action_text")
_FLAGS = ("alive", "replanned", "forced", "gate_open", "exists")
_NUMBERS = ("error", "uncertainty", "misaligned", "rewards")


def payload(recording: Recording) -> dict[str, Any]:
    """All that the script draws from."""
    meta = recording.meta
    arrays = {name: _packed(getattr(recording, name), name) for name in (*_SHARES, *_WHOLE, *_FLAGS, *_NUMBERS)}
    if recording.sent is not None:
        bits = (1 << np.arange(len(recording.sent)))[:, None, None, None]
        arrays["sent"] = _encoded((recording.sent * bits).sum(0).astype("<i2"), "i2")
    return {
        "steps": recording.steps,
        "agents": recording.agents,
        "subgoals": meta["subgoals"],
        "concepts": meta["concepts"],
        "actions": meta.get("action_texts", []),
        "step_s": meta.get("step_s"),
        "replan_every": meta["replan_every"],
        "delay": meta.get("delay", 0),
        "places": np.round(recording.places, 4).tolist(),
        "kinds": _kinds(recording),
        "intended": [{"key": key, "name": name, "says": INTENDED_LONG[key]} for key, name in INTENDED.items()],
        "first": clearest(recording),
        "arrays": {name: value for name, value in arrays.items() if value is not None},
    }


def _kinds(recording: Recording) -> list[dict[str, Any]]:
    if recording.floats is None:
        return []
    floats = recording.floats
    if recording.received is not None:
        # A byte budget may let through fewer rounds than there are; what never comes keeps its size.
        came = recording.received.max((1, 2, 3))
        floats = np.where(came > 0, came, floats)
    rows = zip(recording.meta["kinds"], floats.tolist(), recording.triggers(), strict=True)
    return [
        {
            "name": name,
            "bytes": BYTES_PER_FLOAT * floats,
            "floats": floats,
            "carries": CARRIES.get(name, "a vector of its own"),
            "often": OFTEN[trigger],
        }
        for name, floats, trigger in rows
    ]


def _packed(values: NDArray[Any] | None, name: str) -> dict[str, Any] | None:
    if values is None:
        return None
    if name in _SHARES:
        return _encoded(np.round(255 * np.nan_to_num(np.clip(values, 0.0, 1.0))).astype("u1"), "u1")
    if name in _FLAGS:
        return _encoded(values.astype("u1"), "u1")
    return _encoded(values.astype("<i2" if name in _WHOLE else "<f4"), "i2" if name in _WHOLE else "f4")


def _encoded(values: NDArray[Any], kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "shape": list(values.shape),
        "data": base64.b64encode(values.tobytes()).decode("ascii"),
    }


def as_json(content: dict[str, Any]) -> str:
    """As text that may stand inside a ``script`` element."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")
